/** Where `k6d cloud run` runs a test, and which flags go with that. */

import { type CommandLine, UsageError } from "../args.ts";
import { ExitCode } from "../exit_codes.ts";

/** Whether the test runs here (`--local-execution`) instead of in the cloud. Throws a `UsageError` for flags that don't go with that. */
export function isLocalExecution({ flags }: Pick<CommandLine, "flags">): boolean {
  const isLocal = flags.get(LOCAL_EXECUTION)?.at(-1) === true;
  const misplaced = (isLocal ? ONLY_REMOTE : ONLY_LOCAL).find((name) => flags.has(name));
  if (misplaced === undefined) return isLocal;
  throw new UsageError(
    isLocal
      ? `--${misplaced} does not go with --${LOCAL_EXECUTION}: it is about tests that run in the cloud`
      : `--${misplaced} goes with --${LOCAL_EXECUTION} only: without that the test runs in the cloud`,
    ExitCode.InvalidConfig,
  );
}

const LOCAL_EXECUTION = "local-execution";
const ONLY_LOCAL: readonly string[] = ["no-archive-upload", "no-cloud-secrets", "no-cloud-logs"];
const ONLY_REMOTE: readonly string[] = ["exit-on-running", "show-logs"];
