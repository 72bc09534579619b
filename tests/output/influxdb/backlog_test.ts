import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { SampleBatch } from "../../../src/metrics/types.ts";
import { Backlog } from "../../../src/output/influxdb/backlog.ts";

Deno.test("samples come out once each, in the order in which they went in", () => {
  const steps = fc.array(fc.record({ add: fc.nat(9), take: fc.nat(12) }), { maxLength: 60 });
  fc.assert(fc.property(steps, (all) => {
    const backlog = new Backlog(1e6);
    const taken: number[] = [];
    let added = 0;
    const take = (most: number) => {
      const before = taken.length;
      for (const { batch, from, to } of backlog.take(most)) taken.push(...batch.values.subarray(from, to));
      assert(taken.length - before <= most);
    };
    for (const step of all) {
      backlog.add(batchOf(step.add, added));
      added += step.add;
      take(step.take);
      assertEquals(backlog.length, added - taken.length);
    }
    take(Infinity);
    assertEquals(taken, Array.from({ length: added }, (_, i) => i));
  }));
});

Deno.test("a full backlog drops what comes and counts it, until there is room again", () => {
  const backlog = new Backlog(100);
  backlog.add(batchOf(1000, 0));
  backlog.add(batchOf(10, 0));
  assertEquals([backlog.length, backlog.dropped], [1000, 10]);
  backlog.take(950);
  backlog.add(batchOf(10, 0));
  assertEquals([backlog.length, backlog.dropped], [60, 10]);
});

Deno.test("short batches count for the memory that they take", () => {
  const backlog = new Backlog(1000);
  for (let i = 0; i < 1000; i++) backlog.add(batchOf(1, i));
  assert(backlog.length < 40, `${backlog.length}`);
  assertEquals(backlog.length + backlog.dropped, 1000);
});

function batchOf(length: number, first: number): SampleBatch {
  return {
    length,
    series: new Uint32Array(length),
    times: new Float64Array(length),
    values: Float64Array.from({ length }, (_, i) => first + i),
    metadata: null,
    newMetrics: [],
    newSeries: [],
  };
}
