/**
 * A file that all virtual users of all workers read from one memory. `open(path, "b")` gives it where the script can't
 * write to it: it passes as an ArrayBuffer.
 */

// Scripts find it gone from the global object.
const { structuredClone } = globalThis;

/** Smaller files are copied for each virtual user. */
const SHARED_FROM_BYTES = 4096;

const sharedLength = Object.getOwnPropertyDescriptor(SharedArrayBuffer.prototype, "byteLength")!.get!;

/** The prototype of such memory. What is missing here nobody can call on it who can't change bytes. */
class SharedFile extends ArrayBuffer {
  override get byteLength(): number {
    return Reflect.apply(sharedLength, this, []);
  }

  override get maxByteLength(): number {
    return this.byteLength;
  }

  override get resizable(): boolean {
    return false;
  }

  override get detached(): boolean {
    return false;
  }

  /** A copy, of the script's own. */
  override slice(start?: number, end?: number): ArrayBuffer {
    return new Uint8Array(this).slice(start, end).buffer;
  }
}

/** Whether files of that many bytes are worth it. */
export function isWorthSharing(bytes: number): boolean {
  return bytes >= SHARED_FROM_BYTES;
}

/** An object of its own, as each `open()` gives one, over the same memory. */
export function sharedFile(content: SharedArrayBuffer): ArrayBuffer {
  return Object.setPrototypeOf(structuredClone(content), SharedFile.prototype);
}

/** Whether nobody can change the bytes: they need no copy, however long they are used. */
export function isUnchangeable(buffer: ArrayBufferLike): boolean {
  return buffer instanceof SharedFile;
}
