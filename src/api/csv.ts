/** The module `k6/experimental/csv`: rows of a file, all at once in a shared array or one after another. */

import { CsvReader } from "./csv_reader.ts";
import { File } from "./fs.ts";
import { requireInit } from "./open.ts";
import { settled } from "./outside.ts";
import { session } from "./session.ts";
import { encodeSharedArray, viewSharedArray } from "./shared_array.ts";

/** Options of both forms after their defaults. Lines are records, counted from 0. */
interface CsvOptions {
  readonly delimiter: string;
  readonly fromLine: number;
  /** Inclusive. */
  readonly toLine: number;
  /** Rows become objects, whose keys are in the first line. */
  readonly asObjects: boolean;
}

type Row = readonly string[] | Readonly<Record<string, string>>;

/** `parse(file, options)`: all rows, held once in the process. */
function parse(file: unknown, options?: unknown): Promise<unknown> {
  return settled(() => {
    requireInit(`the "parse" function`);
    const source = fileOf(file, "parse");
    const settings = csvOptions(options, "parse");
    const name = `k6/experimental/csv ${JSON.stringify([source.path, settings])}`;
    return viewSharedArray(session.sharedArray(name, () => {
      const rows = new Rows(source, settings);
      const all: Row[] = [];
      for (let row = rows.next(); row !== undefined; row = rows.next()) all.push(row);
      return encodeSharedArray(all);
    }));
  });
}

/** `new Parser(file, options)`: one row after another. */
class Parser {
  readonly #rows: Rows;

  constructor(file: unknown, options?: unknown) {
    requireInit("the Parser constructor");
    this.#rows = new Rows(fileOf(file, "Parser"), csvOptions(options, "Parser"));
  }

  next(): Promise<{ done: boolean; value: Row | undefined }> {
    return settled(() => {
      const value = this.#rows.next();
      return { done: value === undefined, value };
    });
  }
}

/** The wanted rows of a file. */
class Rows {
  readonly #reader: CsvReader;
  readonly #options: CsvOptions;
  #line = 0;
  #header: readonly string[] | null = null;

  constructor(file: File, options: CsvOptions) {
    this.#reader = new CsvReader(File.bytesOf(file), options.delimiter);
    this.#options = options;
  }

  next(): Row | undefined {
    const { fromLine, toLine, asObjects } = this.#options;
    for (;;) {
      if (this.#line > toLine) return undefined;
      const fields = this.#reader.next();
      if (fields === null) return undefined;
      const line = this.#line++;
      if (asObjects && line === 0) this.#header = fields;
      else if (line >= fromLine) return this.#header === null ? fields : toObject(this.#header, fields);
    }
  }
}

function toObject(header: readonly string[], fields: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(header.map((key, index) => [key, fields[index] ?? ""]));
}

function fileOf(file: unknown, what: string): File {
  if (file instanceof File) return file;
  throw new TypeError(`csv ${what} failed: the first argument must be a file that fs.open() gave`);
}

function csvOptions(given: unknown, what: string): CsvOptions {
  const { delimiter = ",", skipFirstLine = false, fromLine = 0, toLine = Infinity, asObjects = false } = Object(
    given ?? {},
  ) as Record<string, unknown>;
  const refuse = (problem: string): never => {
    throw new TypeError(`csv ${what} failed: ${problem}`);
  };
  if (typeof delimiter !== "string" || [...delimiter].length !== 1) {
    return refuse("the option delimiter must be a single character");
  }
  if (!isLine(fromLine)) return refuse("the option fromLine must be a whole number from 0 on");
  if (!isLine(toLine) && toLine !== Infinity) return refuse("the option toLine must be a whole number from 0 on");
  if (toLine < fromLine) return refuse("the option toLine must not be less than fromLine");
  return {
    delimiter,
    fromLine: skipFirstLine ? Math.max(1, fromLine) : fromLine,
    toLine,
    asObjects: Boolean(asObjects),
  };
}

function isLine(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0;
}

/** The module's object. */
export const csv: Readonly<Record<string, unknown>> = { parse, Parser };
