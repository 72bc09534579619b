/** InfluxDB's HTTP API: `CREATE DATABASE` by `/query`, lines to `/write`. */

import { HttpClient, type HttpRequest, TransportError } from "../http_client.ts";
import type { OutputLog } from "../output.ts";
import { basicCredentials } from "../secrets.ts";
import type { InfluxConfig } from "./config.ts";
import type { Destination, Outcome } from "./destination.ts";
import { type PostAnswer, ProxiedPostClient } from "./proxied_post.ts";

/** How long a request may take: a slow server is better than one that gets everything twice. */
const REQUEST_TIMEOUT_MS = 30_000;

const NO_BYTES = new Uint8Array();

/** What both clients are. */
interface PostClient {
  send(request: HttpRequest): Promise<PostAnswer>;
  close(): void;
}

/** A server with an `http:` or `https:` address. */
export class HttpDestination implements Destination {
  readonly #client: PostClient;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #writeUrl: URL;
  readonly #createUrl: URL;
  readonly #log: OutputLog;
  /** The request that makes the database, once it is under way or was answered. */
  #created: Promise<Outcome> | null = null;

  constructor(config: InfluxConfig, version: string, log: OutputLog) {
    const { address, database, retention, consistency, precision, credentials } = config;
    this.#log = log;
    this.#client = createClient(config);
    this.#headers = {
      "User-Agent": `k6d/${version}`,
      ...credentials === null ? {} : { Authorization: `Basic ${basicCredentials(credentials)}` },
    };
    this.#writeUrl = endpoint(address, "write", { consistency, db: database, precision, rp: retention });
    this.#createUrl = endpoint(address, "query", { q: `CREATE DATABASE ${quoted(database)}` });
  }

  /** Doesn't wait for the server: samples of one that comes up later wait. */
  open(): Promise<void> {
    this.#create(new AbortController().signal);
    return Promise.resolve();
  }

  async write(body: Uint8Array, lines: number, signal: AbortSignal): Promise<Outcome> {
    const created = await this.#create(signal);
    if (created.kind === "failed") return created;
    const headers = { ...this.#headers, "Content-Type": "text/plain; charset=utf-8" };
    return await this.#post(this.#writeUrl, headers, body, lines, signal);
  }

  close(): void {
    this.#client.close();
  }

  /** Makes the database, unless it was made; an answer counts as one even when it is no, because the database may be there. */
  #create(signal: AbortSignal): Promise<Outcome> {
    return this.#created ??= this.#post(this.#createUrl, this.#headers, NO_BYTES, 0, signal).then((outcome) => {
      if (outcome.kind === "failed") this.#created = null;
      if (outcome.kind !== "accepted") {
        this.#log.debug(`InfluxDB did not create the database: ${outcome.cause}: ${outcome.detail}`);
      }
      return outcome;
    });
  }

  async #post(
    url: URL,
    headers: Readonly<Record<string, string>>,
    body: Uint8Array,
    lines: number,
    signal: AbortSignal,
  ): Promise<Outcome> {
    try {
      return outcomeOf(await this.#client.send({ url, headers, body, timeoutMs: REQUEST_TIMEOUT_MS, signal }), lines);
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      return { kind: "failed", answered: false, cause: error.message, detail: "", retryAfterMs: null };
    }
  }
}

function createClient({ proxy, insecure, concurrentWrites }: InfluxConfig): PostClient {
  if (proxy !== null) return new ProxiedPostClient(proxy);
  return new HttpClient({ connections: concurrentWrites, tls: { skipVerification: insecure } });
}

function outcomeOf({ status, text, retryAfterMs }: PostAnswer, lines: number): Outcome {
  if (status >= 200 && status < 300) return { kind: "accepted" };
  const cause = `HTTP ${status}`;
  if (status >= 500 || status === 429) {
    return { kind: "failed", answered: true, cause, detail: text, retryAfterMs };
  }
  // InfluxDB stores what it can of a request with bad lines, and counts those whose fields have the wrong type.
  const dropped = /partial write.* dropped=([1-9]\d*)/.exec(text)?.[1];
  const detail = [text, advice.get(status) ?? ""].filter((part) => part !== "").join("; ");
  return { kind: "refused", lines: dropped === undefined ? lines : Number(dropped), cause, detail };
}

const advice: ReadonlyMap<number, string> = new Map([
  [401, "check the user name and the password"],
  [403, "check what the user is allowed to do"],
  [404, "check the URL's path and that the database exists"],
]);

/** A URL under the server's prefix. Parameters stay when they are empty, as in k6. */
function endpoint(address: URL, path: string, parameters: Readonly<Record<string, string>>): URL {
  const url = new URL(address);
  url.pathname = `${address.pathname.replace(/\/$/, "")}/${path}`;
  url.search = new URLSearchParams(parameters).toString();
  return url;
}

/** An identifier of InfluxQL. */
function quoted(name: string): string {
  return `"${name.replace(/["\\]/g, "\\$&").replaceAll("\n", "\\n")}"`;
}
