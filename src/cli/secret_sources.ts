/** `--secret-source`: where the script's `k6/secrets` come from. */

import { didYouMean } from "../options/suggest.ts";
import type { SecretSource } from "../options/types.ts";
import { systemReason } from "../output/system_reason.ts";
import { UsageError } from "./args.ts";
import { ExitCode } from "./exit_codes.ts";

/** A source whose secrets k6d has from the beginning. */
interface KnownSource extends SecretSource {
  readonly secrets: ReadonlyMap<string, string>;
}

/** Reads all sources; exactly one of them is the default. Throws a `UsageError` that holds no secret. */
export function readSecretSources(given: readonly string[]): KnownSource[] {
  const sources = given.map(readSource);
  const names = sources.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new UsageError(`two secret sources have the name ${twice}; use name=… in --secret-source`);
  }
  const defaults = sources.filter(({ isDefault }) => isDefault).length;
  if (sources.length > 1 && defaults !== 1) {
    throw new UsageError(
      `one of the ${sources.length} secret sources must be the default, not ${defaults}; add ,default to it`,
    );
  }
  return sources.length === 1 ? [{ ...sources[0]!, isDefault: true }] : sources;
}

/** Those sources and the cloud's, which is the default unless there is another. */
export function withCloudSource(sources: readonly SecretSource[]): SecretSource[] {
  return [...sources, { name: "cloud", isDefault: sources.length === 0, secrets: "of a run to come" }];
}

/** What a source's own settings become: its secrets by their keys. */
type Reader = (settings: readonly string[]) => ReadonlyMap<string, string>;

const READERS: ReadonlyMap<string, Reader> = new Map([["file", readFile], ["mock", readMock]]);
const KINDS = [...READERS.keys(), "url"];

function readSource(source: string): KnownSource {
  const equals = source.indexOf("=");
  const kind = equals < 0 ? source : source.slice(0, equals);
  const settings = equals < 0 ? [] : source.slice(equals + 1).split(",");
  if (kind === "cloud") {
    throw new UsageError(
      "the secret source cloud can't be asked for: it is there in cloud runs",
      ExitCode.InvalidConfig,
    );
  }
  if (kind === "url") throw new UsageError("the secret source url is not supported by k6d yet; use file or mock");
  const read = READERS.get(kind);
  if (read === undefined) {
    throw new UsageError(
      `unknown secret source ${JSON.stringify(kind)}; use ${KINDS.join(", ")}${didYouMean(kind, KINDS)}`,
    );
  }
  const name = settings.find((setting) => setting.startsWith("name="))?.slice("name=".length) ?? kind;
  const own = settings.filter((setting) => setting !== "default" && !setting.startsWith("name="));
  return { name, isDefault: settings.includes("default"), secrets: read(own) };
}

/** `path` or `filename=path`: a file with a `key=value` in each line. */
function readFile(settings: readonly string[]): ReadonlyMap<string, string> {
  const path = settings.map((setting) => setting.replace(/^filename=/, "")).join(",");
  if (path === "") throw new UsageError("the secret source file needs a path: --secret-source file=path");
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Error) throw new UsageError(`cannot read the secrets of ${path}: ${systemReason(error)}`);
    throw error;
  }
  return readPairs(text.split(/\r?\n/), (line) => `line ${line} of ${path}`);
}

/** `key=value,key=value`: secrets for trying a script out. */
function readMock(settings: readonly string[]): ReadonlyMap<string, string> {
  return readPairs(settings, (part) => `part ${part} of the secret source mock`);
}

function readPairs(pairs: readonly string[], where: (number: number) => string): ReadonlyMap<string, string> {
  const secrets = new Map<string, string>();
  for (const [index, pair] of pairs.entries()) {
    if (pair.trim() === "") continue;
    const equals = pair.indexOf("=");
    if (equals <= 0) throw new UsageError(`${where(index + 1)} is no key=value`);
    secrets.set(pair.slice(0, equals).trim(), pair.slice(equals + 1));
  }
  return secrets;
}
