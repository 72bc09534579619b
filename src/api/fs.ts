/** The module `k6/experimental/fs`: files that a script reads piece by piece. Their bytes are held once in the process. */

import { requireInit, resolvePath } from "./open.ts";
import { settled } from "./outside.ts";
import { session } from "./session.ts";

/** Where `File.seek` counts from. */
const SeekMode = { Start: 0, Current: 1, End: 2 } as const;

/** An open file of one virtual user, with a position of its own. */
export class File {
  readonly path: string;
  readonly #bytes: Uint8Array;
  #position = 0;

  constructor(path: string, bytes: Uint8Array) {
    this.path = path;
    this.#bytes = bytes;
  }

  /** The whole file, whatever the position; not to be written. */
  static bytesOf(file: File): Uint8Array {
    return file.#bytes;
  }

  stat(): Promise<{ name: string; size: number }> {
    return settled(() => ({ name: this.path.slice(this.path.lastIndexOf("/") + 1), size: this.#bytes.length }));
  }

  /** Fills `into` from the position on; resolves to the number of bytes, null at the end of the file. */
  read(into: unknown): Promise<number | null> {
    return settled(() => {
      if (!(into instanceof Uint8Array)) throw new TypeError("read() failed: the argument must be a Uint8Array");
      const left = this.#bytes.subarray(this.#position, this.#position + into.length);
      if (this.#position >= this.#bytes.length) return null;
      into.set(left);
      this.#position += left.length;
      return left.length;
    });
  }

  /** Moves the position within the file; resolves to where it is then. */
  seek(offset: unknown, whence: unknown): Promise<number> {
    return settled(() => {
      if (typeof offset !== "number" || !Number.isInteger(offset)) {
        throw new TypeError("seek() failed: the offset must be a whole number");
      }
      const position = offset + this.#origin(whence);
      if (position < 0 || position > this.#bytes.length) {
        throw new RangeError(
          `seek() failed: ${position} is outside of the file, which has ${this.#bytes.length} bytes`,
        );
      }
      return this.#position = position;
    });
  }

  #origin(whence: unknown): number {
    switch (whence) {
      case SeekMode.Start:
        return 0;
      case SeekMode.Current:
        return this.#position;
      case SeekMode.End:
        // As in k6: from the last byte, not from behind it.
        return this.#bytes.length - 1;
      default:
        throw new TypeError("seek() failed: the second argument must be a SeekMode");
    }
  }
}

/** `open(path)`: in the init stage only. A relative path starts at the module that calls. */
function open(path: unknown): Promise<File> {
  // What the path starts at can only be told while the caller is on the stack.
  return settled(() => {
    requireInit(`the "open" function`);
    const text = String(path ?? "");
    if (text === "") throw new TypeError("open() failed: it needs a path");
    const resolved = resolvePath(text);
    return new File(resolved, new Uint8Array(session.openFile(resolved)));
  });
}

/** The module's object. */
export const fs: Readonly<Record<string, unknown>> = { open, SeekMode };
