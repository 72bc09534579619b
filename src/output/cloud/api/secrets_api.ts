/** Where test runs ask for the secrets of its stack. */

import { asObject } from "../../setting_values.ts";
import type { Answer } from "./answer.ts";
import { type CloudClient, V6_REPEATS } from "./cloud_client.ts";
import { CloudApiError } from "./cloud_error.ts";

/** Where a test run's secrets are read. */
export interface SecretsLocation {
  /** With `{key}` for a secret's name. */
  readonly endpoint: string;
  /** Where in the answer the secret stands. */
  readonly responsePath: string;
}

/** Of the field `secrets_config` or `secrets`; null for none, and for one without an address. */
export function readSecretsLocation(secrets: Answer | null): SecretsLocation | null {
  const endpoint = secrets?.optionalAddress("endpoint") ?? null;
  if (secrets === null || endpoint === null) return null;
  return { endpoint, responsePath: secrets.optionalText("response_path") ?? "plaintext" };
}

/** Reads a secret by its name with the test run's own token. Rejects with a `CloudApiError`, whose status is 404 when there is none. */
export async function readSecret(
  client: CloudClient,
  { endpoint, responsePath }: SecretsLocation,
  token: string,
  name: string,
  signal?: AbortSignal,
): Promise<string> {
  const purpose = `read the secret ${JSON.stringify(name)} of the cloud`;
  const answer = await client.ask({
    address: endpoint.replaceAll("{key}", () => encodeURIComponent(name.toWellFormed())),
    addressSource: "K6_CLOUD_SECRETS_ENDPOINT",
    authorization: { scheme: "Bearer", token, of: "test run" },
    repeats: V6_REPEATS,
  }, { purpose, method: "GET", path: "", signal });
  const [first = "", ...rest] = responsePath.split(".");
  const value = rest.reduce((at: unknown, key) => asObject(at)?.[key], answer.raw(first));
  if (typeof value === "string") return value;
  throw new CloudApiError(`cannot ${purpose}: the answer has no text at ${responsePath}`, { kind: "malformed" });
}
