/**
 * Storage and view of k6/data's `SharedArray`: one copy of the data per process, in a `SharedArrayBuffer` handed to
 * every worker. Layout: Uint32 count, count + 1 Uint32 byte offsets into the rest, then the elements as JSON in UTF-8.
 */

import { Buffer } from "node:buffer";

const encoder = new TextEncoder();

/**
 * Stores an array's elements as JSON; what JSON can't express is lost (functions and undefined become null). Throws a
 * `RangeError` when the JSON has 4 GiB or more, and what `JSON.stringify` throws (a circle, a BigInt).
 */
export function encodeSharedArray(values: readonly unknown[]): SharedArrayBuffer {
  const elements = Array.from(values, (value) => encoder.encode(JSON.stringify(value) ?? "null"));
  const textStart = 4 * (elements.length + 2);
  const textBytes = elements.reduce((sum, element) => sum + element.length, 0);
  if (textBytes > 0xffffffff) {
    throw new RangeError(`Cannot share ${textBytes} bytes in one SharedArray: the limit is 4 GiB; split the data`);
  }
  const buffer = new SharedArrayBuffer(textStart + textBytes);
  const header = new Uint32Array(buffer, 0, elements.length + 2);
  const text = new Uint8Array(buffer, textStart);
  header[0] = elements.length;
  let offset = 0;
  for (const [index, element] of elements.entries()) {
    text.set(element, offset);
    offset += element.length;
    header[index + 2] = offset;
  }
  return buffer;
}

/**
 * The array that scripts see: read-only, elements deeply frozen and new at each access, as in k6 (so `a[0] === a[0]`
 * holds for primitives only). Writing to it throws a `TypeError`. One view serves all virtual users of a worker.
 */
export function viewSharedArray(buffer: SharedArrayBuffer): readonly unknown[] {
  return new Proxy<unknown[]>([], new SharedArrayHandler(buffer));
}

class SharedArrayHandler implements ProxyHandler<unknown[]> {
  readonly #length: number;
  readonly #offsets: Uint32Array;
  readonly #text: Buffer;

  constructor(buffer: SharedArrayBuffer) {
    this.#length = new Uint32Array(buffer, 0, 1)[0]!;
    this.#offsets = new Uint32Array(buffer, 4, this.#length + 1);
    this.#text = Buffer.from(buffer, 4 * (this.#length + 2));
  }

  /** Hot: scripts read elements by index in every iteration. */
  get(target: unknown[], key: string | symbol): unknown {
    if (typeof key === "string") {
      const index = this.#indexOf(key);
      if (index >= 0) return this.#element(index);
      if (key === "length") return this.#length;
    }
    return Reflect.get(target, key);
  }

  has(target: unknown[], key: string | symbol): boolean {
    return typeof key === "string" && this.#indexOf(key) >= 0 || Reflect.has(target, key);
  }

  ownKeys(): string[] {
    const keys = Array.from({ length: this.#length }, (_, index) => String(index));
    keys.push("length");
    return keys;
  }

  getOwnPropertyDescriptor(_target: unknown[], key: string | symbol): PropertyDescriptor | undefined {
    // A Proxy must show its target's `length` as writable; `set` refuses all the same.
    if (key === "length") return { value: this.#length, writable: true, enumerable: false, configurable: false };
    const index = typeof key === "string" ? this.#indexOf(key) : -1;
    return index < 0
      ? undefined
      : { value: this.#element(index), writable: false, enumerable: true, configurable: true };
  }

  set(): never {
    return refuse();
  }

  defineProperty(): never {
    return refuse();
  }

  deleteProperty(): never {
    return refuse();
  }

  setPrototypeOf(): never {
    return refuse();
  }

  preventExtensions(): never {
    return refuse();
  }

  /** The index that a property key stands for; -1 when it stands for none in range. */
  #indexOf(key: string): number {
    const index = Number(key);
    return index >= 0 && index < this.#length && String(index) === key ? index : -1;
  }

  #element(index: number): unknown {
    return deepFreeze(JSON.parse(this.#text.toString("utf8", this.#offsets[index]!, this.#offsets[index + 1]!)));
  }
}

function refuse(): never {
  throw new TypeError("SharedArray is immutable: copy it, or the element, and change the copy");
}

function deepFreeze(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) { for (let i = 0; i < value.length; i++) deepFreeze(value[i]); }
  else for (const key in value) deepFreeze((value as Record<string, unknown>)[key]);
  return Object.freeze(value);
}
