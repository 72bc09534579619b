/** The secrets of a cloud's test run: read from its service for all workers, each of them once. */

import { CloudClient, type CloudClientOptions } from "../output/cloud/api/cloud_client.ts";
import { CloudApiError } from "../output/cloud/api/cloud_error.ts";
import { readSecret } from "../output/cloud/api/secrets_api.ts";
import type { RemoteSecrets } from "../output/run_facts.ts";
import type { SecretMessage } from "../worker/messages.ts";

/** Asks the service. Tokens stay on the main thread, where no script is. */
export class RunSecrets {
  readonly #remote: RemoteSecrets;
  readonly #client: CloudClient;
  readonly #closed = new AbortController();
  /** What was asked for; what may go better another time is left out. */
  readonly #reads = new Map<string, Promise<string>>();

  constructor(remote: RemoteSecrets, options: Pick<CloudClientOptions, "version" | "log" | "env">) {
    this.#remote = remote;
    this.#client = new CloudClient({ ...options, timeoutMs: TIMEOUT_MS, connections: CONNECTIONS });
  }

  /** The value of a secret. Rejects with a `CloudApiError`, whose message holds no secret. */
  read(key: string): Promise<string> {
    return this.#reads.getOrInsertComputed(key, () => this.#read(key));
  }

  /** The value of a secret, or why there is none. */
  async answer(key: string): Promise<Pick<SecretMessage, "value" | "problem">> {
    try {
      return { value: await this.read(key), problem: "" };
    } catch (error) {
      if (error instanceof CloudApiError) return { value: null, problem: error.message };
      throw error;
    }
  }

  /** Gives up what is under way. */
  close(): void {
    this.#closed.abort();
    this.#client.close();
  }

  async #read(key: string): Promise<string> {
    try {
      return await readSecret(this.#client, this.#remote, this.#remote.token, key, this.#closed.signal);
    } catch (error) {
      if (error instanceof CloudApiError && mayPass(error)) this.#reads.delete(key);
      throw error;
    }
  }
}

const CONNECTIONS = 4;
const TIMEOUT_MS = 10_000;

/** Whether the same question may be answered another time. */
function mayPass({ kind, status }: CloudApiError): boolean {
  return kind === "unanswered" || kind === "refused" && status !== null && (status === 429 || status >= 500);
}
