import { assertEquals } from "@std/assert";
import { decodeHex, encodeHex } from "@std/encoding/hex";
import fc from "fast-check";
import { uncompress } from "snappyjs";
import type { SeriesKind } from "../../../src/output/prometheus/exported_series.ts";
import { WriteRequestEncoder } from "../../../src/output/prometheus/write_request.ts";
import { decodeRequest, decodeWriteRequest, STALE_BITS } from "../../support/write_request_decoder.ts";

const T = 1_700_000_000_123;

Deno.test("a sample has the bytes of an independent encoder", () => {
  const encoder = new WriteRequestEncoder({ metadata: false });
  const labels = { id: 0, labels: [["method", "GET"], ["status", "200"]] } as const;
  encoder.addSample(kind("k6_http_reqs_total"), labels, 42, T, T - 1, null);
  assertEquals(
    uncompressedHex(encoder.finish()),
    "0a500a1e0a085f5f6e616d655f5f12126b365f687474705f726571735f746f74616c0a0d0a066d6574686f6412034745540a0d0a06737461747573" +
      "1203323030121009000000000000454010fbd095ffbc31",
  );
});

Deno.test("a stale marker keeps its NaN bits exactly", () => {
  const encoder = new WriteRequestEncoder({ metadata: false });
  encoder.addStaleMarker(kind("k6_vus"), { id: 0, labels: [] }, T);
  assertEquals(
    uncompressedHex(encoder.finish()),
    "0a260a120a085f5f6e616d655f5f12066b365f767573121009020000000000f07f10fbd095ffbc31",
  );
});

Deno.test("the test receiver's decoder reads literal-only snappy blocks of another encoder", () => {
  const block = decodeHex("289c0a260a120a085f5f6e616d655f5f12066b365f767573121009020000000000f07f10fbd095ffbc31");
  assertEquals(decodeWriteRequest(block), [
    { name: "k6_vus", labels: {}, samples: [{ value: NaN, bits: STALE_BITS, atEpochMs: 1_700_000_000_123 }] },
  ]);
});

Deno.test("an encoder is empty after finish and can be used again", () => {
  const encoder = new WriteRequestEncoder({ metadata: false });
  const labels = { id: 0, labels: [] };
  encoder.addSample(kind("k6_vus"), labels, 1, 1000, 999, null);
  assertEquals(encoder.length, 1);
  const first = encoder.finish();
  assertEquals(encoder.length, 0);
  encoder.addSample(kind("k6_vus"), labels, 2, 2000, 999, null);
  const second = encoder.finish();
  assertEquals(decodeWriteRequest(first)[0]?.samples[0]?.value, 1);
  assertEquals(decodeWriteRequest(second)[0]?.samples[0]?.value, 2);
});

Deno.test("a metric is described with its first series and a minute later again", () => {
  const encoder = new WriteRequestEncoder({ metadata: true });
  const counter = {
    ...kind("k6_a_total"),
    family: { id: 0, name: "k6_a_total", type: "counter", help: "H", unit: "u" },
  };
  const described = (atEpochMs: number) => {
    for (let id = 0; id < 3; id++) {
      encoder.addSample(counter as SeriesKind, { id, labels: [["n", `${id}`]] }, 1, atEpochMs, 0, null);
    }
    return decodeRequest(encoder.finish()).metadata;
  };
  assertEquals(described(T), [{ type: 1, name: "k6_a_total", help: "H", unit: "u" }]);
  assertEquals(described(T + 5000), []);
  assertEquals(described(T + 59_999), []);
  assertEquals(described(T + 60_000).length, 1);
  assertEquals(described(T + 60_001), []);
  encoder.describeAgain();
  assertEquals(described(T + 60_002).length, 1);
});

Deno.test("a series may carry an exemplar", () => {
  const encoder = new WriteRequestEncoder({ metadata: false });
  const exemplar = { traceId: "4bf92f3577b34da6", value: 0.25, atEpochMs: T - 5 };
  encoder.addSample(kind("k6_a"), { id: 0, labels: [] }, 1, T, 0, exemplar);
  assertEquals(decodeWriteRequest(encoder.finish())[0]?.exemplars, [
    { labels: { trace_id: "4bf92f3577b34da6" }, value: 0.25, atEpochMs: T - 5 },
  ]);
});

Deno.test("__name__ and le stand where their names belong among the labels", () => {
  const encoder = new WriteRequestEncoder({ metadata: false });
  const sets = [[], [["URL", "1"]], [["URL", "1"], ["a", "1"], ["z", "1"]], [["a", "1"]], [["z", "1"]]] as const;
  for (const [id, labels] of sets.entries()) {
    encoder.addSample({ ...kind("k6_x"), id: 0 }, { id, labels }, 1, T, 0, null);
    encoder.addSample({ ...kind("k6_x"), id: 1, le: "1" }, { id, labels }, 1, T, 0, null);
  }
  assertEquals(
    decodeWriteRequest(encoder.finish()).map(({ labels }) => labels),
    sets.flatMap((labels) => [Object.fromEntries(labels), { ...Object.fromEntries(labels), le: "1" }]),
  );
});

Deno.test("label sets are kept whole however long they are and however many", () => {
  const encoder = new WriteRequestEncoder({ metadata: false });
  const lengths = [300_000, 1, 262_000, 100, 100, 262_144, 0, 50_000];
  const sets = Array.from({ length: 400 }, (_, id) => lengths[id % lengths.length]!)
    .map((length, id) => ({ id: 3 * id, labels: length === 0 ? [] : [["l", `${id}`.padEnd(length, "x")]] as const }));
  for (let request = 0; request < 2; request++) {
    for (const set of sets) {
      encoder.addSample(kind("k6_x"), set, 1, T, 0, null);
      if (encoder.length < 40) continue;
      const last = sets.indexOf(set) + 1;
      assertEquals(
        decodeWriteRequest(encoder.finish()).map(({ labels }) => labels["l"]),
        sets.slice(last - 40, last).map(({ labels }) => labels[0]?.[1]),
      );
    }
  }
});

Deno.test("every series comes back as it was added", () => {
  const value = fc.double({ noNaN: true, noDefaultInfinity: true });
  const time = fc.integer({ min: 1, max: 8_640_000_000_000_000 });
  const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 200 });
  fc.assert(fc.property(fc.array(fc.tuple(text, value, time), { maxLength: 50 }), (series) => {
    const encoder = new WriteRequestEncoder({ metadata: false });
    for (const [id, [label, value, time]] of series.entries()) {
      encoder.addSample(kind("k6_x"), { id, labels: [["l", label.toWellFormed()]] }, value, time, 0, null);
    }
    assertEquals(
      decodeWriteRequest(encoder.finish()).map(({ labels, samples: [sample] }) => [
        labels["l"],
        sample?.value,
        sample?.atEpochMs,
      ]),
      series.map(([label, value, time]) => [label.toWellFormed(), value, time]),
    );
  }));
});

function kind(name: string): SeriesKind {
  const family = { id: 0, name, type: "gauge", help: "", unit: "" } as const;
  return { id: 0, name, le: null, family, isHistogram: false };
}

function uncompressedHex(block: Uint8Array): string {
  return encodeHex(uncompress(Uint8Array.from(block)));
}
