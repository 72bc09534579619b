/** How a client must repeat calls: with the key of the first attempt, only after a failure, and not too often. */

import { createHash } from "node:crypto";
import type { HubRequest } from "../../../src/hub/http.ts";
import type { OperationName } from "../../../src/hub/operation.ts";

/** What came of an attempt: a status, or no answer at all. */
export type Outcome = number | "none";

/** Attempts at one call. */
interface Attempts {
  readonly call: string;
  count: number;
  /** Whether the newest one may be followed by another. */
  isFailed: boolean;
}

/** Calls that are repeated without a key: 5xx and broken connections only, three attempts. */
const KEYLESS: readonly OperationName[] = ["v2.pushMetrics", "provisioning.uploadArchive"];

/** Watches the attempts of all calls. */
export class RetryRules {
  readonly #attempts = new Map<string, Attempts>();
  /** Keys of calls whose newest attempt has failed. */
  readonly #failedKeys = new Map<string, string | null>();
  readonly #violates: (operation: OperationName, rule: string) => void;

  constructor(violates: (operation: OperationName, rule: string) => void) {
    this.#violates = violates;
  }

  /** An attempt comes in; returns what is to be told of its outcome. */
  begin(operation: OperationName, { method, path, query, headers, body }: HubRequest): (outcome: Outcome) => void {
    const key = headers.get("k6-idempotency-key");
    const call = `${method} ${path}?${query} ${createHash("sha256").update(body).digest("hex")}`;
    const failedKey = this.#failedKeys.get(call);
    if (failedKey !== undefined && failedKey !== key) {
      this.#violates(operation, `repeated with the key ${key} after ${failedKey}`);
    }
    const identity = key ?? (KEYLESS.includes(operation) ? call : null);
    const attempts = identity === null ? null : this.#attempt(operation, identity, call);
    // No answer until there is one: a client that gives up may repeat its call.
    this.#failedKeys.set(call, key);
    if (attempts !== null) attempts.isFailed = true;
    return (outcome) => {
      const isFailed = outcome === "none" || outcome >= 500 || outcome === 429 && key !== null;
      if (attempts !== null) attempts.isFailed = isFailed;
      if (!isFailed) this.#failedKeys.delete(call);
    };
  }

  #attempt(operation: OperationName, identity: string, call: string): Attempts {
    const attempts = this.#attempts.getOrInsertComputed(identity, () => ({ call, count: 0, isFailed: true }));
    attempts.count++;
    if (attempts.call !== call) this.#violates(operation, `the key ${identity} was of another call`);
    else if (!attempts.isFailed) this.#violates(operation, "repeated after a final answer");
    const limit = attemptLimit(operation, identity === call);
    if (attempts.count > limit) this.#violates(operation, `attempt ${attempts.count} of ${limit}`);
    return attempts;
  }
}

function attemptLimit(operation: OperationName, isKeyless: boolean): number {
  // Metrics that found no service are kept, and pushed again later, under the key by which it counts them once.
  if (operation === "v2.pushMetrics" && !isKeyless) return Infinity;
  return operation.startsWith("v6.") || operation === "provisioning.startLocalExecution" ? 4 : 3;
}
