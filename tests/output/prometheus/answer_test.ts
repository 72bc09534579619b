import { assertEquals } from "@std/assert";
import { adviceFor, type FailureKind, failureOf } from "../../../src/output/prometheus/answer.ts";

/** The words are those of the receivers' own. */
const ANSWERS: readonly (readonly [status: number, text: string, kind: FailureKind | null])[] = [
  [200, "", null],
  [204, "", null],
  [429, "ingestion rate limit exceeded", "passing"],
  [500, "disk full", "passing"],
  [502, "", "passing"],
  [503, "", "passing"],
  [301, "", "refused"],
  [401, "", "refused"],
  [403, "", "refused"],
  [404, "remote write receiver needs to be enabled with --web.enable-remote-write-receiver", "refused"],
  [413, "", "too large"],
  [400, "out of order sample", "out of order"],
  [400, "duplicate sample for timestamp", "out of order"],
  [400, "out of bounds", "out of bounds"],
  [
    400,
    "the sample has been rejected because its timestamp is too old (err-mimir-sample-timestamp-too-old)",
    "out of bounds",
  ],
  [400, "received a sample whose timestamp is too far in the future (err-mimir-too-far-in-future)", "out of bounds"],
  [
    400,
    "the sample has been rejected because another sample with a more recent timestamp has already been ingested (err-mimir-sample-out-of-order)",
    "out of order",
  ],
  [409, "store locally for endpoint: conflict", "out of order"],
  [400, "received a series whose label value length exceeds the limit (err-mimir-label-value-too-long)", "bad series"],
  [400, "per-user series limit of 150000 exceeded (err-mimir-max-series-per-user)", "refused"],
  [422, "", "bad series"],
  [500, 'label name "a" is not unique: invalid sample', "bad series"],
  [500, "native histograms are disabled", "histograms are disabled"],
  [400, "native histograms are disabled", "histograms are disabled"],
];

for (const [status, text, kind] of ANSWERS) {
  Deno.test(`${status} ${text} means: ${kind ?? "stored"}`, () => {
    const failure = failureOf(
      { status, text, headers: {}, retryAfterMs: 7, content: new Uint8Array() },
      "0.1.0",
      false,
    );
    assertEquals(failure?.kind ?? null, kind);
    if (failure !== null) {
      assertEquals([failure.cause, failure.detail], [`HTTP ${status}`, text]);
      assertEquals(failure.retryAfterMs, kind === "passing" ? 7 : null);
    }
  });
}

Deno.test("the receiver's time is that of its Date header", () => {
  const time = (headers: Record<string, string>) =>
    failureOf({ status: 400, text: "", headers, retryAfterMs: null, content: new Uint8Array() }, "0.1.0", false)
      ?.receiverTimeMs;
  assertEquals(time({ date: "Thu, 01 Jan 1970 00:00:10 GMT" }), 10_000);
  assertEquals(time({ date: "soon" }), null);
  assertEquals(time({}), null);
});

Deno.test("there is advice on what users can mend", () => {
  const advice = (kind: FailureKind, cause = "HTTP 400") =>
    adviceFor({ kind, cause, detail: "", retryAfterMs: null, receiverTimeMs: null });
  assertEquals(advice("refused", "HTTP 404").includes("--web.enable-remote-write-receiver"), true);
  assertEquals(advice("histograms are disabled").includes("--enable-feature=native-histograms"), true);
  assertEquals(advice("passing", "HTTP 503"), "");
});
