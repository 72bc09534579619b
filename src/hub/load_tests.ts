/** Which test a call is about. */

import { ApiError } from "./http.ts";
import type { Call } from "./operation.ts";
import type { Account, LoadTest } from "./store.ts";

/** The test of the path, in the account's stack. Throws an `ApiError`. */
export async function loadTestOfPath(call: Call, account: Account): Promise<LoadTest> {
  const test = await call.store.loadTest(Number(call.parameters["id"]));
  const projects = await call.store.projects(account.stackId);
  if (test === undefined || !projects.some(({ id }) => id === test.projectId)) {
    throw new ApiError(404, `there is no load test ${call.parameters["id"]}`);
  }
  return test;
}
