import { assertEquals } from "@std/assert";
import { encodeHex } from "@std/encoding/hex";
import fc from "fast-check";
import { uncompress } from "snappyjs";
import type { MetricFamily, SeriesKind } from "../../../src/output/prometheus/exported_series.ts";
import { NativeHistogram } from "../../../src/output/prometheus/native_histogram.ts";
import { WriteRequestV2Encoder } from "../../../src/output/prometheus/write_request_v2.ts";
import { decodeRequestV2, STALE_BITS } from "../../support/write_request_decoder.ts";

const T = 1_700_000_000_123;

Deno.test("a request is a table of symbols, then series that refer to it", () => {
  const encoder = new WriteRequestV2Encoder({ metadata: true });
  encoder.addSample(kind("k6_a_total", "counter"), { id: 0, labels: [["m", "GET"]] }, 42, T, T - 1, null);
  const timestamp = "fbd095ffbc31";
  const start = "fad095ffbc31";
  assertEquals(
    encodeHex(uncompress(Uint8Array.from(encoder.finish()))),
    "2200" + // symbol 0: empty
      "220468656c70" + // 1: help
      "22085f5f6e616d655f5f" + // 2: __name__
      "220a6b365f615f746f74616c" + // 3: k6_a_total
      "22016d" + // 4: m
      "2203474554" + // 5: GET
      "2a2e" + // a series of 46 bytes
      "0a0402030405" + // its labels
      "1217" + "090000000000004540" + "10" + timestamp + "18" + start + // its sample, with its start
      "30" + start + // its start once more, where the drafts have it
      "2a06" + "0801" + "1801" + "2000", // a counter with this help, without a unit
  );
});

Deno.test("texts stand in a request once, and in every request again", () => {
  const encoder = new WriteRequestV2Encoder({ metadata: true });
  for (let request = 0; request < 3; request++) {
    for (let id = 0; id < 10; id++) {
      encoder.addSample(kind("k6_a", "gauge"), { id, labels: [["method", "GET"], ["n", `${id % 3}`]] }, id, T, 0, null);
    }
    assertEquals(encoder.length, 10);
    const body = encoder.finish();
    assertEquals(encoder.length, 0);
    const text = new TextDecoder("latin1").decode(uncompress(Uint8Array.from(body)));
    assertEquals(text.split("method").length, 2);
    assertEquals(decodeRequestV2(body).map(({ labels }) => labels["n"]), [
      "0",
      "1",
      "2",
      "0",
      "1",
      "2",
      "0",
      "1",
      "2",
      "0",
    ]);
  }
});

Deno.test("counters and histograms say since when they count, gauges don't, nor anything that would have started later", () => {
  const encoder = new WriteRequestV2Encoder({ metadata: true });
  const labels = { id: 0, labels: [] };
  const histogram = new NativeHistogram(1);
  histogram.add(1.5, T);
  encoder.addSample(kind("k6_a_total", "counter", 0), labels, 1, T, T - 1000, null);
  encoder.addSample(kind("k6_b", "gauge", 1), labels, 1, T, T - 1000, null);
  encoder.addHistogram(kind("k6_c", "histogram", 2, true), labels, histogram, T, T - 1000, null);
  encoder.addSample(kind("k6_d_total", "counter", 3), labels, 1, T, T, null);
  const series = decodeRequestV2(encoder.finish());
  assertEquals(
    series.map(({ samples, histograms }) => (samples[0] ?? histograms?.[0])?.startMs),
    [T - 1000, undefined, T - 1000, undefined],
  );
  assertEquals(series.map(({ metadata }) => metadata?.type), [1, 2, 3, 1]);
});

Deno.test("the end of a series is a stale marker of its own kind", () => {
  const encoder = new WriteRequestV2Encoder({ metadata: true });
  encoder.addStaleMarker(kind("k6_a", "gauge", 0), { id: 0, labels: [] }, T);
  encoder.addStaleMarker(kind("k6_b", "histogram", 1, true), { id: 0, labels: [] }, T);
  const [float, histogram] = decodeRequestV2(encoder.finish());
  assertEquals([float?.samples[0]?.bits, float?.histograms], [STALE_BITS, undefined]);
  assertEquals([histogram?.samples, histogram?.histograms?.[0]?.sumBits], [[], STALE_BITS]);
});

Deno.test("without metadata there is none, nor its texts", () => {
  const encoder = new WriteRequestV2Encoder({ metadata: false });
  encoder.addSample(kind("k6_a", "gauge"), { id: 0, labels: [] }, 1, T, 0, null);
  assertEquals(decodeRequestV2(encoder.finish(), { metadata: false })[0]?.metadata, undefined);
});

Deno.test("every series comes back as it was added", () => {
  const value = fc.double({ noNaN: true, noDefaultInfinity: true });
  const time = fc.integer({ min: 1, max: 8_640_000_000_000_000 });
  const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 50 }).map((each) => each.toWellFormed());
  const exemplar = fc.option(fc.record({ traceId: text, value, atEpochMs: time }));
  const series = fc.record({ label: text, le: fc.option(fc.constantFrom("1", "+Inf")), value, time, exemplar });
  fc.assert(fc.property(fc.array(series, { maxLength: 300 }), (all) => {
    const encoder = new WriteRequestV2Encoder({ metadata: true });
    for (const [id, each] of all.entries()) {
      const kindOfSeries = { ...kind("k6_x", "counter", each.le === null ? 0 : each.le === "1" ? 1 : 2), le: each.le };
      const labels = { id, labels: [["URL", "1"], ["l", each.label], ["z", each.label]] } as const;
      encoder.addSample(kindOfSeries, labels, each.value, each.time, 0, each.exemplar);
    }
    assertEquals(
      decodeRequestV2(encoder.finish()).map(({ labels, samples: [sample], exemplars }) => ({
        label: labels["l"],
        le: labels["le"] ?? null,
        value: sample?.value,
        time: sample?.atEpochMs,
        exemplar: exemplars === undefined ? null : {
          traceId: exemplars[0]?.labels["trace_id"],
          value: exemplars[0]?.value,
          atEpochMs: exemplars[0]?.atEpochMs,
        },
      })),
      all.map((each) => ({ ...each })),
    );
  }));
});

function kind(name: string, type: MetricFamily["type"], id = 0, isHistogram = false): SeriesKind {
  return { id, name, le: null, family: { id, name, type, help: "help", unit: "" }, isHistogram };
}
