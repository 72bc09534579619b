import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { MetricRegistry } from "../../../src/metrics/registry.ts";
import { JsonFormat, type ThresholdSources } from "../../../src/output/json/json_format.ts";
import { type Sample, textOf } from "../file/sample_text.ts";

const TAGS = [["a", '"'], ["status", "200"]] as const;

/** The lines of samples, parsed. */
function linesOf(samples: readonly Sample[], thresholds: ThresholdSources = {}) {
  const registry = new MetricRegistry();
  registry.addSubMetric("http_reqs{status:200}");
  const { text, nonFinite } = textOf(samples, new JsonFormat(thresholds), registry);
  return { text, nonFinite, parsed: text.trimEnd().split("\n").map((line) => JSON.parse(line)) };
}

Deno.test("a metric is introduced once, with its thresholds and sub-metrics", () => {
  const { parsed } = linesOf([{ value: 1, tags: TAGS }, { value: 2 }], { http_reqs: ["count<10"] });
  assertEquals(parsed.map(({ type }) => type), ["Metric", "Point", "Point"]);
  assertEquals(parsed[0], {
    type: "Metric",
    data: {
      name: "http_reqs",
      type: "counter",
      contains: "default",
      thresholds: ["count<10"],
      submetrics: [{ name: "http_reqs{status:200}", suffix: "status:200", tags: { status: "200" } }],
    },
    metric: "http_reqs",
  });
});

Deno.test("a threshold is an object where it can end the test, and a text elsewhere", () => {
  const aborting = { threshold: "count<10", abortOnFail: true, delayAbortEval: "10s" };
  const delayed = { threshold: "rate<5", abortOnFail: false, delayAbortEval: "10s" };
  const { parsed } = linesOf([{ value: 1 }], { http_reqs: ["count<99", aborting, delayed] });
  assertEquals(parsed[0].data.thresholds, ["count<99", aborting, "rate<5"]);
});

Deno.test("a sample's line is k6's to the byte", () => {
  const at = Date.UTC(2026, 0, 2, 3, 4, 5);
  const { text } = linesOf([{ value: 1.5, atEpochMs: at + 120, tags: [["a", "<&>"], ["b", "é"]] }]);
  assertEquals(
    text.split("\n")[1]!.replace(/T..:..:/, "T").replace(/[+-]..:..",/, 'Z",'),
    '{"metric":"http_reqs","type":"Point","data":{"time":"2026-01-02T05.12Z","value":1.5,"tags":{"a":"<&>","b":"é"}}}',
  );
});

Deno.test("a sample has its time to the microsecond, its value and its tags in the order of their names", () => {
  const at = Date.UTC(2026, 0, 2, 3, 4, 5);
  const { parsed } = linesOf([
    { atEpochMs: at, value: 1.5, tags: TAGS },
    { atEpochMs: at + 120, value: 1, tags: TAGS },
    { atEpochMs: at + 0.25, value: 1e21, tags: TAGS },
  ]);
  const points = parsed.slice(1).map(({ data }) => ({ ...data, time: at - Date.parse(data.time) }));
  assertEquals(points, [
    { time: 0, value: 1.5, tags: { a: '"', status: "200" } },
    { time: -120, value: 1, tags: { a: '"', status: "200" } },
    { time: 0, value: 1e21, tags: { a: '"', status: "200" } },
  ]);
});

Deno.test("metadata stands beside the tags of the samples that have any", () => {
  const { parsed } = linesOf([{ value: 1, metadata: [["trace_id", "é"], ["vu", "7"]] }, { value: 2 }]);
  assertEquals(parsed.slice(1).map(({ data }) => data.metadata), [{ trace_id: "é", vu: "7" }, undefined]);
});

Deno.test("what JSON can't hold is counted and left out", () => {
  const { parsed, nonFinite } = linesOf([{ value: NaN }, { value: 1 }, { value: -Infinity }]);
  assertEquals(parsed.filter(({ type }) => type === "Point").length, 1);
  assertEquals(nonFinite, 2);
});

Deno.test("any tags and values come back as they were, however long", () => {
  const name = fc.string({ unit: "binary", minLength: 1 }).filter((text) =>
    text.isWellFormed() && text !== "__proto__"
  );
  const tags = fc.dictionary(name, fc.string({ unit: "binary" }).filter((text) => text.isWellFormed()))
    .map((each) => Object.entries(each).sort(([a], [b]) => a < b ? -1 : 1));
  const value = fc.double({ noNaN: true, noDefaultInfinity: true });
  fc.assert(fc.property(fc.array(fc.record({ tags, value, metadata: tags }), { maxLength: 20 }), (samples) => {
    const points = textOf(samples, new JsonFormat({})).text.trimEnd().split("\n").filter((line) => line !== "")
      .map((line) => JSON.parse(line)).filter(({ type }) => type === "Point");
    assertEquals(
      points.map(({ data }) => [Object.entries(data.tags).sort(), data.value, Object.entries(data.metadata).sort()]),
      samples.map(({ tags, value, metadata }) => [tags.toSorted(), value + 0, metadata.toSorted()]),
    );
  }));
});

Deno.test("a line longer than a buffer is written whole", () => {
  const long = "x".repeat(3 << 20);
  const { parsed } = linesOf([{ value: 1 }, { value: 2, tags: [["long", long]] }, { value: 3 }]);
  assertEquals(parsed.map(({ data }) => data.value), [undefined, 1, 2, 3]);
  assertEquals(parsed[2].data.tags.long, long);
});
