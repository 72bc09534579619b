/** Tar files, as far as archives of tests need them: files, folders and hard links, in POSIX's ustar format. */

/** One entry of a tar file. */
export type TarEntry =
  | { readonly kind: "file"; readonly path: string; readonly bytes: Uint8Array }
  | { readonly kind: "folder"; readonly path: string }
  /** The same bytes as the entry at `target`. */
  | { readonly kind: "link"; readonly path: string; readonly target: string };

/** Bytes that are no tar file, or a broken one; the message says what is wrong. */
export class TarError extends Error {
  override name = "TarError";
}

/** Whether bytes begin as a tar file does; the first 512 suffice. */
export function isTar(bytes: Uint8Array): boolean {
  return bytes.length >= BLOCK && text(bytes.subarray(257, 262)) === "ustar";
}

/** Writes a tar file. `modifiedAtEpochMs` becomes every entry's time. */
export function writeTar(entries: readonly TarEntry[], modifiedAtEpochMs: number): Uint8Array<ArrayBuffer> {
  const blocks: Uint8Array[] = [];
  const add = (entry: TarEntry) => {
    const path = entry.kind === "folder" ? `${entry.path}/` : entry.path;
    const target = entry.kind === "link" ? entry.target : "";
    const long = longNames(path, target);
    if (long.length > 0) addBytes("PaxHeader", "x", "", long);
    addBytes(path, TYPES[entry.kind], target, entry.kind === "file" ? entry.bytes : NOTHING);
  };
  const addBytes = (path: string, type: string, target: string, bytes: Uint8Array) => {
    blocks.push(header(path, type, target, bytes.length, modifiedAtEpochMs), bytes);
    blocks.push(new Uint8Array(padding(bytes.length)));
  };
  for (const entry of entries) add(entry);
  blocks.push(new Uint8Array(2 * BLOCK));
  return concat(blocks);
}

/** Reads a tar file; what is neither file, folder nor hard link is left out. Throws a `TarError`. */
export function readTar(bytes: Uint8Array): TarEntry[] {
  const entries: TarEntry[] = [];
  let long: Readonly<Record<string, string>> = {};
  for (let at = 0; at + BLOCK <= bytes.length;) {
    const block = bytes.subarray(at, at + BLOCK);
    if (block.every((byte) => byte === 0)) return entries;
    if (checksum(block) !== octal(block, 148, 8)) throw new TarError("a header of the tar file is broken");
    const size = octal(block, 124, 12);
    const content = bytes.subarray(at + BLOCK, at + BLOCK + size);
    if (content.length < size) throw new TarError("the tar file ends too early");
    at += BLOCK + size + padding(size);
    const type = String.fromCharCode(block[156]!);
    if (type === "x") {
      long = readPax(content);
      continue;
    }
    const prefix = field(block, 345, 155);
    const path = long["path"] ?? (prefix === "" ? field(block, 0, 100) : `${prefix}/${field(block, 0, 100)}`);
    const target = long["linkpath"] ?? field(block, 157, 100);
    long = {};
    if (type === "0" || type === "\0") entries.push({ kind: "file", path, bytes: content });
    else if (type === "1") entries.push({ kind: "link", path, target });
    else if (type === "5") entries.push({ kind: "folder", path: path.replace(/\/+$/, "") });
  }
  throw new TarError("the tar file ends too early");
}

const BLOCK = 512;
const NOTHING = new Uint8Array(0);
const TYPES = { file: "0", link: "1", folder: "5" } as const;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

function header(path: string, type: string, target: string, size: number, modifiedAtEpochMs: number): Uint8Array {
  const block = new Uint8Array(BLOCK);
  const put = (at: number, bytes: Uint8Array, width: number) => block.set(bytes.subarray(0, width), at);
  const putNumber = (at: number, value: number, width: number) =>
    put(at, encoder.encode(value.toString(8).padStart(width - 1, "0")), width);
  put(0, encoder.encode(path), 100);
  putNumber(100, type === "5" ? 0o755 : 0o644, 8);
  putNumber(108, 0, 8);
  putNumber(116, 0, 8);
  putNumber(124, size, 12);
  putNumber(136, Math.floor(modifiedAtEpochMs / 1000), 12);
  put(156, encoder.encode(type), 1);
  put(157, encoder.encode(target), 100);
  put(257, encoder.encode("ustar\x0000"), 8);
  putNumber(148, checksum(block), 7);
  block[155] = 0x20;
  return block;
}

/** The sum of all bytes, those of the checksum itself taken as blanks. */
function checksum(block: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < BLOCK; i++) sum += i >= 148 && i < 156 ? 0x20 : block[i]!;
  return sum;
}

/** Names that the header has no room for, as a block of pax records (POSIX.1-2001, "pax Extended Header"). */
function longNames(path: string, target: string): Uint8Array {
  const records = ([["path", path], ["linkpath", target]] as const)
    .filter(([, name]) => encoder.encode(name).length > 100)
    .map(([key, name]) => paxRecord(` ${key}=${name}\n`));
  return concat(records);
}

/** The length that begins a record counts its own digits too. */
function paxRecord(rest: string): Uint8Array {
  const length = encoder.encode(rest).length;
  let digits = 1;
  while (String(length + digits).length > digits) digits++;
  return encoder.encode(`${length + digits}${rest}`);
}

function readPax(content: Uint8Array): Record<string, string> {
  const records: Record<string, string> = {};
  for (let at = 0; at < content.length;) {
    const blank = content.indexOf(0x20, at);
    const length = Number(text(content.subarray(at, blank)));
    if (blank < 0 || !(length > blank - at)) throw new TarError("an extended header of the tar file is broken");
    const record = text(content.subarray(blank + 1, at + length - 1));
    const equals = record.indexOf("=");
    records[record.slice(0, equals)] = record.slice(equals + 1);
    at += length;
  }
  return records;
}

function padding(size: number): number {
  return (BLOCK - size % BLOCK) % BLOCK;
}

/** A text that ends at its first zero. */
function field(block: Uint8Array, at: number, width: number): string {
  const bytes = block.subarray(at, at + width);
  const end = bytes.indexOf(0);
  return text(end < 0 ? bytes : bytes.subarray(0, end));
}

function octal(block: Uint8Array, at: number, width: number): number {
  const digits = field(block, at, width).trim();
  if (!/^[0-7]*$/.test(digits)) throw new TarError("a number in a header of the tar file is broken");
  return digits === "" ? 0 : Number.parseInt(digits, 8);
}

function text(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
