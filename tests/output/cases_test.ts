/** What every output must get right, whatever it speaks: one table of cases, run against all of them. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { BUILTIN_METRIC_IDS } from "../../src/metrics/builtin.ts";
import { MetricRegistry } from "../../src/metrics/registry.ts";
import type { SampleBatch, TagPairs } from "../../src/metrics/types.ts";
import { OutputError } from "../../src/output/output.ts";
import { drivers, type Target } from "./support/drivers.ts";
import { TcpGate } from "./support/gate.ts";
import { OutputRun } from "./support/output_run.ts";
import { ANY_TEXTS } from "./support/texts.ts";

for (const driver of drivers) {
  const { name, unstartable, tagText } = driver;

  if (unstartable !== null) {
    Deno.test(`${name}: what can't start says why in one line, and can be stopped`, async () => {
      const run = new OutputRun(unstartable);
      const { message } = await assertRejects(() => run.output.start(), OutputError);
      assert(!message.includes("\n") && message.length > 10, message);
      await run.stop();
    });
  }

  Deno.test(`${name}: a run without samples brings none and nothing to complain of`, async () => {
    await using target = await driver.target();
    const run = await started(target);
    await run.stop();
    assertEquals(run.complaints, []);
    assertEquals(await target.total(), 0);
  });

  Deno.test(`${name}: while a flush hangs samples are taken, and all arrive when it goes on`, async () => {
    await using target = await driver.target();
    target.gate.hold();
    const run = await started(target);
    run.addMany(10);
    await target.gate.reached();
    for (let i = 0; i < 100; i++) run.addMany(10);
    target.gate.release();
    await run.stop();
    assertEquals(run.errors, []);
    assertEquals(await target.total(), 1010);
  });

  Deno.test(`${name}: a stop while a flush hangs waits for it and delivers the rest`, async () => {
    await using target = await driver.target();
    target.gate.hold();
    const run = await started(target);
    run.addMany(10);
    await target.gate.reached();
    run.addMany(5);
    const stopped = run.stop();
    target.gate.release();
    await stopped;
    assertEquals(run.errors, []);
    assertEquals(await target.total(), 15);
  });

  Deno.test(`${name}: when the way is cut the output complains, throws nothing and stops`, async () => {
    await using target = await driver.target();
    const run = await started(target);
    target.gate.cut();
    run.addMany(5000);
    await run.complained(/./);
    run.addMany(1);
    if (target.gate instanceof TcpGate) target.gate.mend();
    await run.stop();
    for (const line of run.complaints) assert(!line.includes("\n"), line);
    if (target.gate instanceof TcpGate) assertEquals(await target.total(), 5001, run.complaints.join("\n"));
  });

  Deno.test(`${name}: a million samples at once arrive`, async () => {
    await using target = await driver.target();
    const run = await started(target);
    run.addMany(1_000_000);
    await run.stop();
    assertEquals(run.errors, []);
    assertEquals(await target.total(), 1_000_000);
  });

  Deno.test(`${name}: a hundred thousand series arrive`, async () => {
    await using target = await driver.target();
    const { registry, batch } = manySeries();
    const run = await started(target, registry);
    run.output.addSamples(batch);
    // Not left to the end, whose time is limited, whatever the machine.
    await until(() => (target.points() ?? Infinity) >= batch.length);
    await run.stop();
    assertEquals(run.errors, []);
    assertEquals(await target.total(), 100_000);
  });

  Deno.test(`${name}: NaN and infinite values spoil no other sample`, async () => {
    await using target = await driver.target();
    const run = await started(target);
    const values = [1, NaN, 2, Infinity, 4, -Infinity, 8];
    run.addAll(values.map((value) => ({ value })));
    for (const metric of ["http_req_duration", "vus", "checks", "data_sent"]) {
      run.addAll([...values, 1e308, 5e-324, -0, -1].map((value) => ({ metric, value })));
    }
    await run.stop();
    assertEquals(await target.total(), 15);
  });

  Deno.test(`${name}: tags may hold any text`, async () => {
    await using target = await driver.target();
    const run = await started(target);
    const tags = ANY_TEXTS.flatMap((text, i) =>
      [
        [["id", `value ${i}`], ["v", text]],
        [["id", `name ${i}`], [text, "x"]],
      ] as TagPairs[]
    );
    run.addAll(tags.map((pairs) => ({ tags: pairs })));
    await run.stop();
    assertEquals(run.errors, []);
    const series = await target.series();
    assertEquals(series.reduce((sum, each) => sum + each.sum, 0), tags.length);
    if (tagText === null) return;
    const arrived = new Map(series.map(({ tags }) => [tags["id"], tags["v"]]));
    ANY_TEXTS.forEach((text, i) =>
      assertEquals(arrived.get(`value ${i}`)?.toWellFormed(), tagText(text), JSON.stringify(text))
    );
  });

  Deno.test(`${name}: series with random tags arrive`, async () => {
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 6 }),
      fc.string({ unit: fc.constantFrom(..."\\,=; \n\"'&<\u00fc\ud83d\udc00\ud800\0\r\t#_0a"), maxLength: 6 }),
    );
    const tags = fc.uniqueArray(fc.tuple(text.filter((tag) => tag !== ""), text), {
      selector: ([tag]) => tag,
      maxLength: 4,
    });
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(tags, { selector: asJson, minLength: 100, maxLength: 200 }), async (all) => {
        await using target = await driver.target();
        const run = await started(target);
        const samples = all.map((pairs) => ({ tags: pairs.toSorted(([a], [b]) => a < b ? -1 : 1) }));
        run.addAll(samples);
        run.addAll(samples);
        await run.stop();
        assertEquals(run.errors, []);
        const series = await target.series();
        assertEquals(series.reduce((sum, each) => sum + each.sum, 0), 2 * all.length);
      }),
      { numRuns: 5 },
    );
  });

  Deno.test(`${name}: empty tags and tags whose names coincide lose no sample`, async () => {
    await using target = await driver.target();
    const run = await started(target);
    const tags: TagPairs[] = [
      [["a", ""], ["b", "1"]],
      [["a", ""]],
      [["a-b", "1"], ["a.b", "2"], ["a_b", "3"]],
      [["a-b", "1"], ["a.b", "other"], ["a_b", "3"]],
      [["__name__", "other"], ["le", "1"], ["time", "2"], ["value", "3"], ["metric", "4"]],
      [["time", "1"], ["time_", "2"]],
    ];
    run.addAll(tags.map((pairs) => ({ tags: pairs })));
    run.addAll(tags.map((pairs) => ({ tags: pairs })));
    await run.stop();
    assertEquals(run.errors, []);
    assertEquals((await target.series()).reduce((sum, each) => sum + each.sum, 0), 2 * tags.length);
  });
}

Deno.test("while every target hangs, memory is bounded and no output holds up another", async () => {
  const targets = await Promise.all(drivers.map(({ target }) => target()));
  const registry = new MetricRegistry(() => {});
  const runs = await Promise.all(targets.map((target) => started(target, registry)));
  for (const run of runs) run.addMany(1);
  for (const { gate } of targets) gate.hold();
  await Promise.all(targets.map(({ gate }) => gate.reached()));
  const before = memoryBytes();
  for (let i = 0; i < 100; i++) {
    const batch = largeBatch();
    for (const { output } of runs) output.addSamples(batch);
    // Between batches outputs do what they can.
    if (i % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
  }
  // 500 MB went in.
  await until(() => memoryBytes() - before < 300e6);
  for (const { gate } of targets) gate.cut();
  for (const { gate } of targets) if (gate instanceof TcpGate) gate.mend();
  await Promise.all(runs.map((run) => run.stop()));
  for (const target of targets) await target[Symbol.asyncDispose]();
});

async function started(target: Target, registry?: MetricRegistry): Promise<OutputRun> {
  const run = new OutputRun(target.spec, {}, registry);
  target.open();
  await run.output.start();
  return run;
}

function asJson(value: unknown): string {
  return JSON.stringify(value);
}

/** Waits for something that nobody tells of. */
async function until(condition: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 60_000; !condition();) {
    assert(Date.now() < deadline, `not within a minute: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** A batch of 100,000 samples, each of a series of its own; made once, because that takes long. */
function manySeries(): { readonly registry: MetricRegistry; readonly batch: SampleBatch } {
  if (madeSeries !== undefined) return madeSeries;
  const registry = new MetricRegistry(() => {});
  const length = 100_000;
  const batch = registry.ingest(0, {
    length,
    series: Uint32Array.from({ length }, (_, i) => i),
    times: new Float64Array(length).fill(Date.now()),
    values: new Float64Array(length).fill(1),
    metadata: null,
    newMetrics: [],
    newSeries: Array.from({ length }, (_, id) => ({
      id,
      metric: BUILTIN_METRIC_IDS.http_reqs,
      tags: [["id", String(id)], ["method", "GET"]],
    })),
  });
  return madeSeries = { registry, batch };
}

let madeSeries: ReturnType<typeof manySeries> | undefined;

/** 250,000 samples, 5 MB, of the first series. */
function largeBatch(): SampleBatch {
  const length = 250_000;
  return {
    length,
    series: new Uint32Array(length),
    times: new Float64Array(length).fill(Date.now()),
    values: new Float64Array(length),
    metadata: null,
    newMetrics: [],
    newSeries: [],
  };
}

function memoryBytes(): number {
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}
