/** Files that a script opens. */

/** A file between the moments when its size and its bytes are asked for. */
export interface OpenedFile {
  readonly size: number;
  /** Fills `target`, which is of that size; throws when the bytes can't be read any more. */
  readInto(target: Uint8Array): void;
}

/** Smaller ones are read at once. */
const LARGE_FILE_BYTES = 1024 * 1024;

/** Opens a file of the disk; throws as `Deno.readFileSync` does. A large one is never held beside the target. */
export function openDiskFile(path: string): OpenedFile {
  // Not to read it: whoever opens a file is told at once that it may not be read.
  using file = Deno.openSync(path);
  const { isFile, size } = file.statSync();
  // What is no file (a pipe, a device) has no size beforehand.
  if (!isFile || size < LARGE_FILE_BYTES) return openBytes(Deno.readFileSync(path));
  return { size, readInto: (target) => readFile(path, target) };
}

/** A file whose bytes are there already. */
export function openBytes(bytes: Uint8Array): OpenedFile {
  return { size: bytes.length, readInto: (target) => target.set(bytes) };
}

function readFile(path: string, target: Uint8Array): void {
  using file = Deno.openSync(path);
  for (let filled = 0; filled < target.length;) {
    const count = file.readSync(target.subarray(filled));
    if (count === null) throw new Deno.errors.UnexpectedEof(`${path} has become shorter`);
    filled += count;
  }
}
