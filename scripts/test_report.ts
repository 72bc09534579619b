/** Reads what `deno test` prints. */

/** The figures of a test run, without steps. */
export interface TestReport {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Commands that install the programs for want of which tests were skipped, each with the number of those tests. */
  readonly missing: ReadonlyMap<string, number>;
}

/** Reads the output of one `deno test`; all figures are 0 when it never came to its closing line. */
export function readTestReport(output: string): TestReport {
  // deno-lint-ignore no-control-regex
  const text = output.replaceAll(/\x1b\[[0-9;]*m/g, "");
  const missing = new Map<string, number>();
  for (const [, command = ""] of text.matchAll(/\(needs: ([^)]+)\) \.\.\. ignored/g)) {
    missing.set(command, (missing.get(command) ?? 0) + 1);
  }
  const closing = [...text.matchAll(/^(?:ok|FAILED) \| (\d+) passed.*$/gm)].at(-1)?.[0] ?? "";
  const count = (what: string) => Number(new RegExp(`(\\d+) ${what}`).exec(closing)?.[1] ?? 0);
  return { passed: count("passed"), failed: count("failed"), skipped: count("ignored"), missing };
}
