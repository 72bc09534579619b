/** `http.file` and bodies of the type multipart/form-data (RFC 7578). */

import { joinPieces, type RequestBody } from "../net/request_body.ts";
import { formValue } from "./form_body.ts";

const encoder = new TextEncoder();
const randomSource = crypto;

/** What `http.file` gives: a file's content for a form, with the fields that scripts see. */
export class FileData {
  readonly data: string | ArrayBuffer | ArrayBufferView;
  readonly filename: string;
  readonly content_type: string;

  constructor(data: string | ArrayBuffer | ArrayBufferView, filename: string, contentType: string) {
    this.data = data;
    this.filename = filename;
    this.content_type = contentType;
  }
}

/**
 * `http.file`: `filename` is the time in nanoseconds unless given, `contentType` is `application/octet-stream`. Throws
 * a `TypeError` when the data is neither text nor bytes.
 */
export function file(data: unknown, filename?: unknown, contentType?: unknown): FileData {
  if (typeof data !== "string" && !(data instanceof ArrayBuffer) && !ArrayBuffer.isView(data)) {
    throw new TypeError("http.file needs a string or an ArrayBuffer as its first argument");
  }
  return new FileData(
    data,
    filename === undefined ? `${Date.now()}000000` : String(filename),
    contentType === undefined ? "application/octet-stream" : String(contentType),
  );
}

/** Whether a form has to be sent as multipart because a file is in it. */
export function hasFile(fields: Readonly<Record<string, unknown>>): boolean {
  for (const name in fields) {
    const value = fields[name];
    if (value instanceof FileData || Array.isArray(value) && value.some((item) => item instanceof FileData)) {
      return true;
    }
  }
  return false;
}

/** An encoded multipart form and what the user should be told about it. */
export interface EncodedMultipart {
  /** Large files are in it as they are, not as copies. */
  readonly body: RequestBody;
  /** For the Content-Type header; names the boundary. */
  readonly contentType: string;
  /** One line for each field that could not be sent as given. */
  readonly warnings: readonly string[];
}

/**
 * Encodes a form with files, fields in the order given, one part per array element; values that aren't files become
 * text as in `encodeForm`. `boundary` is random unless given.
 */
export function encodeMultipart(
  fields: Readonly<Record<string, unknown>>,
  boundary: string = randomBoundary(),
): EncodedMultipart {
  const warnings: string[] = [];
  const chunks: Uint8Array[] = [];
  for (const [name, value] of Object.entries(fields)) {
    for (const item of Array.isArray(value) ? value : [value]) {
      const content = item instanceof FileData
        ? contentBytes(item.data)
        : encoder.encode(formValue(name, item, warnings));
      const separator = chunks.length === 0 ? "" : "\r\n";
      chunks.push(encoder.encode(`${separator}--${boundary}\r\n${partHeaders(name, item)}\r\n`), content);
    }
  }
  chunks.push(encoder.encode(`${chunks.length === 0 ? "" : "\r\n"}--${boundary}--\r\n`));
  return { body: joinPieces(chunks), contentType: `multipart/form-data; boundary=${boundary}`, warnings };
}

function randomBoundary(): string {
  return randomSource.getRandomValues(new Uint8Array(30)).toHex();
}

function partHeaders(name: string, value: unknown): string {
  const disposition = `Content-Disposition: form-data; name="${quoted(name)}"`;
  if (!(value instanceof FileData)) return `${disposition}\r\n`;
  const contentType = value.content_type.replace(/[\r\n]+/g, " ");
  return `${disposition}; filename="${quoted(value.filename)}"\r\nContent-Type: ${contentType}\r\n`;
}

const ESCAPES: Readonly<Record<string, string>> = { "\\": "\\\\", '"': '\\"', "\r": "%0D", "\n": "%0A" };

/** Text inside the quotes of a header parameter: backslashes and quotes as in k6, line breaks as in browsers. */
function quoted(text: string): string {
  return text.replace(/[\\"\r\n]/g, (found) => ESCAPES[found]!);
}

function contentBytes(data: string | ArrayBuffer | ArrayBufferView): Uint8Array {
  if (typeof data === "string") return encoder.encode(data);
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}
