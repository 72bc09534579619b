import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { MetricRegistry } from "../../../src/metrics/registry.ts";
import type { MetricType, TagPairs } from "../../../src/metrics/types.ts";
import { ExportRequests } from "../../../src/output/opentelemetry/export_requests.ts";
import { Instruments } from "../../../src/output/opentelemetry/instruments.ts";
import { assertContinues, decodeExport, type ReceivedPoint } from "../../support/otlp_decoder.ts";

/** What gRPC servers accept unless told otherwise. */
const GRPC_LIMIT = 4 * 1024 * 1024;

/** Metrics of every type and unit. */
const METRICS = ["http_reqs", "data_sent", "vus", "checks", "http_req_duration"] as const;

interface Sample {
  readonly metric: string;
  readonly tags: TagPairs;
  readonly value: number;
  readonly atEpochMs: number;
}

/** Samples go in, decoded data points come out. */
class Run {
  readonly registry = new MetricRegistry(() => {});
  readonly warnings: string[] = [];
  readonly instruments = new Instruments(this.registry.series, "", (message) => this.warnings.push(message));
  readonly requests = new ExportRequests(this.instruments.all, [["service.name", "k6"]], 1_700_000_000_000);
  readonly newest = new Map<string, ReceivedPoint>();
  readonly #ids = new Map<string, number>();
  #exports = 0;

  add({ metric: name, tags, value, atEpochMs }: Sample): void {
    const metric = this.registry.metric(name)!;
    const key = JSON.stringify([name, tags]);
    const known = this.#ids.get(key);
    const id = known ?? this.#ids.size;
    this.#ids.set(key, id);
    this.instruments.addSamples(this.registry.ingest(0, {
      length: 1,
      series: Uint32Array.of(id),
      times: Float64Array.of(atEpochMs),
      values: Float64Array.of(value),
      metadata: null,
      newMetrics: [],
      newSeries: known === undefined ? [{ id, metric: metric.id, tags }] : [],
    }));
  }

  /** The sizes of the messages of one export. */
  export(): number[] {
    const sizes: number[] = [];
    const atEpochMs = 1_700_000_001_000 + ++this.#exports;
    this.requests.restart();
    for (let request; (request = this.requests.next(atEpochMs)) !== null;) {
      const { points } = decodeExport(request.body);
      assertEquals(points.length, request.points);
      sizes.push(request.body.length);
      for (const point of points) {
        const earlier = this.newest.get(point.stream);
        if (earlier !== undefined) assertContinues(earlier, point);
        this.newest.set(point.stream, point);
      }
    }
    return sizes;
  }
}

/** Tags as the registry has them: sorted, each name once. */
const tagsArbitrary: fc.Arbitrary<TagPairs> = fc
  .uniqueArray(
    fc.tuple(
      fc.string({ unit: "grapheme", minLength: 1, maxLength: 5 }),
      fc.constantFrom("", "a", "é", "😀", "x y\n", "condition"),
    ),
    { maxLength: 4, selector: ([name]) => name },
  )
  .map((tags) => tags.toSorted(([a], [b]) => a < b ? -1 : 1));

const sampleArbitrary: fc.Arbitrary<Sample> = fc.record({
  metric: fc.constantFrom(...METRICS),
  tags: fc.constantFrom<TagPairs[]>([], [["a", ""]], [["a", "1"]], [["a", "1"], ["b", ""]], [["a", "2"]])
    .chain((few) => fc.oneof({ weight: 4, arbitrary: fc.constant(few) }, { weight: 1, arbitrary: tagsArbitrary })),
  value: fc.oneof(fc.constantFrom(0, 1, 5, 5.0001, 10_000, 10_001), fc.double({ min: 0, max: 20_000, noNaN: true })),
  atEpochMs: fc.integer({ min: 1_700_000_000_000, max: 1_700_000_001_000 }),
});

/** What an export must say of samples: the model against which the code is held. */
function expected(samples: readonly Sample[]): Map<string, { value: number; count: number }> {
  const totals = new Map<string, { value: number; count: number; atEpochMs: number }>();
  for (const { metric, tags, value, atEpochMs } of samples) {
    const type = typeOf(metric);
    const attributes = Object.fromEntries(tags.filter(([name, text]) => text !== "" && name !== "condition"));
    const name = type === "rate" ? `${metric}.total` : metric;
    if (type === "rate") attributes["condition"] = value === 0 ? "zero" : "nonzero";
    const all = type === "rate" ? attributes : Object.fromEntries(tags.filter(([, text]) => text !== ""));
    const stream = name + JSON.stringify(Object.entries(all).sort());
    const total = totals.get(stream) ?? { value: 0, count: 0, atEpochMs: -Infinity };
    totals.set(stream, total);
    total.count++;
    if (type === "rate") total.value++;
    else if (type !== "gauge") total.value += value;
    else if (atEpochMs >= total.atEpochMs) Object.assign(total, { value, atEpochMs });
  }
  return new Map(Array.from(totals, ([stream, { value, count }]) => [stream, { value, count }]));
}

function typeOf(metric: string): MetricType {
  return new MetricRegistry(() => {}).metric(metric)!.type;
}

