/** The secrets of a cloud's test run: read from its service for all workers, each of them once. */

import { selectJson } from "../api/json_selector.ts";
import { systemClock } from "../output/clock.ts";
import { HttpClient, type HttpResponse, TransportError } from "../output/http_client.ts";
import type { RemoteSecrets } from "../output/run_facts.ts";

/** A secret that can't be had; the message is for the script and holds no secret. */
export class SecretError extends Error {
  override name = "SecretError";
}

/** Asks the service. Tokens stay on the main thread, where no script is. */
export class RunSecrets {
  readonly #remote: RemoteSecrets;
  readonly #client = new HttpClient({ connections: CONNECTIONS });
  readonly #closed = new AbortController();
  /** What was asked for; what may go better another time is left out. */
  readonly #reads = new Map<string, Promise<string>>();

  constructor(remote: RemoteSecrets) {
    this.#remote = remote;
  }

  /** The value of a secret. Rejects with a `SecretError`. */
  read(key: string): Promise<string> {
    return this.#reads.getOrInsertComputed(key, () => this.#read(key));
  }

  /** Gives up what is under way. */
  close(): void {
    this.#closed.abort();
    this.#client.close();
  }

  async #read(key: string): Promise<string> {
    for (let attempt = 1;; attempt++) {
      const answer = await this.#attempt(key);
      if (answer instanceof SecretError) {
        if (attempt === ATTEMPTS) this.#reads.delete(key);
        if (attempt === ATTEMPTS || this.#closed.signal.aborted) throw answer;
        await systemClock.sleep(PAUSE_MS, this.#closed.signal);
      } else return this.#valueOf(key, answer);
    }
  }

  /** The answer, or why there is none that tells anything about the secret. */
  async #attempt(key: string): Promise<HttpResponse | SecretError> {
    const { endpoint, token } = this.#remote;
    const url = new URL(endpoint.replaceAll("{key}", encodeURIComponent(key)));
    const failed = (reason: string) =>
      new SecretError(`cannot read the secret ${quote(key)} from the cloud at ${url.host}: ${reason}`);
    try {
      const answer = await this.#client.send({
        method: "GET",
        url,
        headers: { Authorization: `Bearer ${token}`, Accept: "application/json" },
        timeoutMs: TIMEOUT_MS,
        maxContentBytes: MAX_ANSWER_BYTES,
        signal: this.#closed.signal,
      });
      return answer.status >= 500 || answer.status === 429 ? failed(`it answered ${answer.status}`) : answer;
    } catch (error) {
      if (error instanceof TransportError) return failed(error.message);
      throw error;
    }
  }

  #valueOf(key: string, { status, content }: HttpResponse): string {
    if (status === 404) throw new SecretError(`the cloud has no secret with the key ${quote(key)}`);
    if (status === 401 || status === 403) {
      throw new SecretError(
        `the cloud refuses to tell the secret ${
          quote(key)
        } (status ${status}): the test run's token is not valid for it`,
      );
    }
    const value = status === 200 ? valueAt(new TextDecoder().decode(content), this.#remote.responsePath) : null;
    if (value === null) {
      throw new SecretError(
        `the cloud's answer for the secret ${
          quote(key)
        } (status ${status}) has no text at ${this.#remote.responsePath}`,
      );
    }
    return value;
  }
}

const CONNECTIONS = 4;
const ATTEMPTS = 3;
const PAUSE_MS = 500;
const TIMEOUT_MS = 10_000;

/** As k6 has it for secrets by URL, and as much again for what is around the value. */
const MAX_ANSWER_BYTES = 2 * 24 * 1024;

function valueAt(text: string, path: string): string | null {
  try {
    const value = selectJson(JSON.parse(text), path);
    return typeof value === "string" ? value : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function quote(key: string): string {
  return JSON.stringify(key);
}
