/** Which project something is in. */

import { ApiError } from "./http.ts";
import type { Call } from "./operation.ts";
import type { Account } from "./store.ts";

/** The id of an account's project; 0 asks for its default one. Throws an `ApiError`. */
export async function projectOf({ store }: Call, account: Account, projectId: number): Promise<number> {
  if (projectId === 0) return account.defaultProjectId;
  const projects = await store.projects(account.stackId);
  if (projects.some(({ id }) => id === projectId)) return projectId;
  throw new ApiError(403, `there is no project ${projectId}, or the token has no access to it`, {
    fields: { project_id: ["unknown project"] },
  });
}
