/** Help texts, generated from the tables of commands and flags. */

import { formatDuration } from "../options/duration.ts";
import { duration } from "../options/kinds.ts";
import { OPTIONS } from "../options/table.ts";
import { type Flag, FLAGS } from "./flags.ts";

/** What `k6d help` says. */
export function generalHelp(): string {
  return `k6d runs k6 load-test scripts on V8.

Usage:
  k6d <command> [flags]

Commands:
  run <script>   run a load test; - reads the script from standard input
  version        show the version
  help           show this text; \`k6d run --help\` lists the flags

Example:
  k6d run --vus 50 --duration 30s script.js
`;
}

/** What `k6d run --help` says. */
export function runHelp(): string {
  const sections = [
    ["Options of the test (also variables, and most of them fields of the script's options)", "Options"],
    ["Options of the run", "Run"],
    ["Global", "Global"],
  ] as const;
  return `Run a load test.

Usage:
  k6d run [flags] <script | ->

Examples:
  k6d run script.js
  k6d run -u 50 -d 30s script.ts
  k6d run -o experimental-prometheus-rw -e BASE_URL=http://localhost:8080 script.js
${sections.map(([title, section]) => `\n${title}:\n${flagsOf(section)}`).join("")}`;
}

function flagsOf(section: Flag["section"]): string {
  return FLAGS.filter((flag) => flag.section === section).map(line).join("");
}

const NAME_WIDTH = 46;

function line(flag: Flag): string {
  const short = flag.short === undefined ? "    " : `-${flag.short}, `;
  const placeholder = flag.kind.placeholder === "" ? "" : ` ${flag.kind.placeholder}`;
  const name = `  ${short}--${flag.name}${flag.bare === undefined ? placeholder : ""}`;
  const notes = [defaultOf(flag), flag.env, isNotYet(flag) ? "not supported yet" : undefined];
  const known = notes.filter((note) => note !== undefined);
  return `${name.padEnd(NAME_WIDTH)} ${flag.help}${known.length > 0 ? ` (${known.join("; ")})` : ""}\n`;
}

function isNotYet(flag: Flag): boolean {
  return flag.notYet !== undefined || optionOf(flag)?.unsupported !== undefined;
}

function defaultOf(flag: Flag): string | undefined {
  const value = flag.default ?? optionOf(flag)?.default;
  if (value === undefined || value === false || value === "") return undefined;
  return `default ${flag.kind === duration ? formatDuration(value as number) : value}`;
}

function optionOf(flag: Flag) {
  return OPTIONS.find((option) => option.key === flag.option);
}
