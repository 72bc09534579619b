/** One source file: its text, positions in it, and errors that show the line. */

import { ScriptError, type ScriptSourceMap } from "./program.ts";
import { PositionMap } from "./source_map.ts";

/** A place in a source; both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Where the lines of a text begin; line ends are those that JavaScript counts. */
export class LineIndex {
  readonly starts: number[] = [0];

  constructor(text: string) {
    for (const match of text.matchAll(/\r\n|[\n\r\u2028\u2029]/g)) this.starts.push(match.index + match[0].length);
  }

  /** Where `offset` is. */
  position(offset: number): Position {
    let low = 0, high = this.starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.starts[middle]! <= offset) low = middle;
      else high = middle;
    }
    return { line: low + 1, column: offset - this.starts[low]! + 1 };
  }
}

/** A file's text and what can be said about places in it. */
export class Source {
  readonly #lines: LineIndex;

  /**
   * @param url The file's URL.
   * @param text The text that is compiled: types already erased.
   * @param original The author's text, for code frames.
   * @param map Leads from `text` to `original`; without it offsets are the same in both.
   */
  constructor(
    readonly url: string,
    readonly text: string,
    readonly original: string = text,
    readonly map?: ScriptSourceMap,
  ) {
    this.#lines = new LineIndex(original);
  }

  /** A complete error about the text at `offset`. */
  error(message: string, offset: number): ScriptError {
    return this.errorAt(message, this.#position(offset));
  }

  #position(offset: number): Position {
    if (!this.map) return this.#lines.position(offset);
    const { line, column } = new LineIndex(this.text).position(offset);
    return new PositionMap(this.map).original(line, column) ?? { line: 1, column: 1 };
  }

  /** The same for a known line and column. */
  errorAt(message: string, { line, column }: Position): ScriptError {
    return new ScriptError(`${message}\n    at ${this.url}:${line}:${column}\n${this.#frame(line, column)}`);
  }

  /** The line and the two before it, of a long line what is around the column. */
  #frame(line: number, column: number): string {
    const shown = [];
    const width = String(line).length;
    const from = column > MAX_FRAME_WIDTH ? column - 1 - MAX_FRAME_WIDTH / 2 : 0;
    for (let number = Math.max(1, line - 2); number <= line; number++) {
      const start = this.#lines.starts[number - 1] ?? this.original.length;
      const end = this.#lines.starts[number] ?? this.original.length;
      shown.push(`  ${String(number).padStart(width)} | ${excerpt(this.original.slice(start, end), from)}`);
    }
    const start = this.#lines.starts[line - 1] ?? 0;
    const before = this.original.slice(start + from, start + column - 1).replace(/[^\t]/g, " ");
    shown.push(`  ${" ".repeat(width)} | ${before}^`);
    return shown.join("\n");
  }
}

const MAX_FRAME_WIDTH = 160;

/** A part of a line for a terminal: no control characters. */
function excerpt(line: string, from: number): string {
  // deno-lint-ignore no-control-regex -- they are what is looked for
  return line.slice(from, from + MAX_FRAME_WIDTH).trimEnd().replace(/[\0-\x08\x0b-\x1f\x7f-\x9f]/g, "\ufffd");
}
