/**
 * The secrets in a test's options: tokens, passwords and the like of the cloud, of `apm` and of remote write, and the keys of
 * `tlsAuth`. An archive goes without them; a run of it takes them from its script again, which may have them from variables.
 */

import { isSecretName } from "./secrets.ts";
import { asObject } from "./setting_values.ts";
import { secretsInUrl } from "./url_text.ts";

/** One secret of the options. */
export interface OptionSecret {
  /** `["cloud", "apm", 0, "credentials"]`. */
  readonly path: readonly (string | number)[];
  /** For messages: `options.cloud.apm[0].credentials`. */
  readonly place: string;
  /** What an archive has in its place: an address without its password; undefined: nothing. */
  readonly rest: string | undefined;
  /** All that must not be seen. */
  readonly texts: readonly string[];
}

/** The secrets in the options of a test, whatever its script exports. */
export function secretsOfOptions(options: unknown): OptionSecret[] {
  const found: OptionSecret[] = [];
  for (const path of BLOCKS) search(valueAt(options, path), path, found);
  return found;
}

/** The options without their secrets. */
export function withoutSecrets(options: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const copy = structuredClone(options) as Record<string, unknown>;
  for (const { path, rest } of secretsOfOptions(copy)) put(copy, path, rest);
  return copy;
}

/** Options of an archive, with the secrets that its script exports where the archive has left them out. */
export function withSecretsOf(script: unknown, archived: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const copy = structuredClone(archived) as Record<string, unknown>;
  for (const { path, rest } of secretsOfOptions(script)) {
    const isLeftOut = asContainer(valueAt(copy, path.slice(0, -1))) !== null && valueAt(copy, path) === rest;
    if (isLeftOut) put(copy, path, valueAt(script, path));
  }
  return copy;
}

type Path = readonly (string | number)[];
type Container = Record<string | number, unknown>;

/** Where outputs have their settings, and client certificates. */
const BLOCKS: readonly Path[] = [
  ...[["cloud"], ["ext", "loadimpact"], ["remoteWrite"], ["prometheusRemoteWrite"]],
  ["tlsAuth"],
];

const SECRET_SETTING = /token$|password$|secret(?:_?key)?$|^(?:credentials|api_?key|app_?key|authorization)$/i;

function search(value: unknown, path: Path, found: OptionSecret[]): void {
  const container = asContainer(value);
  if (container === null) return;
  const isSecret = path.at(-1) === "headers"
    ? isSecretName
    : path[0] === "tlsAuth"
    ? isSecretOfCertificate
    : isSecretSetting;
  for (const [name, field] of Object.entries(container)) {
    const at = [...path, Array.isArray(container) ? Number(name) : name];
    const isText = typeof field === "string" || typeof field === "number";
    if (isText && isSecret(name) || /^credentials$/i.test(name) && field !== null) {
      found.push({ path: at, place: placeOf(at), rest: undefined, texts: textsIn(field) });
    } else if (typeof field === "string") {
      const texts = secretsInUrl(field);
      if (texts.length > 0) found.push({ path: at, place: placeOf(at), rest: bareUrl(field), texts });
    } else {
      search(field, at, found);
    }
  }
}

function isSecretSetting(name: string): boolean {
  return SECRET_SETTING.test(name);
}

function isSecretOfCertificate(name: string): boolean {
  return name === "key" || name === "password";
}

function placeOf(path: Path): string {
  return `options${path.map((name) => typeof name === "number" ? `[${name}]` : `.${name}`).join("")}`;
}

/** Every text in a secret but the name of a user. */
function textsIn(value: unknown): string[] {
  if (typeof value === "string" || typeof value === "number") return [String(value)];
  return Object.entries(asContainer(value) ?? {}).flatMap(([name, field]) => name === "username" ? [] : textsIn(field));
}

function bareUrl(text: string): string {
  const url = new URL(text);
  url.username = url.password = "";
  for (const name of [...url.searchParams.keys()].filter(isSecretName)) url.searchParams.delete(name);
  return url.href;
}

function asContainer(value: unknown): Container | null {
  return Array.isArray(value) ? value as unknown as Container : asObject(value) as Container | undefined ?? null;
}

function valueAt(root: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, name) => {
    const container = asContainer(value);
    return container !== null && Object.hasOwn(container, name) ? container[name] : undefined;
  }, root);
}

/** Puts a value where another is or may be; undefined takes away what is there. */
function put(root: unknown, path: Path, value: unknown): void {
  const container = asContainer(valueAt(root, path.slice(0, -1)));
  if (container === null) return;
  const name = path.at(-1)!;
  if (value === undefined) delete container[name];
  else container[name] = value;
}
