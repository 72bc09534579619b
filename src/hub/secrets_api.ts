/** Where runs ask for the secrets of their stack. */

import { ownRun } from "./auth.ts";
import { ApiError, type HubResponse, json } from "./http.ts";
import type { Call, Operation } from "./operation.ts";
import type { TestRun } from "./store.ts";

/** Its operation. */
export const secretOperations: readonly Operation[] = [
  {
    name: "provisioning.decryptSecret",
    method: "GET",
    path: "/provisioning/v1/test_runs/:id/decrypt_secret",
    api: "v6",
    answer: decryptSecret,
  },
];

/** What a run is told of this place; the client puts the name of the secret where `{key}` is. */
export function secretsConfig({ request }: Call, run: TestRun) {
  return {
    endpoint: `${request.origin}/provisioning/v1/test_runs/${run.id}/decrypt_secret?name={key}`,
    response_path: "plaintext",
  };
}

async function decryptSecret(call: Call): Promise<HubResponse> {
  const run = await ownRun(call);
  const name = call.request.query.get("name") ?? "";
  const plaintext = await call.store.secret(run.stackId, name);
  if (plaintext === undefined) throw new ApiError(404, `there is no secret ${name}`);
  return json({ name, plaintext });
}
