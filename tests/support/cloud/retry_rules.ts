/** How a client must repeat calls: with the key of the first attempt, only after a failure, and not too often. */

import type { HubRequest } from "../../../src/hub/http.ts";
import type { OperationName } from "../../../src/hub/operation.ts";

/** What came of an attempt: a status, or no answer at all. */
export type Outcome = number | "none";

/** Watches the attempts of all calls. */
export class RetryRules {
  readonly #attempts = new Map<string, { call: string; count: number; isFailed: boolean }>();
  /** Keys of calls whose newest attempt has failed. */
  readonly #failed = new Map<string, string | null>();
  readonly #violates: (operation: OperationName, rule: string) => void;

  constructor(violates: (operation: OperationName, rule: string) => void) {
    this.#violates = violates;
  }

  /** An attempt comes in; returns what is to be told of its outcome. */
  begin(operation: OperationName, request: HubRequest): (outcome: Outcome) => void {
    const key = request.headers.get("k6-idempotency-key");
    const call = `${request.method} ${request.path} ${new TextDecoder("latin1").decode(request.body)}`;
    const failedKey = this.#failed.get(call);
    if (failedKey !== undefined && failedKey !== key) {
      this.#violates(operation, `repeated with the key ${key} after ${failedKey}`);
    }
    this.#failed.delete(call);
    // No answer until there is one: a client that gives up may repeat its call.
    const attempt = this.#attempt(operation, key, call);
    this.#failed.set(call, key);
    attempt.isFailed = true;
    return (outcome) => {
      attempt.isFailed = outcome === "none" || outcome === 429 || outcome >= 500;
      if (!attempt.isFailed) this.#failed.delete(call);
    };
  }

  #attempt(operation: OperationName, key: string | null, call: string) {
    const known = key === null ? undefined : this.#attempts.get(key);
    if (key === null || known === undefined) {
      const first = { call, count: 1, isFailed: false };
      if (key !== null) this.#attempts.set(key, first);
      return first;
    }
    known.count++;
    const limit = /^v[12]\./.test(operation) ? 3 : 4;
    if (known.call !== call) this.#violates(operation, `the key ${key} was of another call`);
    else if (!known.isFailed) this.#violates(operation, "repeated after a final answer");
    if (known.count > limit) this.#violates(operation, `attempt ${known.count} of ${limit}`);
    return known;
  }
}
