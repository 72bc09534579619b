/** A small parser of InfluxDB's line protocol, written from its reference alone. */

/** One line, taken apart. Field values are as they stand, strings without their quotes and escapes after `"`. */
export interface ParsedLine {
  readonly measurement: string;
  readonly tags: readonly (readonly [name: string, value: string])[];
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly time: string;
}

/** Takes the text of a request apart; throws where the protocol isn't kept. */
export function parseLines(text: string): ParsedLine[] {
  const lines: ParsedLine[] = [];
  for (const reader = new Reader(text); !reader.atEnd;) lines.push(readLine(reader));
  return lines;
}

function readLine(reader: Reader): ParsedLine {
  const measurement = reader.key(", ");
  const tags: [string, string][] = [];
  while (reader.skip(",")) {
    const name = reader.key("=");
    reader.expect("=");
    tags.push([name, reader.key(", ")]);
  }
  reader.expect(" ");
  const fields: [string, string][] = [];
  do {
    const name = reader.key("=");
    reader.expect("=");
    fields.push([name, reader.peek === '"' ? reader.string() : reader.plain()]);
  } while (reader.skip(","));
  reader.expect(" ");
  const time = reader.plain();
  if (!/^-?\d+$/.test(time)) throw new Error(`bad time ${time}`);
  reader.expect("\n");
  return { measurement, tags, fields, time };
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get atEnd(): boolean {
    return this.#at === this.#text.length;
  }

  get peek(): string {
    return this.#text.charAt(this.#at);
  }

  skip(character: string): boolean {
    if (this.peek !== character) return false;
    this.#at++;
    return true;
  }

  expect(character: string): void {
    if (!this.skip(character)) throw new Error(`no ${JSON.stringify(character)} at ${this.#at} of ${this.#text}`);
  }

  /** A name or a tag's value, never empty; a backslash escapes a comma, an equals sign and a blank, and is itself otherwise. */
  key(ends: string): string {
    const key = this.#match(/(?:\\[,= ]|[^,= \n])+/y).replace(/\\([,= ])/g, "$1");
    if (key === "" || !ends.includes(this.peek)) throw new Error(`bad key ${JSON.stringify(key)} at ${this.#at}`);
    return key;
  }

  string(): string {
    const text = this.#match(/"(?:\\.|[^"\\])*"/ys);
    if (text === "") throw new Error(`string without end at ${this.#at}`);
    return text.slice(0, -1).replace(/\\(["\\])/g, "$1");
  }

  plain(): string {
    return this.#match(/[^,= \n"]+/y);
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const [found] = pattern.exec(this.#text) ?? [""];
    this.#at += found.length;
    return found;
  }
}
