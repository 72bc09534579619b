/** The module `k6/secrets`: values from `--secret-source` that no log shows. */

import type { SecretSource } from "../options/types.ts";
import { settled } from "./outside.ts";
import { session } from "./session.ts";

/** The secret with a key, of the default source. Rejects when there is none. */
function get(key: unknown): Promise<string> {
  return settled(() => {
    const source = session.secretSources.find(({ isDefault }) => isDefault);
    if (source === undefined) throw new Error("no secret sources are configured; use --secret-source");
    return read(source, key);
  });
}

/** The source with a name; its `get` is like the module's. */
function source(name: unknown): { get(key: unknown): Promise<string> } {
  const found = session.secretSources.find((each) => each.name === String(name));
  if (found === undefined) throw new Error(`no secret source with the name "${name}" is configured`);
  return { get: (key) => settled(() => read(found, key)) };
}

/** The module's object. */
export const secrets: Readonly<Record<string, unknown>> = { get, source };

function read(source: SecretSource, key: unknown): string {
  const value = source.secrets.get(String(key));
  if (value === undefined) throw new Error(`the secret source ${source.name} has no secret with the key "${key}"`);
  session.redact(value);
  return value;
}
