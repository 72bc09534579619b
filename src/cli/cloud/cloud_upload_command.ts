/** `k6d cloud upload`: puts a test into the cloud without running it. */

import type { CommandLine } from "../args.ts";
import type { CommandContext } from "../commands.ts";
import { ExitCode } from "../exit_codes.ts";
import { withCloudScript } from "./cloud_script.ts";
import { planOf } from "./cloud_plan.ts";

/** Uploads a script and says where it is. */
export function cloudUploadCommand(commandLine: CommandLine, context: CommandContext): Promise<number> {
  return withCloudScript(commandLine, context, (script) => {
    const { cloud: { stackUrl }, identity: { projectId }, loadTestId, display } = script;
    const place = stackUrl === null
      ? `test ${loadTestId} of project ${projectId}`
      : `${stackUrl}/a/k6-app/tests/${loadTestId}`;
    display.write(`${planOf(script, place)}     test status: Archived\n\n`);
    return Promise.resolve(ExitCode.Success);
  });
}
