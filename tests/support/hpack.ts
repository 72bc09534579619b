/** HPACK (RFC 7541) as far as a test server needs it: decodes what clients send, encodes without compression. */

/** Decodes the header blocks of one connection, in their order. */
export class HpackDecoder {
  /** The newest first. */
  #dynamic: (readonly [name: string, value: string])[] = [];
  #capacity = 4096;

  /** The fields of a block; throws when it breaks a rule. */
  decode(block: Uint8Array): [name: string, value: string][] {
    const input = new BlockReader(block);
    const fields: [string, string][] = [];
    while (!input.isAtEnd) {
      const first = input.peek();
      if (first & 0x80) fields.push([...this.#entry(input.integer(7))]);
      else if (first & 0x40) fields.push(this.#remember(this.#literal(input, 6)));
      else if (first & 0x20) this.#resize(input.integer(5));
      else fields.push(this.#literal(input, 4));
    }
    return fields;
  }

  #literal(input: BlockReader, indexBits: number): [string, string] {
    const index = input.integer(indexBits);
    const name = index === 0 ? input.text() : this.#entry(index)[0];
    return [name, input.text()];
  }

  #entry(index: number): readonly [name: string, value: string] {
    const entry = index <= STATIC_TABLE.length
      ? STATIC_TABLE[index - 1]
      : this.#dynamic[index - 1 - STATIC_TABLE.length];
    if (entry === undefined) throw new Error(`HPACK: no entry ${index}`);
    return entry;
  }

  #remember(field: [string, string]): [string, string] {
    this.#dynamic.unshift(field);
    this.#resize(this.#capacity);
    return field;
  }

  #resize(capacity: number): void {
    this.#capacity = capacity;
    const size = ([name, value]: readonly [string, string]) => name.length + value.length + 32;
    let used = 0;
    this.#dynamic = this.#dynamic.filter((entry) => (used += size(entry)) <= capacity);
  }
}

/** Header fields as literals, neither indexed nor compressed. */
export function encodeFields(fields: Readonly<Record<string, string>>): Uint8Array {
  const bytes: number[] = [];
  for (const text of Object.entries(fields).flatMap(([name, value]) => ["", name, value])) {
    if (text === "") {
      bytes.push(0);
      continue;
    }
    const encoded = new TextEncoder().encode(text);
    pushInteger(bytes, encoded.length);
    bytes.push(...encoded);
  }
  return Uint8Array.from(bytes);
}

/** With a prefix of 7 bits. */
function pushInteger(bytes: number[], value: number): void {
  if (value < 0x7f) {
    bytes.push(value);
    return;
  }
  bytes.push(0x7f);
  for (value -= 0x7f; value > 0x7f; value >>>= 7) bytes.push(value & 0x7f | 0x80);
  bytes.push(value);
}

class BlockReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  peek(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw new Error("HPACK: a block ends too early");
    return byte;
  }

  integer(prefixBits: number): number {
    const limit = 2 ** prefixBits - 1;
    let value = this.#byte() & limit;
    if (value < limit) return value;
    for (let shift = 0;; shift += 7) {
      const byte = this.#byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }

  text(): string {
    const isCompressed = (this.peek() & 0x80) !== 0;
    const length = this.integer(7);
    const bytes = this.#bytes.subarray(this.#at, this.#at += length);
    if (bytes.length < length) throw new Error("HPACK: a text ends too early");
    return isCompressed ? decodeHuffman(bytes) : new TextDecoder("latin1").decode(bytes);
  }

  #byte(): number {
    const byte = this.peek();
    this.#at++;
    return byte;
  }
}

/** Characters by the length of their codes, which count upwards in this order (appendix B); longer codes are not needed here. */
const CODE_LENGTHS: ReadonlyMap<number, string> = new Map([
  [5, "012aceiost"],
  [6, " %-./3456789=A_bdfghlmnpru"],
  [7, ":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz"],
  [8, "&*,;XZ"],
  [10, '!"()?'],
  [11, "'+|"],
  [12, "#>"],
  [13, "\0$@[]~"],
  [14, "^}"],
  [15, "<`{"],
]);

const LONGEST_CODE = 15;

/** By the code's bits as text. */
const characters = new Map<string, string>();
for (let length = 5, code = 0; length <= LONGEST_CODE; length++, code *= 2) {
  for (const character of CODE_LENGTHS.get(length) ?? "") {
    characters.set((code++).toString(2).padStart(length, "0"), character);
  }
}

function decodeHuffman(bytes: Uint8Array): string {
  let text = "";
  let code = "";
  for (const bit of Array.from(bytes, (byte) => byte.toString(2).padStart(8, "0")).join("")) {
    code += bit;
    const character = characters.get(code);
    if (character !== undefined) {
      text += character;
      code = "";
    } else if (code.length > LONGEST_CODE) {
      throw new Error("HPACK: a character that no test needs");
    }
  }
  if (!/^1{0,7}$/.test(code)) throw new Error("HPACK: wrong padding");
  return text;
}

/** Appendix A. */
const STATIC_TABLE: readonly (readonly [name: string, value: string])[] = [
  [":authority", ""],
  ...["GET", "POST"].map((method) => [":method", method] as const),
  ...["/", "/index.html"].map((path) => [":path", path] as const),
  ...["http", "https"].map((scheme) => [":scheme", scheme] as const),
  ...["200", "204", "206", "304", "400", "404", "500"].map((status) => [":status", status] as const),
  ["accept-charset", ""],
  ["accept-encoding", "gzip, deflate"],
  ...`accept-language accept-ranges accept access-control-allow-origin age allow authorization cache-control
    content-disposition content-encoding content-language content-length content-location content-range content-type
    cookie date etag expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since
    last-modified link location max-forwards proxy-authenticate proxy-authorization range referer refresh retry-after
    server set-cookie strict-transport-security transfer-encoding user-agent vary via www-authenticate`
    .split(/\s+/).map((name) => [name, ""] as const),
];
