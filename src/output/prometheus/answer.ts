/** What a receiver's answer to a request means. */

import { VERSION_1 } from "./request_encoder.ts";
import type { HttpResponse } from "../http_client.ts";

/** Why a request, or a part of it, was not stored. */
export interface Failure {
  readonly kind: FailureKind;
  /** Few fixed words: what failures are counted by. */
  readonly cause: string;
  /** The receiver's own words; empty without any. */
  readonly detail: string;
  /** How long the receiver wants to be left alone; null when it doesn't say. */
  readonly retryAfterMs: number | null;
  /** What the receiver's clock showed; null when it doesn't say. */
  readonly receiverTimeMs: number | null;
}

/** What a failure says about trying again. */
export type FailureKind =
  /** A later attempt may succeed: network failures, 5xx, 429. It isn't known whether something was stored. */
  | "passing"
  /** The receiver has a sample of a series that is as new or newer. */
  | "out of order"
  /** A timestamp is too far from the receiver's time. */
  | "out of bounds"
  /** Something is wrong with a series; the receiver may have refused others because of it. */
  | "bad series"
  /** Remote write 2.0: what is right was stored, the rest never will be. */
  | "partly stored"
  | "too large"
  | "histograms are disabled"
  /** The receiver does not know remote write 2.0, and stored nothing. */
  | "unknown version"
  /** No series is at fault: credentials, path, limits and the like. */
  | "refused";

/**
 * The failure that an answer stands for; null when all was stored. `version` is that of the request's
 * `X-Prometheus-Remote-Write-Version`, `isVersionProven` whether earlier answers have shown that the receiver knows it.
 */
export function failureOf(response: HttpResponse, version: string, isVersionProven: boolean): Failure | null {
  const kind = kindOf(response, version !== VERSION_1, isVersionProven);
  if (kind === null) return null;
  const { status, text, retryAfterMs, headers } = response;
  const receiverTimeMs = Date.parse(headers["date"] ?? "");
  return {
    kind,
    cause: `HTTP ${status}`,
    detail: text,
    retryAfterMs: kind === "passing" ? retryAfterMs : null,
    receiverTimeMs: Number.isNaN(receiverTimeMs) ? null : receiverTimeMs,
  };
}

/** The failure of a request that got no answer. */
export function failureWithoutAnswer(kind: FailureKind, cause: string): Failure {
  return { kind, cause, detail: "", retryAfterMs: null, receiverTimeMs: null };
}

/** Whether a receiver that is there failed at this request, for a reason that may or may not lie in what it holds. */
export function isServerError({ cause }: Failure): boolean {
  return cause.startsWith("HTTP 5");
}

/** How many samples and histograms a receiver of remote write 2.0 says that it stored; null when it says nothing. */
export function writtenOf({ headers }: HttpResponse): number | null {
  const counts = ["samples", "histograms"].map((kind) => headers[`x-prometheus-remote-write-${kind}-written`]);
  if (counts.every((count) => count === undefined)) return null;
  return counts.reduce((sum, count) => sum + (Number(count) || 0), 0);
}

/** What the user can do about a failure; empty when that isn't known. */
export function adviceFor({ kind, cause }: Failure): string {
  return adviceByKind.get(kind) ?? adviceByCause.get(cause) ?? "";
}

/** What keeps the series of two runs apart. */
export const OWN_LABEL = "tag (--tag testid=…) or K6_PROMETHEUS_RW_INSTANCE";

const adviceByKind: ReadonlyMap<FailureKind, string> = new Map([
  [
    "histograms are disabled",
    "trends are not sent; start Prometheus with --enable-feature=native-histograms, or switch trendAsNativeHistogram off",
  ],
  ["out of order", `if another run writes the same series, give each its own ${OWN_LABEL}`],
  ["out of bounds", "compare this machine's clock with the receiver's"],
]);

const adviceByCause: ReadonlyMap<string, string> = new Map([
  ["HTTP 401", "check the user name and password or token"],
  ["HTTP 403", "check what the user or token is allowed to do"],
  ["HTTP 404", "check the URL's path; Prometheus needs --web.enable-remote-write-receiver"],
]);

/** By the specification's statuses; only where these leave it open by the words of Prometheus, Mimir, Cortex and Thanos. */
function kindOf(response: HttpResponse, isVersion2: boolean, isVersionProven: boolean): FailureKind | null {
  const { status, text } = response;
  const written = isVersion2 ? writtenOf(response) : null;
  if (status >= 200 && status < 300) return isVersion2 && written === null ? "unknown version" : null;
  if (isVersion2 && status === 415) return "unknown version";
  if (isVersion2 && status === 400 && written === null && !isVersionProven) return "unknown version";
  if (/native histograms (?:are|is) disabled/i.test(text)) return "histograms are disabled";
  if (status === 500 && /label name .*is not unique|invalid (?:label|metric) name/i.test(text)) return "bad series";
  if (status >= 500 || status === 429) return "passing";
  if (status === 413) return "too large";
  if (status !== 400 && status !== 409 && status !== 422) return "refused";
  if (/out.of.bounds|too far in|timestamp.too.(?:old|new)/i.test(text)) return "out of bounds";
  if (status === 409 || /out.of.order|duplicate.(?:sample|timestamp)/i.test(text)) return "out of order";
  // Mimir stores the others, and may have room for these later.
  if (/series limit|max-series-per/i.test(text)) return "refused";
  return written === null ? "bad series" : "partly stored";
}
