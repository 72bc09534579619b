/** Where a test comes from: a script on disk, standard input, or an archive, whose files then stand for the disk's. */

import { ExitCode } from "../cli/exit_codes.ts";
import { anonymize, type Archive, ArchiveError, isArchive, readArchive } from "../script/archive.ts";
import { fromFileUrl, toFileUrl } from "../script/file_url.ts";
import type { Entry, LoadHost } from "../script/load.ts";
import { cacheFolder, type RemoteHost, RemoteModules } from "../script/remote_modules.ts";
import { Unresolved } from "../script/unresolved.ts";
import { RunError } from "./run_error.ts";
import { openBytes, openDiskFile, type OpenedFile } from "./opened_file.ts";
import { trustedCertificates } from "./trusted_certificates.ts";

/** A test, ready to be loaded. */
export interface TestSource {
  readonly entry: Entry;
  /** What the loader reads from. */
  readonly host: Pick<LoadHost, "readTextFile" | "listFolder" | "realPath" | "readRemote" | "cwd">;
  /** Opens a file that the script opens; throws as `Deno.readFileSync` does. */
  readonly openFile: (path: string) => OpenedFile;
  /** What was read as an archive, or null. */
  readonly archive: Archive | null;
}

/**
 * Finds out what a test is and opens it. `script` is a path, or `-` for standard input; `type` is empty unless the user said
 * what it is. Throws a `RunError` for a broken archive; a script that can't be read is left for the loader to report.
 */
export async function openTestSource(
  script: string,
  type: "" | "js" | "archive",
  warn: (message: string) => void,
): Promise<TestSource> {
  const bytes = script === "-" ? await readStandardInput() : readIfArchive(script, type);
  if (bytes !== null && (type === "archive" || type === "" && isArchive(bytes))) return openArchive(script, bytes);
  return {
    entry: bytes === null ? { path: script } : { stdin: new TextDecoder().decode(bytes) },
    host: {
      readTextFile: (path) => Deno.readTextFile(path),
      listFolder,
      realPath: (path) => Deno.realPath(path),
      readRemote: remoteReader(warn),
      cwd: Deno.cwd(),
    },
    openFile: openDiskFile,
    archive: null,
  };
}

async function readStandardInput(): Promise<Uint8Array> {
  return new Uint8Array(await new Response(Deno.stdin.readable).arrayBuffer());
}

/** The file if it is, or is said to be, an archive; null otherwise. */
function readIfArchive(path: string, type: "" | "js" | "archive"): Uint8Array | null {
  if (type === "js") return null;
  try {
    using file = Deno.openSync(path);
    const start = new Uint8Array(512);
    const size = file.readSync(start) ?? 0;
    return type === "archive" || isArchive(start.subarray(0, size)) ? Deno.readFileSync(path) : null;
  } catch (error) {
    // The loader says what is wrong with the path.
    if (error instanceof Error) return null;
    throw error;
  }
}

function openArchive(name: string, bytes: Uint8Array): TestSource {
  const archive = parseArchive(name, bytes);
  const cwd = fromFileUrl(archive.pwd).replace(/(?<=.)\/$/, "");
  const read = (path: string): Uint8Array => {
    const url = absoluteUrl(path, cwd);
    const content = archive.files.get(url) ?? archive.files.get(anonymize(url));
    if (content === undefined) throw new Deno.errors.NotFound(`${path} is not in the archive ${name}`);
    return content;
  };
  const readRemote = (url: string): Uint8Array => {
    const content = archive.files.get(url);
    if (content === undefined) throw new Unresolved(`The module "${url}" is not in the archive ${name}`);
    return content;
  };
  const remote = archive.filename.startsWith("https:");
  const path = remote ? archive.filename : fromFileUrl(archive.filename);
  const decoder = new TextDecoder();
  return {
    entry: path === STDIN_PATH ? { stdin: decoder.decode(archive.files.get(archive.filename)) } : { path },
    host: {
      readTextFile: (file) => new Promise((resolve) => resolve(decoder.decode(read(file)))),
      listFolder: (folder) => Promise.resolve(filesBelow(absoluteUrl(folder, cwd), archive)),
      realPath: (file) => Promise.resolve(file),
      readRemote: (url) => new Promise((resolve) => resolve(decoder.decode(readRemote(url)))),
      cwd,
    },
    openFile: (path) => openBytes(read(path)),
    archive,
  };
}

async function listFolder(path: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const entry of Deno.readDir(path)) if (!entry.isDirectory) names.push(entry.name);
  } catch (error) {
    // The script may never ask for what would be in it.
    if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory)) throw error;
  }
  return names;
}

/** Names of an archive's files in a folder. */
function filesBelow(folder: string, { files }: Archive): string[] {
  const prefix = folder.replace(/\/?$/, "/");
  const shown = anonymize(prefix);
  return [...files.keys()].flatMap((url) => {
    const name = url.startsWith(prefix)
      ? url.slice(prefix.length)
      : url.startsWith(shown)
      ? url.slice(shown.length)
      : "/";
    return name.includes("/") ? [] : [decodeURIComponent(name)];
  });
}

/** Reads `https:` modules; the client for it is made when the first one is wanted. */
function remoteReader(warn: (message: string) => void): LoadHost["readRemote"] {
  let modules: RemoteModules | undefined;
  return (url) => {
    modules ??= new RemoteModules({
      fetch: trustingFetch(),
      cacheFolder: cacheFolder(Deno.env.toObject(), Deno.build.os),
      warn,
    });
    return modules.read(url);
  };
}

function trustingFetch(): RemoteHost["fetch"] {
  const caCerts = trustedCertificates(Deno.env.toObject());
  if (caCerts.length === 0) return fetch;
  const client = Deno.createHttpClient({ caCerts });
  return (url, init) => fetch(url, { ...init, client });
}

/** The URL of a path that may start at `cwd`. */
export function absoluteUrl(path: string, cwd: string): string {
  return path.startsWith("/") ? toFileUrl(path) : toFileUrl(`${cwd}/${path}`);
}

/** Path of a script that came from standard input. */
const STDIN_PATH = "/-";

function parseArchive(name: string, bytes: Uint8Array): Archive {
  try {
    return readArchive(bytes);
  } catch (error) {
    if (!(error instanceof ArchiveError)) throw error;
    throw new RunError(ExitCode.Failure, `${name} is not an archive of a test: ${error.message}`);
  }
}
