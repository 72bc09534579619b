import { assertEquals, assertRejects } from "@std/assert";
import { RunningOutputs } from "../../src/engine/running_outputs.ts";
import type { SampleBatch } from "../../src/metrics/types.ts";
import { type Output, OutputError } from "../../src/output/output.ts";
import { CLEAN_END } from "../output/support/run_facts.ts";

Deno.test("an output that throws is given nothing more, and the others get every batch", async () => {
  const [first, second, third] = [new RecordingOutput(), new RecordingOutput(), new RecordingOutput()];
  second.addSamples = () => {
    throw new Error("out of order");
  };
  const { outputs, errors } = running([first, second, third]);
  await outputs.start();
  for (const length of [1, 2, 3]) outputs.addSamples(batch(length));
  await outputs.stop(CLEAN_END);
  assertEquals(first.lengths, [1, 2, 3]);
  assertEquals(third.lengths, [1, 2, 3]);
  assertEquals(errors, ["output recording failed and gets no more samples: out of order"]);
  assertEquals(second.stops, 1);
});

Deno.test("outputs start at the same time", async () => {
  const [first, second] = [new RecordingOutput(), new RecordingOutput()];
  const secondStarts = Promise.withResolvers<void>();
  first.start = () => secondStarts.promise;
  second.start = () => Promise.resolve(secondStarts.resolve());
  const { outputs } = running([first, second]);
  await outputs.start();
});

Deno.test("an output that can't start says why", async () => {
  const broken = new RecordingOutput();
  broken.start = () => Promise.reject(new OutputError("no such folder"));
  const { outputs } = running([new RecordingOutput(), broken]);
  await assertRejects(() => outputs.start(), OutputError, "no such folder");
  await outputs.stop(CLEAN_END);
});

Deno.test("an output that never starts, or never stops, is waited for no longer than the limit", async () => {
  const [hanging, healthy] = [new RecordingOutput(), new RecordingOutput()];
  hanging.start = hanging.stop = () => new Promise(() => {});
  const { outputs, errors } = running([hanging, healthy], 1);
  await assertRejects(() => outputs.start(), OutputError, "output recording did not start within 0.001 s");
  await outputs.stop(CLEAN_END);
  assertEquals(healthy.stops, 1);
  assertEquals(errors, ["output recording did not stop within 0.001 s: what it had not delivered by then is lost"]);
});

Deno.test("an output that fails to stop keeps no other from stopping", async () => {
  const [broken, healthy] = [new RecordingOutput(), new RecordingOutput()];
  broken.stop = () => Promise.reject(new Error("lost"));
  const { outputs, errors } = running([broken, healthy]);
  await outputs.start();
  await outputs.stop(CLEAN_END);
  assertEquals(healthy.stops, 1);
  assertEquals(errors, ["output recording failed to stop: lost"]);
});

function running(outputs: readonly Output[], limitMs = 30_000) {
  const errors: string[] = [];
  const log = { debug() {}, info() {}, warn() {}, error: (message: string) => errors.push(message) };
  return { outputs: new RunningOutputs(outputs, log, { startMs: limitMs, stopMs: limitMs }), errors };
}

class RecordingOutput implements Output {
  readonly description = "recording";
  readonly lengths: number[] = [];
  stops = 0;

  start(): Promise<void> {
    return Promise.resolve();
  }

  addSamples({ length }: SampleBatch): void {
    this.lengths.push(length);
  }

  stop(): Promise<void> {
    this.stops++;
    return Promise.resolve();
  }
}

function batch(length: number): SampleBatch {
  return {
    length,
    series: new Uint32Array(length),
    times: new Float64Array(length),
    values: new Float64Array(length),
    metadata: null,
    newMetrics: [],
    newSeries: [],
  };
}
