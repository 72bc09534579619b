/** Where metrics are pushed: to the second version of the first API, or to an address that the service has given for one test run. */

import { type CloudApi, type CloudClient, SCOPED_REPEATS } from "./cloud_client.ts";
import { type V1Access, v1Api } from "./v1_api.ts";

/** A place for metrics with the token that it asks for. */
export interface ScopedPush {
  /** Used as it is. */
  readonly pushUrl: string;
  /** Of the test run alone. */
  readonly testRunToken: string;
}

/** Metrics, written and perhaps compressed. */
export interface MetricsPush {
  readonly bytes: Uint8Array;
  /** Of `MetricSetEncoder`. */
  readonly contentType: string;
  /** Null: not compressed. */
  readonly contentEncoding: "snappy" | "gzip" | null;
  /** The same whenever these metrics are pushed, so that the service counts them once (`newIdempotencyKey`). Default: a new one. */
  readonly idempotencyKey?: string | undefined;
}

/** Pushes metrics of one test run. As many pushes at a time as the client has connections. */
export class MetricsApi {
  readonly #client: CloudClient;
  readonly #api: CloudApi;
  readonly #path: string;
  /** Whether the service tells pushes apart by their keys, and so counts each once however often it comes. */
  readonly isKeyed: boolean;

  private constructor(client: CloudClient, api: CloudApi, path: string, isKeyed: boolean) {
    this.#client = client;
    this.#api = api;
    this.#path = path;
    this.isKeyed = isKeyed;
  }

  /** With the user's token, to `/v2/metrics/<test run>`. */
  static ofUser(client: CloudClient, access: V1Access, testRunId: string): MetricsApi {
    return new MetricsApi(client, v1Api(access, "/v2"), `/metrics/${encodeURIComponent(testRunId)}`, true);
  }

  /** With the test run's own token, to the address that came with it. */
  static ofTestRun(client: CloudClient, { pushUrl, testRunToken }: ScopedPush): MetricsApi {
    const api: CloudApi = {
      address: pushUrl,
      addressSource: "the address for metrics (K6_CLOUD_METRICS_PUSH_URL, if that is set)",
      authorization: { scheme: "Bearer", token: testRunToken, of: "test run" },
      repeats: SCOPED_REPEATS,
    };
    return new MetricsApi(client, api, "", false);
  }

  /** The address, for the choice of a format (`metricsFormat`). */
  get url(): string {
    return this.#api.address + this.#path;
  }

  /** Rejects with a `CloudApiError`; see its `isStopOrder`. */
  async push(metrics: MetricsPush, signal?: AbortSignal): Promise<void> {
    const { bytes, contentType, contentEncoding, idempotencyKey } = metrics;
    await this.#client.send(this.#api, {
      purpose: "push metrics to the cloud",
      method: "POST",
      path: this.#path,
      headers: {
        "K6-Metrics-Protocol-Version": "2.0",
        ...contentEncoding === null ? {} : { "Content-Encoding": contentEncoding },
      },
      body: { contentType, bytes },
      isKeyed: this.isKeyed,
      idempotencyKey,
      adviceOn: pushAdvice,
      signal,
    });
  }
}

function pushAdvice(status: number, code: string | null): string | null {
  if (status === 403 && code === "4") return "the service takes no more metrics of this test run";
  // The metrics are kept, and tried again later.
  if (status === 429) return "";
  if (status === 413) return "K6_CLOUD_MAX_TIME_SERIES_IN_BATCH makes smaller pushes";
  return status >= 500 ? "the service has failed" : null;
}
