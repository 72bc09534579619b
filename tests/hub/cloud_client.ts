/** The calls of a correct client, by plain `fetch`; each test changes in them what it wants to be wrong. */

import { gzipSync } from "node:zlib";
import { compress } from "snappyjs";
import { ACCOUNT, type ContractServer } from "../support/cloud/contract_server.ts";
import { MetricSetType } from "./metric_set_schema.ts";

/** What of a call is other than usual; a header of null is left out. */
export interface CallChange {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | null>>;
  readonly body?: BodyInit | null;
}

/** An answer, read. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The text as JSON; empty where it is none. */
  readonly json: Readonly<Record<string, unknown>>;
}

/** Tar files for scripts. */
export const ARCHIVE: Uint8Array<ArrayBuffer> = Deno.readFileSync(
  new URL("./testdata/k6_archive.tar", import.meta.url),
);

/** One push with a counter, a gauge, a rate and a trend, all of one window. */
export function goodSet(testRunId: string, seconds = 1_700_000_001) {
  const labels = [{ name: "method", value: "GET" }];
  const time = { seconds, nanos: 0 };
  return {
    testRunId,
    aggregationPeriod: 3,
    metrics: [
      { name: "http_reqs", type: 1, timeSeries: [{ labels, counterSamples: { values: [{ time, value: 5 }] } }] },
      {
        name: "vus",
        type: 2,
        timeSeries: [{ labels, gaugeSamples: { values: [{ time, last: 4, count: 2, min: 2, max: 4, avg: 3 }] } }],
      },
      {
        name: "http_req_failed",
        type: 3,
        timeSeries: [{ labels, rateSamples: { values: [{ time, nonzeroCount: 1, totalCount: 4 }] } }],
      },
      {
        name: "http_req_duration",
        type: 4,
        timeSeries: [{ labels, trendHdrSamples: { values: [goodTrend(time)] } }],
      },
    ],
  };
}

/** Windows begin at multiples of three seconds. */
export const WINDOW = 1_700_000_001;

/** 100, 200 and 200.1. */
function goodTrend(time: { seconds: number; nanos: number }) {
  return {
    time,
    counters: [1, 2],
    spans: [{ offset: 1347, length: 1 }, { offset: 127, length: 1 }],
    sum: 500.1,
    count: 3,
    minValue: 100,
    maxValue: 200.1,
    minResolution: 0.001,
  };
}

/** The body of a push in protobuf and snappy. */
export function snappyBody(set: Record<string, unknown>): Uint8Array<ArrayBuffer> {
  const message = MetricSetType.encode(MetricSetType.fromObject(set)).finish();
  return Uint8Array.from(compress(Uint8Array.from(message)));
}

/** The body of a push in JSON and gzip; times and types become what JSON has for them. */
export function gzipBody(set: Record<string, unknown>): Uint8Array<ArrayBuffer> {
  const types = ["UNSPECIFIED", "COUNTER", "GAUGE", "RATE", "TREND"];
  const text = JSON.stringify(set, (key, value) => {
    if (key === "time") return new Date(value.seconds * 1000).toISOString().replace(".000Z", "Z");
    return key === "type" ? `METRIC_TYPE_${types[value]}` : value;
  });
  return Uint8Array.from(gzipSync(text));
}

/** The calls of a client of one server. */
export class CloudClient {
  readonly #server: ContractServer;

  constructor(server: ContractServer) {
    this.#server = server;
  }

  /** A call of the first API. */
  v1(path: string, body: unknown, change: CallChange = {}): Promise<Answer> {
    const headers = {
      authorization: `Token ${ACCOUNT.token}`,
      "content-type": body instanceof FormData ? null : "application/json",
      "k6-idempotency-key": newKey(),
    };
    return this.#call(path, { method: "POST", body: bodyOf(body), headers }, change);
  }

  /** A call of version 6 or of provisioning. */
  v6(method: string, path: string, body: unknown, change: CallChange = {}): Promise<Answer> {
    const headers = {
      authorization: `Bearer ${ACCOUNT.token}`,
      "x-stack-id": String(ACCOUNT.stackId),
      "content-type": body instanceof FormData || body === null ? null : "application/json",
      ...(/\/start/.test(path) ? { "k6-idempotency-key": newKey() } : {}),
    };
    return this.#call(path, { method, body: bodyOf(body), headers }, change);
  }

  /** A call with a run's own token. */
  scoped(method: string, path: string, token: string, body: unknown, change: CallChange = {}): Promise<Answer> {
    const headers = { authorization: `Bearer ${token}`, "content-type": body === null ? null : "application/json" };
    return this.#call(path, { method, body: bodyOf(body), headers }, change);
  }

  /** A push in protobuf. */
  push(testRunId: string, set: Record<string, unknown> = goodSet(testRunId), change: CallChange = {}): Promise<Answer> {
    const headers = {
      "content-type": "application/x-protobuf",
      "content-encoding": "snappy",
      "k6-metrics-protocol-version": "2.0",
    };
    return this.v1(`/v2/metrics/${testRunId}`, snappyBody(set), {
      ...change,
      headers: { ...headers, ...change.headers },
    });
  }

  /** Creates a streamed run; resolves to its id. */
  async create(change: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const { json } = await this.v1("/v1/tests", { name: "test", vus: 1, duration: 60, thresholds: {}, ...change });
    return String(json["reference_id"]);
  }

  /** Creates a test with a script; resolves to its id. */
  async createLoadTest(name = "shop", script: Uint8Array<ArrayBuffer> | null = ARCHIVE): Promise<number> {
    const { json } = await this.v6("POST", "/cloud/v6/projects/501/load_tests", loadTestForm(name, script));
    return Number(json["id"]);
  }

  async #call(path: string, usual: Required<CallChange>, change: CallChange): Promise<Answer> {
    const { method, body, headers } = { ...usual, ...change };
    // On a connection that has served before, fetch itself repeats what gets no answer.
    const all = {
      connection: "close",
      "user-agent": "k6cloud/2.2.0",
      ...usual.headers,
      ...(change.headers ?? headers),
    };
    const response = await fetch(new URL(path, this.#server.origin), {
      method,
      body,
      headers: Object.entries(all).filter((header): header is [string, string] => header[1] !== null),
    });
    const text = await response.text();
    const isJson = response.headers.get("content-type") === "application/json";
    return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : {} };
  }
}

/** The form that creates a test. */
export function loadTestForm(name: string, script: Uint8Array<ArrayBuffer> | null): FormData {
  const form = new FormData();
  form.append("name", name);
  if (script !== null) form.append("script", new Blob([script]), "script.tar");
  return form;
}

/** 16 hex digits. */
export function newKey(): string {
  return crypto.getRandomValues(new Uint8Array(8)).toHex();
}

function bodyOf(body: unknown): BodyInit | null {
  const isReady = body === null || body instanceof FormData || body instanceof Uint8Array;
  return isReady ? body as BodyInit | null : JSON.stringify(body);
}
