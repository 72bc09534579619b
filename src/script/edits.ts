/** Edits to a source text that keep its lines, and the map of the columns that they moved. */

import { LineIndex } from "./source.ts";

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string | (() => string);
  /** Edits at one offset come in this order. */
  readonly order: number;
  /** Offset in `text` whose position stands for the source offset `source`. */
  readonly mark: number;
  readonly source: number;
}

/** Line ends as JavaScript counts them for positions. */
const LINE_END = /\r\n|[\n\r\u2028\u2029]/g;

/** Insertions at one offset come in the order of recording, then what replaces text from there on. Replaced ranges may not overlap. */
export class Edits {
  readonly #edits: Edit[] = [];
  readonly #parentheses = new Set<number>();
  #prepended = 0;

  constructor(readonly text: string) {}

  /**
   * Puts `text` before the source offset `at`; a function is asked for it when the edits are applied. `mark`, an offset
   * in `text`, is where V8 will place a call that the source has at `source`.
   */
  insert(at: number, text: string | (() => string), mark = -1, source = at): void {
    if (typeof text === "string" && text.startsWith("(")) this.#parentheses.add(at);
    this.#edits.push({ start: at, end: at, text, order: this.#edits.length, mark, source });
  }

  /** Puts `text` before the source offset `at` and before all that was put there so far. */
  prepend(at: number, text: string): void {
    this.#edits.push({ start: at, end: at, text, order: --this.#prepended, mark: -1, source: at });
  }

  /** Puts `text` in place of a range; line ends of the range stay, in front of `text`. */
  replace(start: number, end: number, text: string, mark = -1, source = start): void {
    if (text.startsWith("(")) this.#parentheses.add(start);
    const lines = this.text.slice(start, end).match(LINE_END)?.join("") ?? "";
    this.#edits.push({ start, end, text: lines + text, order: this.#edits.length, mark, source });
  }

  /** True when text that was put at `offset` begins with a parenthesis. */
  opensParenthesis(offset: number): boolean {
    return this.#parentheses.has(offset);
  }

  /** The edited text between `head`, which has no line end, and `tail`, and its column map (see `ProgramModule.columnEdits`). */
  apply(head: string, tail: string): { code: string; columnEdits: Int32Array } {
    const edits = this.#edits.sort((a, b) =>
      a.start - b.start || Number(a.end > a.start) - Number(b.end > b.start) || a.order - b.order
    );
    const output = new MappedText(this.text);
    output.add(head);
    let at = 0;
    for (const edit of edits) {
      const text = typeof edit.text === "string" ? edit.text : edit.text();
      if (edit.start > at) output.copy(at, edit.start);
      at = Math.max(at, edit.end);
      if (edit.mark < 0) {
        output.add(text);
      } else {
        output.add(text.slice(0, edit.mark));
        output.addMarked(text.slice(edit.mark), edit.source);
      }
    }
    output.copy(at, this.text.length);
    output.add(tail);
    return { code: output.code, columnEdits: Int32Array.from(output.map) };
  }
}

/** Output under construction, with the columns that it moves. */
class MappedText {
  code = "";
  readonly map: number[] = [];
  #line = 1;
  #column = 1;
  /** Column shift that holds at the output's end, and the one that the map says. */
  #mapped = 0;

  readonly #lines: LineIndex;

  constructor(readonly source: string) {
    this.#lines = new LineIndex(source);
  }

  add(text: string): void {
    this.code += text;
    this.#advance(text);
  }

  /** Text of ours whose position stands for one in the source. */
  addMarked(text: string, offset: number): void {
    this.#record(this.#column - this.#lines.position(offset).column);
    this.add(text);
  }

  /** Copies a range of the source. */
  copy(start: number, end: number): void {
    this.#record(this.#column - this.#lines.position(start).column);
    this.add(this.source.slice(start, end));
  }

  #record(shift: number): void {
    if (shift === this.#mapped) return;
    this.#mapped = shift;
    this.map.push(this.#line, this.#column, shift);
  }

  #advance(text: string): void {
    let last = -1;
    for (const match of text.matchAll(LINE_END)) {
      this.#line++;
      last = match.index + match[0].length;
    }
    if (last < 0) {
      this.#column += text.length;
    } else {
      this.#column = text.length - last + 1;
      this.#mapped = 0;
    }
  }
}
