/** Archives of tests, in k6's format: one tar file with the script, all that it imports and opens, and its options. */

import { isTar, readTar, type TarEntry, TarError, writeTar } from "./tar.ts";

/** What an archive holds. */
export interface Archive {
  /** URL of the script; `file:///-` when it came from standard input. */
  readonly filename: string;
  /** URL of the folder that relative paths start from. */
  readonly pwd: string;
  /** The options of the test, in the shape in which a script exports them. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Variables for `__ENV`. */
  readonly env: Readonly<Record<string, string>>;
  readonly compatibilityMode: string;
  /** Every file by its URL, `file:` or `https:`, the script among them. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** A file that is no archive of a test; the message says why. */
export class ArchiveError extends Error {
  override name = "ArchiveError";
}

/** Whether bytes begin as an archive does; the first 512 suffice. */
export function isArchive(bytes: Uint8Array): boolean {
  return isTar(bytes);
}

/** What else stands in `metadata.json`. */
export interface ArchiveOrigin {
  /** Version of k6 that the archive is made for. */
  readonly k6version: string;
  readonly goos: string;
  /** Modules with the versions that the test needs: `{ k6: "*" }`. */
  readonly dependencies: Readonly<Record<string, string>>;
}

/** The bytes of an archive. The names of users in paths become `nobody`, so that an archive doesn't tell who made it. */
export function writeArchive(
  archive: Archive,
  origin: ArchiveOrigin,
  createdAtEpochMs: number = Date.now(),
): Uint8Array<ArrayBuffer> {
  const { options, env, compatibilityMode } = archive;
  const filename = anonymize(archive.filename);
  const metadata = {
    type: "js",
    options,
    filename,
    pwd: anonymize(archive.pwd),
    env,
    compatibilityMode,
    ...origin,
  };
  const script = archive.files.get(archive.filename)!;
  const files = [...archive.files].map(([url, bytes]) => [entryPath(anonymize(url)), bytes] as const);
  const entries = files.map(([path, bytes]): TarEntry =>
    path === entryPath(filename) ? { kind: "link", path, target: "data" } : { kind: "file", path, bytes }
  );
  const folders = [...new Set(files.flatMap(([path]) => foldersOf(path)))]
    .map((path): TarEntry => ({ kind: "folder", path }));
  return writeTar([
    { kind: "file", path: "metadata.json", bytes: encode(JSON.stringify(metadata, null, 2)) },
    { kind: "file", path: "data", bytes: script },
    ...[...folders, ...entries].sort((a, b) => a.path < b.path ? -1 : 1),
  ], createdAtEpochMs);
}

/** Reads an archive that k6 or k6d made. Throws an `ArchiveError`. */
export function readArchive(bytes: Uint8Array): Archive {
  const entries = readEntries(bytes);
  const byPath = new Map(entries.flatMap((entry) => entry.kind === "file" ? [[entry.path, entry.bytes] as const] : []));
  const metadata = readMetadata(byPath.get("metadata.json"));
  const script = byPath.get("data");
  if (script === undefined) throw new ArchiveError("it has no data, the script");
  const files = new Map<string, Uint8Array>();
  for (const entry of entries) {
    if (entry.kind === "folder") continue;
    const content = entry.kind === "file" ? entry.bytes : byPath.get(entry.target);
    const url = urlOf(entry.path);
    if (url !== undefined && content !== undefined) files.set(url, content);
  }
  files.set(metadata.filename, script);
  return { ...metadata, files };
}

/** A URL or path in which the name of a user's home folder is `nobody`. */
export function anonymize(path: string): string {
  return path.replace(
    /^((?:file:\/\/)?(?:\/[A-Za-z]:)?\/(?:home|Users|Documents%20and%20Settings)\/)[^/]+/,
    "$1nobody",
  );
}

/** `file:///a/b` is at `file/a/b`, `https://host/a` at `https/host/a`. */
function entryPath(url: string): string {
  return decodeURIComponent(url.replace(/^file:\/\/\//, "file/").replace(/^https:\/\//, "https/"));
}

/** Old archives have `scripts/` and `files/` for what is `file/` now; paths of Windows have backslashes in some. */
function urlOf(path: string): string | undefined {
  const [, root, rest] = /^(file|files|scripts|https)\/(.*)$/s.exec(path.replaceAll("\\", "/")) ?? [];
  if (rest === undefined) return undefined;
  const escaped = rest.split("/").filter((part) => part !== "").map(encodeURI).join("/");
  return root === "https" ? `https://${escaped}` : `file:///${escaped.replace(/[?#]/g, encodeURIComponent)}`;
}

function foldersOf(path: string): string[] {
  const parts = path.split("/").slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join("/"));
}

function readEntries(bytes: Uint8Array): TarEntry[] {
  if (!isTar(bytes)) throw new ArchiveError("it is no tar file");
  try {
    return readTar(bytes);
  } catch (error) {
    if (error instanceof TarError) throw new ArchiveError(error.message);
    throw error;
  }
}

function readMetadata(bytes: Uint8Array | undefined): Omit<Archive, "files"> {
  if (bytes === undefined) throw new ArchiveError("it has no metadata.json");
  let given: unknown;
  try {
    given = JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw new ArchiveError(`its metadata.json is invalid: ${error instanceof Error ? error.message : String(error)}`);
  }
  const { type, filename, pwd, options, env, compatibilityMode } = asObject(given);
  if (type !== "js" || typeof filename !== "string") {
    throw new ArchiveError(`its metadata.json must have the type "js" and a filename`);
  }
  const url = readUrl(filename);
  return {
    filename: url,
    pwd: typeof pwd === "string" ? readUrl(pwd) : new URL(".", url).href,
    options: asObject(options),
    env: Object.fromEntries(Object.entries(asObject(env)).map(([name, value]) => [name, String(value)])),
    compatibilityMode: typeof compatibilityMode === "string" ? compatibilityMode : "extended",
  };
}

/** A `file:` or `https:` URL; old archives have plain paths where there are URLs now. Throws an `ArchiveError`. */
function readUrl(text: string): string {
  const path = text.replaceAll("\\", "/");
  const given = /^[a-z]{2,}:\/\//.test(text)
    ? text
    : `file://${path.startsWith("/") ? "" : "/"}${encodeURI(path.toWellFormed())}`;
  const url = URL.parse(given);
  if (url === null || url.protocol !== "file:" && url.protocol !== "https:" || !isDecodable(url.pathname)) {
    throw new ArchiveError(`its metadata.json has ${JSON.stringify(text)} where a file: or https: URL must be`);
  }
  return given;
}

function isDecodable(path: string): boolean {
  try {
    decodeURIComponent(path);
    return true;
  } catch (error) {
    if (error instanceof URIError) return false;
    throw error;
  }
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? value as Record<string, unknown> : {};
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
