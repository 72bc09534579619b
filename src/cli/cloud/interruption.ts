/** Ctrl-C and SIGTERM while a command works with a cloud: the first signal asks it to end, the second ends k6d. */

import { ExitCode } from "../exit_codes.ts";

/** Listens from its creation until it is disposed of. */
export class Interruption implements Disposable {
  readonly #asked = new AbortController();
  readonly #stopListening: readonly (() => void)[];

  constructor() {
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

  /** Resolves and rejects as `work` does, and rejects with the signal's reason as soon as there is one. */
  async race<T>(work: Promise<T>): Promise<T> {
    const { signal } = this;
    const { promise: interrupted, reject } = Promise.withResolvers<never>();
    const interrupt = () => reject(signal.reason);
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
