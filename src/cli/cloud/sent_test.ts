/** A test on its way to a cloud: its options, then its archive, as a new test or as the new script of an old one. */

import { archiveTest } from "../../engine/test_archive.ts";
import { CloudApiError } from "../../output/cloud/api/cloud_error.ts";
import type { V6Api } from "../../output/cloud/api/v6_api.ts";
import type { LoadTestIdentity } from "../../output/cloud/load_test_identity.ts";
import { asObject } from "../../output/setting_values.ts";
import { withoutSecrets } from "../../output/option_secrets.ts";
import { formatBytes } from "../../summary/format.ts";
import { UsageError } from "../args.ts";
import type { TestToPack } from "../packed_test.ts";

/** What `sendTest` tells of what it does. */
export interface SendSteps {
  /** `Validating the options`, …; `fraction` of the whole, 0 to 1. */
  onStep(text: string, fraction: number): void;
}

/** Checks the options with the service and sends the archive; resolves to the id of the test there. Rejects with a `CloudApiError`. */
export async function sendTest(
  api: Pick<V6Api, "validateOptions" | "provideLoadTest">,
  test: TestToPack,
  { name, projectId }: LoadTestIdentity,
  { onStep }: SendSteps,
  signal: AbortSignal,
): Promise<number> {
  // A script without a name and a project of its own must be found where it was put.
  const cloud = { ...asObject(test.contents.options["cloud"]), name, projectID: projectId };
  const contents = { ...test.contents, options: { ...test.contents.options, cloud } };
  onStep("Validating the options", 0.2);
  await api.validateOptions(projectId, withoutSecrets(contents.options), signal);
  onStep("Building the archive", 0.4);
  const archive = archiveTest(contents);
  onStep(`Uploading the archive (${formatBytes(archive.length)})`, 0.6);
  try {
    return (await api.provideLoadTest(projectId, name, archive, signal)).id;
  } catch (error) {
    if (!(error instanceof CloudApiError && error.status === 413)) throw error;
    throw new UsageError(
      `the service refuses the archive of ${formatBytes(archive.length)} as too large (413): ` +
        "let the script open less data, or get it while the test runs",
    );
  }
}
