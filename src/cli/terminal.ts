/** Writing to the standard streams: synchronous, complete, and coloured only where that helps. */

import { systemReason } from "../output/system_reason.ts";

/** Takes text, or bytes as they are; returns once all of it is written. */
export interface TextWriter {
  write(text: string | Uint8Array): void;
}

/** What a `StreamWriter` needs of `Deno.stdout` or `Deno.stderr`. */
export interface SyncStream {
  writeSync(bytes: Uint8Array): number;
}

/** A stream takes no more: a full disk, say. The message is for the user. */
export class WriteError extends Error {
  override name = "WriteError";
}

/** Writes whole texts to a stream, whatever part of them the stream takes at a time. When the reader has gone, text is dropped. */
export class StreamWriter implements TextWriter {
  readonly #stream: SyncStream;
  readonly #encoder = new TextEncoder();
  #readerGone = false;

  constructor(stream: SyncStream) {
    this.#stream = stream;
  }

  write(text: string | Uint8Array): void {
    let rest = typeof text === "string" ? this.#encoder.encode(text) : text;
    while (rest.length > 0 && !this.#readerGone) {
      try {
        rest = rest.subarray(this.#stream.writeSync(rest));
      } catch (error) {
        if (error instanceof Deno.errors.BrokenPipe) this.#readerGone = true;
        else if (error instanceof Deno.errors.WouldBlock) pause();
        else if (error instanceof Error) throw new WriteError(`cannot write the output: ${systemReason(error)}`);
        else throw error;
      }
    }
  }
}

/** Writes until something can't be written, and drops what comes then: for what must go on without it. */
export class LenientWriter implements TextWriter {
  readonly #writer: TextWriter;
  #failure: WriteError | null = null;

  constructor(writer: TextWriter) {
    this.#writer = writer;
  }

  /** Why text is missing; null when none is. */
  get failure(): WriteError | null {
    return this.#failure;
  }

  write(text: string | Uint8Array): void {
    if (this.#failure !== null) return;
    try {
      this.#writer.write(text);
    } catch (error) {
      if (!(error instanceof WriteError)) throw error;
      this.#failure = error;
    }
  }
}

const pauseCell = new Int32Array(new SharedArrayBuffer(4));

/** Waits a millisecond for a full pipe to drain. */
function pause(): void {
  Atomics.wait(pauseCell, 0, 0, 1);
}

/** A terminal's size in characters. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** The size of the terminal, or 80 × 24 where there is none. */
export function terminalSize(): TerminalSize {
  try {
    const { columns, rows } = Deno.consoleSize();
    // Some terminals (serial lines, containers) report 0 × 0.
    if (columns > 0 && rows > 0) return { columns, rows };
  } catch {
    return DEFAULT_SIZE;
  }
  return DEFAULT_SIZE;
}

const DEFAULT_SIZE: TerminalSize = { columns: 80, rows: 24 };

/** What decides about colour and redrawing in place. */
export interface TerminalSettings {
  readonly isTerminal: boolean;
  /** `--no-color`. */
  readonly noColor: boolean;
  readonly env: Readonly<Record<string, string>>;
}

/** True when text may be redrawn in place: a terminal that is not `dumb`. */
export function isInteractive({ isTerminal, env }: Pick<TerminalSettings, "isTerminal" | "env">): boolean {
  return isTerminal && env["TERM"] !== "dumb";
}

/** True unless the stream is no terminal, or `--no-color`, `NO_COLOR` (set at all), `K6_NO_COLOR` (not empty) or `TERM=dumb` say no. */
export function wantsColor(settings: TerminalSettings): boolean {
  const { noColor, env } = settings;
  return isInteractive(settings) && !noColor && env["NO_COLOR"] === undefined && !env["K6_NO_COLOR"];
}
