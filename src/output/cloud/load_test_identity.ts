/** Under which name, and in which project, a cloud keeps a test. */

import { OutputError } from "../output.ts";
import type { CloudConfig } from "./config.ts";

/** The name that is set, or else that of the script's file; may be empty. */
export function nameOfTest({ name }: Pick<CloudConfig, "name">, script: string): string {
  const fileName = script === "-" ? "k6 test" : script.split(/[/\\]/).at(-1) ?? "";
  return (name ?? fileName).trim();
}

/** Where a test belongs (version 6 of the API). */
export interface LoadTestIdentity {
  readonly name: string;
  readonly projectId: number;
}

/** The test of a name, in the project that is set, or else in the stack's default project, which is a warning. Throws an `OutputError`. */
export function loadTestIdentity(
  { projectId, defaultProjectId, sourceOf }: Pick<CloudConfig, "projectId" | "defaultProjectId" | "sourceOf">,
  name: string,
  warn: (message: string) => void,
): LoadTestIdentity {
  if (name === "" || name.length > LONGEST_NAME) {
    throw new OutputError(
      `cloud output: the name of the test must have 1 to ${LONGEST_NAME} characters, but has ${name.length} ` +
        `(${sourceOf("name")}): set options.cloud.name or K6_CLOUD_NAME`,
    );
  }
  if (projectId !== null) return { name, projectId };
  if (defaultProjectId === null) {
    throw new OutputError(
      "cloud output: no project is set, and the stack's default project is not known: set options.cloud.projectID or " +
        "K6_CLOUD_PROJECT_ID, or run `k6d cloud login`, which stores the stack's",
    );
  }
  warn(
    `no project is set (options.cloud.projectID, K6_CLOUD_PROJECT_ID): the test goes to the stack's default project ` +
      defaultProjectId,
  );
  return { name, projectId: defaultProjectId };
}

const LONGEST_NAME = 300;
