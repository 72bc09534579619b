import { assertEquals } from "@std/assert";
import { SampleRecorder } from "../../src/metrics/sample_recorder.ts";
import { TagSet } from "../../src/metrics/tag_set.ts";
import type { SampleBatch } from "../../src/metrics/types.ts";

Deno.test("samples carry the metadata of their moment, each set once in a batch", () => {
  const batches: SampleBatch[] = [];
  const recorder = new SampleRecorder((batch) => batches.push(batch));
  const series = recorder.series(0, TagSet.root());
  const first = [["trace", "a"]] as const;
  recorder.record(series, 1, 1);
  recorder.metadata = first;
  recorder.record(series, 2, 2);
  recorder.record(series, 3, 3);
  recorder.metadata = [["trace", "b"]];
  recorder.record(series, 4, 4);
  recorder.metadata = null;
  recorder.record(series, 5, 5);
  recorder.flush();
  recorder.record(series, 6, 6);
  recorder.flush();
  assertEquals(batches[0]!.metadata, {
    column: new Uint32Array([0, 1, 1, 2, 0]),
    sets: [[["trace", "a"]], [["trace", "b"]]],
  });
  assertEquals(batches[1]!.metadata, null);
});