Deno.test("what a receiver decodes equals the sums of all samples, in every export", () => {
  fc.assert(
    fc.property(fc.array(fc.array(sampleArbitrary, { maxLength: 40 }), { minLength: 1, maxLength: 4 }), (rounds) => {
      const run = new Run();
      const samples: Sample[] = [];
      for (const round of rounds) {
        for (const sample of round) run.add(sample);
        samples.push(...round);
        run.export();
        const model = expected(samples);
        assertEquals(new Set(run.newest.keys()), new Set(model.keys()));
        for (const [stream, { value, count }] of model) {
          const point = run.newest.get(stream)!;
          assertEquals(point.value, value, stream);
          if (point.histogram !== null) assertEquals(point.histogram.count, count);
        }
      }
    }),
    { numRuns: 60 },
  );
});

Deno.test("a bucket holds the values up to its bound, the bound included", () => {
  fc.assert(
    fc.property(fc.double({ noDefaultInfinity: true, noNaN: true, min: -1, max: 12_000 }), (value) => {
      const run = new Run();
      run.add({ metric: "http_req_duration", tags: [], value, atEpochMs: 0 });
      run.export();
      const { bounds, bucketCounts } = Array.from(run.newest.values())[0]!.histogram!;
      const bucket = bucketCounts.indexOf(1);
      assertEquals(value > (bounds[bucket - 1] ?? -Infinity) && value <= (bounds[bucket] ?? Infinity), true);
    }),
  );
});

Deno.test("an export of many series is split below gRPC's limit, and holds each once", () => {
  const run = new Run();
  for (let i = 0; i < 10_000; i++) {
    run.add({ metric: "http_req_duration", tags: [["name", `item ${i}`]], value: i, atEpochMs: 0 });
  }
  const sizes = run.export();
  assertEquals(run.newest.size, 10_000);
  assertEquals(sizes.length > 1 && sizes.every((size) => size < GRPC_LIMIT), true, String(sizes));
});

Deno.test("a series too large for any receiver is alone in its message", () => {
  const run = new Run();
  const tagsOf = (value: string): TagPairs => [["name", value]];
  for (const value of ["a", "b".repeat(5 * 1024 * 1024), "c"]) {
    run.add({ metric: "http_reqs", tags: tagsOf(value), value: 1, atEpochMs: 0 });
  }
  const sizes = run.export();
  assertEquals(run.newest.size, 3);
  assertEquals(sizes.filter((size) => size > GRPC_LIMIT).length, 1);
  assertEquals(sizes.filter((size) => size < 1000).length, 2);
});

Deno.test("values that are no numbers are left out, which is said once a metric; a series of such values is not sent", () => {
  const run = new Run();
  for (const value of [NaN, Infinity, NaN, 2]) run.add({ metric: "http_reqs", tags: [], value, atEpochMs: 0 });
  run.add({ metric: "vus", tags: [], value: NaN, atEpochMs: 0 });
  run.export();
  assertEquals(Array.from(run.newest.values(), ({ metric, value }) => [metric, value]), [["http_reqs", 2]]);
  assertEquals(run.warnings, [
    'metric "http_reqs": a value is NaN: such values are left out',
    'metric "http_reqs": a value is Infinity: such values are left out',
    'metric "vus": a value is NaN: such values are left out',
  ]);
});

Deno.test("a counter's negative value counts, with a warning", () => {
  const run = new Run();
  for (const value of [5, -2, -1]) run.add({ metric: "http_reqs", tags: [], value, atEpochMs: 0 });
  run.add({ metric: "vus", tags: [], value: -1, atEpochMs: 0 });
  run.export();
  assertEquals(Array.from(run.newest.values(), ({ value }) => value), [2, -1]);
  assertEquals(run.warnings.length, 1);
});

Deno.test("a Rate's tag condition gives way to the attribute that tells zeros from others", () => {
  const run = new Run();
  run.add({ metric: "checks", tags: [["condition", "mine"]], value: 1, atEpochMs: 0 });
  run.add({ metric: "checks", tags: [["condition", "yours"]], value: 1, atEpochMs: 0 });
  run.export();
  assertEquals(Array.from(run.newest.values(), ({ attributes, value }) => ({ attributes, value })), [
    { attributes: { condition: "nonzero" }, value: 2 },
  ]);
  assertEquals(run.warnings.length, 1);
});

Deno.test("halves of surrogate pairs in tags become valid text, and what becomes the same is one stream", () => {
  const run = new Run();
  for (const value of ["\ud800", "\udc00", "\ufffd"]) {
    run.add({ metric: "http_reqs", tags: [["name", value]], value: 1, atEpochMs: 0 });
  }
  run.add({ metric: "http_reqs", tags: [["\ud800", "a"], ["\udc00", "b"]], value: 1, atEpochMs: 0 });
  run.export();
  assertEquals(Array.from(run.newest.values(), ({ attributes, value }) => ({ attributes, value })), [
    { attributes: { name: "\ufffd" }, value: 3 },
    { attributes: { "\ufffd": "b" }, value: 1 },
  ]);
});
