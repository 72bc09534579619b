/** The time series that a finished request adds to, found by its tags. */

import { BUILTIN_METRIC_IDS } from "../metrics/builtin.ts";
import type { TagSet } from "../metrics/tag_set.ts";
import type { HttpResult } from "../net/types.ts";
import type { WorkerRuntime } from "../worker/runtime.ts";

/** Series of the samples that requests with the same tags emit. */
interface HttpSeries {
  readonly method: string;
  readonly status: number;
  readonly proto: string;
  readonly errorCode: number;
  readonly error: string;
  readonly tlsVersion: string;
  readonly remoteIp: string;
  readonly expected: boolean | null;
  readonly reqs: number;
  readonly duration: number;
  readonly blocked: number;
  readonly connecting: number;
  readonly tlsHandshaking: number;
  readonly sending: number;
  readonly waiting: number;
  readonly receiving: number;
  readonly failed: number;
}

const NONE: HttpSeries[] = [];

/** One worker's memory of them: tag set of the virtual user, then name, then the few outcomes seen for that name. */
export class HttpSeriesCache {
  readonly #runtime: WorkerRuntime;
  readonly #withIp: boolean;
  readonly #byTags = new Map<TagSet, Map<string, HttpSeries[]>>();

  constructor(runtime: WorkerRuntime) {
    this.#runtime = runtime;
    this.#withIp = runtime.systemTags.has("ip");
  }

  /**
   * Records the samples of one request. `errorCode` includes those of answers (1000 + status from 400 on); `expected` is
   * null when nobody judges the status. Hot: no allocation once an outcome has been seen.
   */
  record(
    tags: TagSet,
    name: string,
    method: string,
    result: HttpResult,
    errorCode: number,
    expected: boolean | null,
  ): void {
    const series = this.#find(tags, name, method, result, errorCode, expected);
    const { recorder } = this.#runtime;
    const at = result.endedAtEpochMs;
    recorder.record(series.reqs, at, 1);
    recorder.record(series.duration, at, result.sending + result.waiting + result.receiving);
    recorder.record(series.blocked, at, result.blocked);
    recorder.record(series.connecting, at, result.connecting);
    recorder.record(series.tlsHandshaking, at, result.tlsHandshaking);
    recorder.record(series.sending, at, result.sending);
    recorder.record(series.waiting, at, result.waiting);
    recorder.record(series.receiving, at, result.receiving);
    if (expected !== null) recorder.record(series.failed, at, expected ? 0 : 1);
  }

  #find(
    tags: TagSet,
    name: string,
    method: string,
    result: HttpResult,
    errorCode: number,
    expected: boolean | null,
  ): HttpSeries {
    const byName = this.#byTags.get(tags);
    const known = byName?.get(name) ?? NONE;
    for (const series of known) {
      if (
        series.status === result.status && series.method === method && series.expected === expected &&
        series.errorCode === errorCode && series.proto === result.proto && series.error === result.error &&
        series.tlsVersion === result.tlsVersion && (!this.#withIp || series.remoteIp === result.remoteIp)
      ) return series;
    }
    const series = this.#define(tags, name, method, result, errorCode, expected);
    // The samples go where they fold to; each of any number of names would be one more to remember.
    if (!this.#runtime.recorder.isFull) this.#remember(tags, name, known, series);
    return series;
  }

  #remember(tags: TagSet, name: string, known: HttpSeries[], series: HttpSeries): void {
    if (known.length > 0) {
      known.push(series);
      return;
    }
    let byName = this.#byTags.get(tags);
    if (byName === undefined) this.#byTags.set(tags, byName = new Map());
    // Not pushed to an empty array, which would make room for 17.
    byName.set(name, [series]);
  }

  #define(
    base: TagSet,
    name: string,
    method: string,
    result: HttpResult,
    errorCode: number,
    expected: boolean | null,
  ): HttpSeries {
    const { systemTags, recorder } = this.#runtime;
    const pairs: [string, string][] = [
      ["name", name],
      ["url", name],
      ["method", method],
      ["status", String(result.status)],
    ];
    if (result.proto !== "") pairs.push(["proto", result.proto]);
    if (result.tlsVersion !== "") pairs.push(["tls_version", result.tlsVersion]);
    if (errorCode !== 0) pairs.push(["error_code", String(errorCode)]);
    if (result.error !== "") pairs.push(["error", result.error]);
    if (expected !== null) pairs.push(["expected_response", String(expected)]);
    if (result.remoteIp !== "") pairs.push(["ip", result.remoteIp]);
    if (result.tlsVersion !== "") pairs.push(["ocsp_status", "unknown"]);
    const tags = base.withAll(pairs.filter(([tag]) => systemTags.has(tag)));
    const id = (metric: keyof typeof BUILTIN_METRIC_IDS) => recorder.series(BUILTIN_METRIC_IDS[metric], tags);
    return {
      method,
      status: result.status,
      proto: result.proto,
      errorCode,
      error: result.error,
      tlsVersion: result.tlsVersion,
      remoteIp: result.remoteIp,
      expected,
      reqs: id("http_reqs"),
      duration: id("http_req_duration"),
      blocked: id("http_req_blocked"),
      connecting: id("http_req_connecting"),
      tlsHandshaking: id("http_req_tls_handshaking"),
      sending: id("http_req_sending"),
      waiting: id("http_req_waiting"),
      receiving: id("http_req_receiving"),
      failed: expected === null ? -1 : id("http_req_failed"),
    };
  }
}
