/** Ctrl-C and SIGTERM in commands that run no test: the first signal asks the command to end, the second ends k6d. */

import { UsageError } from "./args.ts";
import { ExitCode } from "./exit_codes.ts";

/** Listens from its creation until it is disposed of. */
export class Interruption implements Disposable {
  readonly #consequence: string;
  readonly #asked = new AbortController();
  readonly #stopListening: readonly (() => void)[];

  /** `consequence` begins the message of a command that ends early: `no archive was written`. */
  constructor(consequence: string) {
    this.#consequence = consequence;
    this.#stopListening = SIGNALS.map(([signal, name]) => {
      const handler = (): void => {
        if (this.#asked.signal.aborted) Deno.exit(ExitCode.ExternalAbort);
        this.#asked.abort(name);
      };
      Deno.addSignalListener(signal, handler);
      return () => Deno.removeSignalListener(signal, handler);
    });
  }

  /** Aborts at the first signal; the reason is its name in words, `interrupt` or `terminated`. */
  get signal(): AbortSignal {
    return this.#asked.signal;
  }

  /** What a command ends with that a signal has ended. */
  get error(): UsageError {
    const message = `${this.#consequence}, because k6d received a '${this.signal.reason}' signal`;
    return new UsageError(message, ExitCode.ExternalAbort);
  }

  /** Resolves and rejects as `work` does, and rejects with `error` as soon as there is a signal. */
  async race<T>(work: Promise<T>): Promise<T> {
    const { signal } = this;
    const { promise: interrupted, reject } = Promise.withResolvers<never>();
    const interrupt = () => reject(this.error);
    signal.addEventListener("abort", interrupt);
    if (signal.aborted) interrupt();
    try {
      return await Promise.race([interrupted, work]);
    } finally {
      signal.removeEventListener("abort", interrupt);
    }
  }

  [Symbol.dispose](): void {
    for (const stop of this.#stopListening) stop();
  }
}

/** With the names that k6 has for them. */
const SIGNALS = [["SIGINT", "interrupt"], ["SIGTERM", "terminated"]] as const;
