/** What `k6d cloud run` and `k6d cloud upload` share: a script, who calls, and what mistakes mean. */

import { CloudApiError } from "../../output/cloud/api/cloud_error.ts";
import { CloudClient } from "../../output/cloud/api/cloud_client.ts";
import { V6Api } from "../../output/cloud/api/v6_api.ts";
import { type CloudConfig, readConfig } from "../../output/cloud/config.ts";
import { type LoadTestIdentity, loadTestIdentity, nameOfTest } from "../../output/cloud/load_test_identity.ts";
import { OutputError } from "../../output/output.ts";
import { VERSION } from "../../version.ts";
import { type CommandLine, UsageError } from "../args.ts";
import { renderBanner } from "../banner.ts";
import type { CommandContext } from "../commands.ts";
import { exitOnStrayErrors } from "../crash.ts";
import { ExitCode } from "../exit_codes.ts";
import { Interruption } from "../interruption.ts";
import { prepareToPack, secretWarnings, type TestToPack } from "../packed_test.ts";
import { type ScriptCommandContext, withScript } from "../script_command.ts";
import { isInteractive, LenientWriter } from "../terminal.ts";
import { mistakeText, stackAccess } from "./cloud_command.ts";
import { RemoteDisplay } from "./remote_display.ts";
import { sendTest } from "./sent_test.ts";

/** A test that the service has. */
export interface CloudScript extends ScriptCommandContext {
  readonly test: TestToPack;
  readonly cloud: CloudConfig;
  /** Of `cloud`, which has it. */
  readonly token: string;
  readonly api: V6Api;
  readonly identity: LoadTestIdentity;
  /** Id of the test at the service. */
  readonly loadTestId: number;
  readonly interruption: Interruption;
  readonly display: RemoteDisplay;
  /** Says that something has begun that goes on without k6d: from now on a signal is the body's business. */
  begun(): void;
}

/** Sends a script to the service and goes on with `body`, whose exit code is the command's. */
export function withCloudScript(
  commandLine: CommandLine,
  context: CommandContext,
  body: (script: CloudScript) => Promise<number>,
): Promise<number> {
  return withScript(commandLine, context, async (script) => {
    exitOnStrayErrors(script.log);
    using interruption = new Interruption("nothing was started in the cloud");
    // A full disk under the output must not leave a test alone in the cloud.
    const stdout = new LenientWriter(script.stdout);
    using display = displayOf({ ...script, stdout });
    let hasBegun = false;
    try {
      display.write(renderBanner(script.plan.settings.color));
      display.bar(() => ({ label: "Init", text: "Reading the script", fraction: 0 }));
      const test = await interruption.race(prepareToPack(script));
      const cloud = readCloudConfig(script, test);
      const { token, api } = connect(commandLine, script, cloud);
      const name = nameOfTest(cloud, script.plan.settings.script);
      const identity = loadTestIdentity(cloud, name, (message) => script.log.warn(message));
      for (const warning of warningsOfArchive(test)) script.log.warn(warning);
      const onStep = (text: string, fraction: number) => display.bar(() => ({ label: "Init", text, fraction }));
      const loadTestId = await interruption.race(sendTest(api, test, identity, { onStep }, interruption.signal));
      const begun = () => hasBegun = true;
      const code = await body({
        ...script,
        test,
        cloud,
        token,
        api,
        identity,
        loadTestId,
        interruption,
        display,
        begun,
      });
      if (stdout.failure !== null && code === ExitCode.Success) throw stdout.failure;
      return code;
    } catch (error) {
      if (interruption.signal.aborted && !hasBegun) throw interruption.error;
      if (error instanceof OutputError || error instanceof CloudApiError) throw new UsageError(mistakeText(error));
      throw error;
    }
  });
}

function displayOf({ stdout, env, log, plan: { settings: { color, quiet } } }: ScriptCommandContext): RemoteDisplay {
  const interactive = isInteractive({ isTerminal: Deno.stdout.isTerminal(), env });
  return new RemoteDisplay({ stdout, interactive, color, quiet, log });
}

/** Throws an `OutputError`, or a `UsageError` for a flag's variable. */
function readCloudConfig({ env, config, read, log }: ScriptCommandContext, { contents }: TestToPack): CloudConfig {
  const [showLogs, exitOnRunning] = [read.last("show-logs"), read.last("exit-on-running")];
  const cloud = readConfig({
    argument: "",
    env,
    options: contents.options,
    collectors: config.collectors,
    flags: {
      ...typeof showLogs === "boolean" ? { showLogs } : {},
      ...typeof exitOnRunning === "boolean" ? { exitOnRunning } : {},
    },
  });
  for (const secret of cloud.secrets) log.redact(secret);
  for (const warning of cloud.warnings) log.warn(warning);
  return cloud;
}

function connect(commandLine: CommandLine, { log, env }: ScriptCommandContext, cloud: CloudConfig) {
  const access = stackAccess(commandLine, cloud);
  // The order to abort a test must not wait for a look at it.
  const client = new CloudClient({ version: VERSION, timeoutMs: cloud.timeoutMs, log, env, connections: 2 });
  return { token: access.token, api: new V6Api(client, access) };
}

/** The service knows who calls without a token in the archive. */
function warningsOfArchive({ secrets: { leftOut, inText } }: TestToPack): string[] {
  return secretWarnings({ inText, leftOut: leftOut.filter((place) => !CLOUD_TOKENS.test(place)) });
}

const CLOUD_TOKENS = /^(?:options\.(?:cloud|ext\.loadimpact)\.token|K6_CLOUD_TOKEN)$/i;
