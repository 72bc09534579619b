import { assertEquals } from "@std/assert";
import { MetricRegistry } from "../../../src/metrics/registry.ts";
import { SampleRecorder } from "../../../src/metrics/sample_recorder.ts";
import { TagSet } from "../../../src/metrics/tag_set.ts";
import type { SampleBatch } from "../../../src/metrics/types.ts";
import { JsonLines } from "../../../src/output/json/json_lines.ts";

/** Records samples as a worker does and returns the lines, parsed. */
function linesOf(samples: readonly (readonly [atEpochMs: number, value: number])[], thresholds = {}) {
  const batches: SampleBatch[] = [];
  const registry = new MetricRegistry();
  const recorder = new SampleRecorder((batch) => batches.push(registry.ingest(0, batch)));
  registry.addSubMetric("http_reqs{status:200}");
  const series = recorder.series(
    registry.metric("http_reqs")!.id,
    TagSet.root().withAll([["status", "200"], ["a", '"']]),
  );
  for (const [atEpochMs, value] of samples) recorder.record(series, atEpochMs, value);
  recorder.flush();
  const lines = new JsonLines(registry, thresholds);
  const text = batches.map((batch) => lines.encode(batch)).join("");
  return { parsed: text.trimEnd().split("\n").map((line) => JSON.parse(line)), unencodable: lines.unencodable };
}

Deno.test("a metric is introduced once, with its thresholds and sub-metrics", () => {
  const { parsed } = linesOf([[0, 1], [1, 2]], { http_reqs: ["count<10"] });
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

Deno.test("a sample has its time to the microsecond, its value and its tags in the order of their names", () => {
  const at = Date.UTC(2026, 0, 2, 3, 4, 5);
  const { parsed } = linesOf([[at, 1.5], [at + 120, 1], [at + 0.25, 1e21]]);
  const points = parsed.slice(1).map(({ data }) => data);
  assertEquals(points, [
    { time: "2026-01-02T03:04:05Z", value: 1.5, tags: { a: '"', status: "200" } },
    { time: "2026-01-02T03:04:05.12Z", value: 1, tags: { a: '"', status: "200" } },
    { time: "2026-01-02T03:04:05.00025Z", value: 1e21, tags: { a: '"', status: "200" } },
  ]);
});

Deno.test("what JSON can't hold is counted and left out", () => {
  const { parsed, unencodable } = linesOf([[0, NaN], [0, 1], [0, -Infinity]]);
  assertEquals(parsed.filter(({ type }) => type === "Point").length, 1);
  assertEquals(unencodable, 2);
});
