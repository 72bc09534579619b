/** A client of the cloud under test, in a world whose time passes only when a test says so. */

import { assertRejects } from "@std/assert";
import type { Clock } from "../../../../src/output/clock.ts";
import { CloudClient, type CloudClientOptions } from "../../../../src/output/cloud/api/cloud_client.ts";
import { CloudApiError } from "../../../../src/output/cloud/api/cloud_error.ts";
import { ACCOUNT } from "../../../support/cloud/contract_server.ts";

/** Of one attempt. */
export const TIMEOUT_MS = 60_000;

/** Time limits are never reached unless a test lets them; pauses take no time and are noted. */
export class CallClock implements Clock {
  readonly pausesMs: number[] = [];
  /** Called instead of the next pause, if it is set; that pause lasts until its signal. */
  onPause: (() => void) | null = null;
  readonly #limits = new Set<() => void>();

  now(): number {
    return 0;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    const isLimit = ms === TIMEOUT_MS;
    if (!isLimit) this.pausesMs.push(ms);
    if (!isLimit && this.onPause === null) return Promise.resolve();
    return new Promise((resolve) => {
      signal.addEventListener("abort", () => resolve(), { once: true });
      if (isLimit) this.#limits.add(resolve);
      else this.onPause?.();
    });
  }

  /** Ends every attempt that is under way. */
  timeOut(): void {
    for (const end of this.#limits) end();
    this.#limits.clear();
  }
}

/** A client until it is disposed of. */
export class Calls implements Disposable {
  readonly clock = new CallClock();
  /** Debug lines. */
  readonly lines: string[] = [];
  readonly client: CloudClient;
  #onLine: (line: string) => void = () => {};

  constructor({ connections = 1, env = {} }: Partial<Pick<CloudClientOptions, "connections" | "env">> = {}) {
    this.client = new CloudClient({
      version: "1.2.3",
      timeoutMs: TIMEOUT_MS,
      connections,
      env,
      log: {
        debug: (line) => {
          this.lines.push(line);
          this.#onLine(line);
        },
      },
      clock: this.clock,
    });
  }

  /** Resolves with the next debug line. */
  nextLine(): Promise<string> {
    return new Promise((resolve) => this.#onLine = resolve);
  }

  [Symbol.dispose](): void {
    this.client.close();
  }
}

/** The error that a call ends with. Its message is one line and has no token in it. */
export async function failure(call: Promise<unknown>): Promise<CloudApiError> {
  const error = await assertRejects(() => call, CloudApiError);
  if (error.message.includes("\n") || error.message.includes(ACCOUNT.token)) throw error;
  return error;
}
