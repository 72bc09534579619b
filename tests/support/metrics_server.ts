/** What tests do with Prometheus and VictoriaMetrics alike: write to them and query back. */

import type { ChildServer, Fetcher } from "./child_server.ts";

/** One point of a series; times are epoch milliseconds. */
export interface QueriedPoint {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly atEpochMs: number;
}

/** A running server with Prometheus's query API. */
export class MetricsServer implements AsyncDisposable {
  readonly base: string;
  readonly #server: ChildServer;
  readonly #makeVisible: () => Promise<void>;
  readonly #fetcher: Fetcher;

  constructor(base: string, server: ChildServer, makeVisible: () => Promise<void>, fetcher: Fetcher = fetch) {
    this.base = base;
    this.#server = server;
    this.#makeVisible = makeVisible;
    this.#fetcher = fetcher;
  }

  get writeUrl(): string {
    return `${this.base}/api/v1/write`;
  }

  /** The instant query's vector at a time; now by default. */
  async query(query: string, atEpochMs = Date.now()): Promise<QueriedPoint[]> {
    const result = await this.#api(query, atEpochMs);
    return result.map(({ metric, value }) => point(metric, value));
  }

  /** All samples of the last five minutes before a time, as they were written. Stale markers, which only VictoriaMetrics lists, are left out. */
  async samples(selector: string, atEpochMs = Date.now()): Promise<QueriedPoint[]> {
    const result = await this.#api(`${selector}[5m]`, atEpochMs);
    return result.flatMap(({ metric, values = [] }) => values.map((value) => point(metric, value)))
      .filter(({ value }) => !Number.isNaN(value));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }

  async #api(query: string, atEpochMs: number): Promise<QueryResult[]> {
    await this.#makeVisible();
    const parameters = new URLSearchParams({ query, time: String(atEpochMs / 1000), nocache: "1" });
    const response = await this.#fetcher(`${this.base}/api/v1/query?${parameters}`);
    if (!response.ok) throw new Error(`query ${query}: ${response.status} ${await response.text()}`);
    const { data } = await response.json() as { data: { result: QueryResult[] } };
    return data.result;
  }
}

type Value = readonly [epochSeconds: number, value: string];

interface QueryResult {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: Value;
  readonly values?: readonly Value[];
}

function point(labels: Readonly<Record<string, string>>, [epochSeconds, value]: Value): QueriedPoint {
  return { labels, value: Number(value), atEpochMs: Math.round(epochSeconds * 1000) };
}
