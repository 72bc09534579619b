/** What a user is left with when a test is over: the summary on the terminal, through `handleSummary`, and in files. */

import type { Log } from "../cli/log.ts";
import { StreamWriter, type TextWriter } from "../cli/terminal.ts";
import type { Options, RunSettings } from "../options/types.ts";
import type { SummaryCollector } from "../summary/collect.ts";
import { exportedSummary, summaryData } from "../summary/data.ts";
import { machineReadableSummary } from "../summary/machine_readable.ts";
import type { SummaryInput } from "../summary/summary_input.ts";
import { renderSummary } from "../summary/text.ts";
import { VERSION } from "../version.ts";
import type { HandledSummary } from "../worker/messages.ts";
import { RunError } from "./run_error.ts";
import type { TestRun } from "./test_run.ts";

/** A test that has ended. */
export interface EndedTest {
  readonly run: TestRun;
  readonly collector: SummaryCollector;
  readonly settings: RunSettings;
  readonly options: Options;
}

/** Shows and writes the summary. What can't be written is logged; the test's outcome stays as it is. */
export async function summarize({ run, collector, settings, options }: EndedTest, stdout: TextWriter, log: Log) {
  const input = collector.collect({
    durationMs: run.durationMs,
    thresholds: run.thresholds?.metrics ?? [],
    options: {
      mode: settings.summaryMode === "full" ? "full" : "compact",
      trendStats: options.summaryTrendStats,
      timeUnit: options.summaryTimeUnit,
      color: settings.color,
    },
  });
  const legacy = summaryData(input, {
    isStdOutTTY: Deno.stdout.isTerminal(),
    isStdErrTTY: Deno.stderr.isTerminal(),
    setupJson: run.setupJson,
  });
  const machineReadable = settings.newMachineReadableSummary
    ? machineReadableSummary(input, { generatedAt: new Date(), version: VERSION, script: settings.script })
    : null;
  const handled = await handle(run, JSON.stringify(machineReadable ?? legacy), log);
  const files = new Map(handled ?? defaultSummary(input));
  if (settings.summaryExport !== "") {
    const exported = machineReadable ?? exportedSummary(legacy);
    files.set(settings.summaryExport, JSON.stringify(exported, null, 4));
  }
  save(files, stdout, log);
}

/** The script's own summary; null when it has none, or failed to make one. */
async function handle(run: TestRun, data: string, log: Log): Promise<HandledSummary | null> {
  try {
    return await run.handleSummary(data);
  } catch (error) {
    if (!(error instanceof RunError)) throw error;
    log.write("error", error.message, error.fields);
    return null;
  }
}

function defaultSummary(input: SummaryInput): HandledSummary {
  return new Map([["stdout", `\n${renderSummary(input)}\n\n`]]);
}

function save(files: HandledSummary, stdout: TextWriter, log: Log): void {
  const failures: string[] = [];
  for (const [destination, content] of files) {
    if (destination === "stdout") stdout.write(content);
    else if (destination === "stderr") new StreamWriter(Deno.stderr).write(content);
    else {
      try {
        if (typeof content === "string") Deno.writeTextFileSync(destination, content);
        else Deno.writeFileSync(destination, content);
      } catch (error) {
        failures.push(`could not write '${destination}': ${(error as Error).message}`);
      }
    }
  }
  if (failures.length > 0) log.error(`Could not save some summary information:\n\t- ${failures.join("\n\t- ")}`);
}
