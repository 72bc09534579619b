/** Where an output's file goes: a plain file, a gzip file (by its name's ending) or standard output. */

import { createGzip, type Gzip } from "node:zlib";

/** Takes bytes in order; each call waits for the one before. */
export interface Destination {
  /** Resolves when the bytes are written and may be changed again. */
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Writes what is left, and ends it. */
  close(): Promise<void>;
}

/** What a path means: nothing and `-` are standard output. */
export function isStandardOutput(path: string): boolean {
  return path === "" || path === "-";
}

/** Opens a path for writing; an existing file is emptied. Rejects with the system's error, or when another output has the file. */
export async function openDestination(path: string): Promise<Destination> {
  if (isStandardOutput(path)) return new StandardOutput();
  const file = new PlainFile(await Deno.open(path, { write: true, create: true, truncate: true }));
  return path.endsWith(".gz") ? new GzipFile(file) : file;
}

/** The files that are written to: two outputs in one would spoil both. */
const openFiles = new Set<string>();

class PlainFile implements Destination {
  readonly #file: Deno.FsFile;
  /** In `openFiles`; null for what is no regular file, which many may write to. */
  readonly #identity: string | null;

  constructor(file: Deno.FsFile) {
    this.#file = file;
    const { isFile, dev, ino } = file.statSync();
    this.#identity = isFile && ino !== null ? `${dev}:${ino}` : null;
    if (this.#identity === null) return;
    if (openFiles.has(this.#identity)) {
      file.close();
      throw new Error("another output of this test writes to it");
    }
    openFiles.add(this.#identity);
  }

  async write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await this.#file.write(rest));
  }

  close(): Promise<void> {
    this.#file.close();
    if (this.#identity !== null) openFiles.delete(this.#identity);
    return Promise.resolve();
  }
}

/** Stays open for what k6d writes after. */
class StandardOutput implements Destination {
  async write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    for (let rest = bytes; rest.length > 0;) {
      try {
        rest = rest.subarray(await Deno.stdout.write(rest));
      } catch (error) {
        // A full pipe that was opened not to block.
        if (!(error instanceof Deno.errors.WouldBlock)) throw error;
        await new Promise((resolve) => setTimeout(resolve, FULL_PIPE_PAUSE_MS));
      }
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

const FULL_PIPE_PAUSE_MS = 5;

/**
 * Compresses on the main thread, as everything in Deno that compresses does. `node:zlib` takes less time for it than
 * `CompressionStream`, and has levels: 3 takes two fifths of the time of the usual 6 and makes files a fifth bigger.
 */
class GzipFile implements Destination {
  readonly #file: Destination;
  readonly #gzip: Gzip = createGzip({ level: 3, chunkSize: 256 * 1024 });
  #compressed: Uint8Array<ArrayBuffer>[] = [];

  constructor(file: Destination) {
    this.#file = file;
    this.#gzip.on("data", (bytes: Uint8Array<ArrayBuffer>) => this.#compressed.push(bytes));
  }

  async write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#gzip.write(bytes, (error) => error ? reject(error) : resolve());
    });
    await this.#writeCompressed();
  }

  async close(): Promise<void> {
    const ended = new Promise<void>((resolve, reject) => this.#gzip.once("end", resolve).once("error", reject));
    this.#gzip.end();
    await ended;
    await this.#writeCompressed();
    await this.#file.close();
  }

  async #writeCompressed(): Promise<void> {
    const pieces = this.#compressed;
    this.#compressed = [];
    for (const piece of pieces) await this.#file.write(piece);
  }
}
