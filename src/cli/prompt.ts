/** Asks the user at a terminal. */

import type { TextWriter } from "./terminal.ts";

/** The terminal that is asked. */
export interface PromptTerminal {
  /** Reads what was typed; null at the end. */
  read(buffer: Uint8Array): number | null;
  /** Keys come one by one and are not shown. */
  setRaw(isRaw: boolean): void;
}

/** The user doesn't want to answer: Ctrl-C, Ctrl-D. */
export class PromptCancelled extends Error {
  override name = "PromptCancelled";
}

/** Asks questions one after another; an answer that is typed ahead, or pasted, counts. */
export class Prompt {
  readonly #terminal: PromptTerminal;
  readonly #writer: TextWriter;
  readonly #decoder = new TextDecoder();
  #typed = "";

  constructor(terminal: PromptTerminal, writer: TextWriter) {
    this.#terminal = terminal;
    this.#writer = writer;
  }

  /** The answer, without blanks around it; the terminal shows it as it is typed. Throws a `PromptCancelled`. */
  ask(question: string): string {
    this.#writer.write(question);
    return this.#line(() => {});
  }

  /** The answer, of which the terminal shows nothing. Throws a `PromptCancelled`. */
  askHidden(question: string): string {
    // First, so that not even the fastest answer is shown.
    this.#terminal.setRaw(true);
    try {
      this.#writer.write(question);
      return this.#line((key) => {
        if (key === CTRL_C || key === CTRL_D) throw new PromptCancelled();
      });
    } finally {
      this.#terminal.setRaw(false);
      this.#writer.write("\n");
    }
  }

  #line(onKey: (key: string) => void): string {
    let line = "";
    for (;;) {
      const [key = ""] = this.#typed === "" ? this.#read() : this.#typed;
      this.#typed = this.#typed.slice(key.length);
      if (key === "\r" || key === "\n") return line.trim();
      onKey(key);
      if (key === BACKSPACE || key === DELETE) line = line.slice(0, -1);
      else if (key === CTRL_U) line = "";
      else line += key;
    }
  }

  #read(): string {
    const buffer = new Uint8Array(4096);
    const length = this.#terminal.read(buffer);
    if (length === null) throw new PromptCancelled();
    this.#typed += this.#decoder.decode(buffer.subarray(0, length), { stream: true });
    return this.#typed;
  }
}

const CTRL_C = "\x03";
const CTRL_D = "\x04";
const CTRL_U = "\x15";
const BACKSPACE = "\b";
const DELETE = "\x7f";
