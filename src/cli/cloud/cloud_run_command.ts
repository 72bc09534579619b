/** `k6d cloud run`: a test that runs in the cloud, watched from here, or here, with its results in the cloud. */

import { systemClock } from "../../output/clock.ts";
import { CloudApiError } from "../../output/cloud/api/cloud_error.ts";
import type { StartedTestRun } from "../../output/cloud/api/v6_api.ts";
import { pageOfRun } from "../../output/cloud/config.ts";
import { followLog } from "../../output/cloud/logs/log_tail.ts";
import { describeUrl } from "../../output/url_text.ts";
import { formatPlanDuration } from "../../summary/format.ts";
import { VERSION } from "../../version.ts";
import { type CommandLine, UsageError } from "../args.ts";
import type { CommandContext } from "../commands.ts";
import { clock, type ProgressPhase } from "../progress.ts";
import { planOf } from "./cloud_plan.ts";
import { type CloudScript, withCloudScript } from "./cloud_script.ts";
import { isLocalExecution } from "./execution_flags.ts";
import { type RemoteProgress, RemoteRunWatcher } from "./remote_run_watcher.ts";

/** Runs a test; resolves with the exit code. Throws a `UsageError` for flags that don't go together. */
export async function cloudRunCommand(commandLine: CommandLine, context: CommandContext): Promise<number> {
  if (!isLocalExecution(commandLine)) return await withCloudScript(commandLine, context, runRemotely);
  // As `k6d run` does it: what is different is in the settings (`planRun`).
  const { runCommand } = await import("../run_command.ts");
  return await runCommand(commandLine, context);
}

async function runRemotely(script: CloudScript): Promise<number> {
  const { api, cloud, interruption, display, log, begun } = script;
  display.bar(() => ({ label: "Init", text: "Starting the test", fraction: 0.9 }));
  if (interruption.signal.aborted) throw interruption.error;
  begun();
  interruption.signal.addEventListener("abort", () => {
    const { reason } = interruption.signal;
    log.warn(`the test is told to end because k6d received a '${reason}' signal; another one ends k6d at once`);
  });
  const { id, detailsUrl } = await startTest(script);
  display.write(planOf(script, pageOfRun(cloud, id, detailsUrl)));
  const run = new RemoteRunWatcher({
    api,
    testRunId: id,
    exitOnRunning: cloud.exitOnRunning,
    clock: systemClock,
    log,
    onProgress: (progress) => display.line(phaseOf(progress), progress.text),
  });
  display.bar(() => phaseOf(run.progress));
  const ended = new AbortController();
  const tail = cloud.showLogs ? followRemoteLog(script, id, ended.signal) : Promise.resolve();
  const { exitCode, message, status } = await run.watch(interruption.signal);
  ended.abort();
  await tail;
  display.finish();
  if (status !== null) display.write(`\n     test status: ${status}\n\n`);
  if (message !== "") log.error(message);
  return exitCode;
}

/** A signal does not give this call up: a test that starts unseen could not be aborted. */
async function startTest({ api, loadTestId }: CloudScript): Promise<StartedTestRun> {
  try {
    return await api.startTestRun(loadTestId);
  } catch (error) {
    if (!(error instanceof CloudApiError) || error.kind === "refused") throw error;
    throw new UsageError(`${error.message}; it may run nevertheless: look for it in the cloud`);
  }
}

function phaseOf(progress: RemoteProgress | null): ProgressPhase {
  if (progress === null) return { label: "Run", text: "Created", fraction: 0 };
  const { text, elapsed, fraction } = progress;
  const time = elapsed === null ? "" : `  ${clock(elapsed.ms, elapsed.ofMs)}/${formatPlanDuration(elapsed.ofMs)}`;
  return { label: "Run", text: text + time, fraction };
}

function followRemoteLog({ cloud, token, log }: CloudScript, testRunId: string, signal: AbortSignal): Promise<void> {
  if (cloud.logsTailUrl === null) {
    log.warn(
      "the test's log is not shown: set K6_CLOUD_LOGS_TAIL_URL to where the service has it, or --show-logs=false",
    );
    return Promise.resolve();
  }
  log.debug(`cloud: the test's log is read from ${describeUrl(new URL(cloud.logsTailUrl))}`);
  return followLog({
    url: cloud.logsTailUrl,
    token,
    testRunId,
    userAgent: `k6d/${VERSION}`,
    // The test has no earlier lines: only the clocks may differ.
    fromEpochMs: Date.now() - MOST_CLOCK_SKEW_MS,
    clock: systemClock,
    onLine: ({ level, message, labels, atEpochMs }) => log.write(level, message, labels, atEpochMs),
    onWarning: (message) => log.warn(message),
  }, signal);
}

const MOST_CLOCK_SKEW_MS = 5 * 60_000;
