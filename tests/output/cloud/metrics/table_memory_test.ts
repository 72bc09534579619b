import { assert, assertEquals } from "@std/assert";
import { MemoryPieces, TableMemory } from "../../../../src/output/cloud/metrics/table_memory.ts";
import { CloudRun } from "./cloud_run.ts";

Deno.test("memory that was given up is used again, and empty", () => {
  const pieces = new MemoryPieces();
  const first = new TableMemory(pieces);
  const at = first.allocate(100);
  const { piece } = first;
  piece.fill(1, at, at + 100);
  first.giveUp();

  const second = new TableMemory(pieces);
  assertEquals(second.allocate(100), 0);
  assert(second.piece === piece);
  assert(piece.every((number) => number === 0));
});

Deno.test("no two have the same memory", () => {
  const pieces = new MemoryPieces();
  const [first, second] = [new TableMemory(pieces), new TableMemory(pieces)];
  first.allocate(8);
  first.giveUp();
  first.giveUp();
  first.allocate(8);
  second.allocate(8);
  assert(first.piece !== second.piece);
});

Deno.test("a table that is larger than a piece has room", () => {
  const memory = new TableMemory();
  const at = memory.allocate(1 << 16);
  assert(memory.piece.length >= at + (1 << 16));
});

Deno.test("a histogram counts nothing of the messages before", () => {
  const run = new CloudRun();
  const latencies = Array.from({ length: 500 }, (_, i) => 1.01 ** i);
  for (let message = 0; message < 3; message++) {
    run.add(...latencies.map((value) => ({ metric: "http_req_duration", value })));
    const [set] = run.received(run.windows.takeAll());
    const [{ counters } = { counters: [] }] = set?.metrics[0]?.timeSeries[0]?.trendHdrSamples?.values ?? [];
    assertEquals(counters.reduce((sum, count) => sum + count, 0), latencies.length);
  }
});
