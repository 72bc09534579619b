/** The module `k6/secrets`: values from `--secret-source` that no log shows. */

import type { SecretSource } from "../options/types.ts";
import { outside, settled } from "./outside.ts";
import { session } from "./session.ts";

/** The secret with a key, of the default source. Rejects when there is none. */
function get(key: unknown): Promise<string> {
  const source = session.secretSources.find(({ isDefault }) => isDefault);
  if (source !== undefined) return read(source, key);
  return rejected("no secret sources are configured; use --secret-source");
}

/** The source with a name; its `get` is like the module's. */
function source(name: unknown): { get(key: unknown): Promise<string> } {
  const found = session.secretSources.find((each) => each.name === String(name));
  if (found === undefined) throw new Error(`no secret source with the name "${name}" is configured`);
  return { get: (key) => read(found, key) };
}

/** The module's object. */
export const secrets: Readonly<Record<string, unknown>> = { get, source };

function read({ name, secrets }: SecretSource, key: unknown): Promise<string> {
  if (secrets === "of the run") return readOfRun(String(key));
  if (secrets === "of a run to come") return rejected(TOO_EARLY);
  return settled(() => {
    const value = secrets.get(String(key));
    if (value === undefined) throw new Error(`the secret source ${name} has no secret with the key "${key}"`);
    session.redact(value);
    return value;
  });
}

function readOfRun(key: string): Promise<string> {
  const outcome = outside<string>();
  session.readRunSecret(key, outcome);
  return outcome.promise;
}

const TOO_EARLY = "the cloud's secrets are not there yet: its test run is made after the script's first init stage; " +
  "read them in setup() or in the function that iterates";

function rejected(message: string): Promise<never> {
  return settled<never>(() => {
    throw new Error(message);
  });
}
