/** Results on their way to who asked for them. */

import type { HttpClient } from "./http_client.ts";
import type { HttpCompletion, HttpResult } from "./types.ts";

const RESOLVED = Promise.resolve();

/**
 * Hands results over once all answers that the event loop brought together have been taken in: what completions do (they
 * run scripts, and send the next requests) must not be part of another answer's time. Hot: no object per result.
 */
export class Outbox {
  /** By place; null where nobody waits any more. */
  readonly #completions: (HttpCompletion | null)[] = [];
  readonly #results: HttpResult[] = [];
  readonly #clients: HttpClient[] = [];
  readonly #deliver = (): void => this.#deliverAll();

  /** Takes a result of a client's request. */
  add(client: HttpClient, completion: HttpCompletion, result: HttpResult): void {
    if (this.#completions.length === 0) RESOLVED.then(this.#deliver);
    this.#completions.push(completion);
    this.#results.push(result);
    this.#clients.push(client);
  }

  /** No completion of this client's requests is called any more. */
  forget(client: HttpClient): void {
    for (let i = 0; i < this.#clients.length; i++) {
      if (this.#clients[i] === client) this.#completions[i] = null;
    }
  }

  #deliverAll(): void {
    // A completion may bring further ones, which are delivered as well, or have others forgotten.
    for (let i = 0; i < this.#completions.length; i++) this.#completions[i]?.httpDone(this.#results[i]!);
    this.#completions.length = 0;
    this.#results.length = 0;
    this.#clients.length = 0;
  }
}
