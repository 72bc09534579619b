/** Comma-separated values (RFC 4180), read record by record from a file's bytes. */

import { decodeText } from "./response_body.ts";

const QUOTE = 0x22;
const LINE_FEED = 0x0a;

/** Reads records; a record may span lines where it is quoted. Empty lines are none. Holds no more than one record. */
export class CsvReader {
  readonly #bytes: Uint8Array;
  readonly #delimiter: string;
  #at = 0;
  #line = 1;

  constructor(bytes: Uint8Array, delimiter: string) {
    this.#bytes = bytes;
    this.#delimiter = delimiter;
  }

  /** The fields of the next record; null at the end. Throws an `Error` with the line when quotes don't match. */
  next(): string[] | null {
    for (;;) {
      if (this.#at >= this.#bytes.length) return null;
      const line = this.#line;
      const record = this.#record();
      if (record !== "") return fieldsOf(record, this.#delimiter, line);
    }
  }

  /** The text up to the next line end outside of quotes. */
  #record(): string {
    const bytes = this.#bytes;
    const start = this.#at;
    let end = start;
    let isQuoted = false;
    for (; end < bytes.length; end++) {
      const byte = bytes[end];
      if (byte === QUOTE) isQuoted = !isQuoted;
      else if (byte === LINE_FEED) {
        this.#line++;
        if (!isQuoted) break;
      }
    }
    this.#at = end + 1;
    const text = decodeText(bytes.slice(start, end));
    return text.endsWith("\r") ? text.slice(0, -1) : text;
  }
}

function fieldsOf(record: string, delimiter: string, line: number): string[] {
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    let end: number;
    if (record[at] === '"') {
      const field = quotedField(record, at, line);
      fields.push(field.value);
      end = field.end;
      if (end < record.length && !record.startsWith(delimiter, end)) {
        throw new Error(`parse error on line ${line}, column ${end}: extraneous or missing " in quoted-field`);
      }
    } else {
      const next = record.indexOf(delimiter, at);
      end = next < 0 ? record.length : next;
      const value = record.slice(at, end);
      const quote = value.indexOf('"');
      if (quote >= 0) {
        throw new Error(`parse error on line ${line}, column ${at + quote + 1}: bare " in non-quoted-field`);
      }
      fields.push(value);
    }
    if (end >= record.length) return fields;
    at = end + delimiter.length;
  }
}

/** The field whose opening quote is at `start`; `end` is behind its closing quote. */
function quotedField(record: string, start: number, line: number): { value: string; end: number } {
  let value = "";
  let at = start + 1;
  for (;;) {
    const quote = record.indexOf('"', at);
    if (quote < 0) {
      throw new Error(
        `parse error on line ${line}, column ${record.length + 1}: extraneous or missing " in quoted-field`,
      );
    }
    value += record.slice(at, quote);
    if (record[quote + 1] !== '"') return { value: value.replaceAll("\r\n", "\n"), end: quote + 1 };
    value += '"';
    at = quote + 2;
  }
}
