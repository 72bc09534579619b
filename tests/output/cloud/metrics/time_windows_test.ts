import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { ClosedWindow } from "../../../../src/output/cloud/metrics/time_windows.ts";
import type { SeriesValue } from "../../../../src/output/cloud/metrics/values.ts";
import { CloudRun, PERIOD_MS, T, WAIT_MS } from "./cloud_run.ts";

const SECOND = 1000;
const START = T / SECOND;

Deno.test("a window has its values of its own time only, as far as the last fraction of a millisecond", () => {
  const run = new CloudRun();
  const end = T + PERIOD_MS;
  run.add({ value: 1, atEpochMs: T }, { value: 2, atEpochMs: end - 2 ** -12 }, { value: 4, atEpochMs: end });
  assertEquals(counted(run.windows.takeAll()), [[START, 3], [START + 3, 4]]);
});

Deno.test("a time is never taken for that of another window, however long windows are", () => {
  const periods = fc.integer({ min: 1, max: 3600 });
  const times = fc.double({ min: 1e12, max: 4e12, noNaN: true });
  fc.assert(fc.property(periods, times, fc.integer({ min: -2, max: 2 }), (seconds, near, steps) => {
    const periodMs = seconds * SECOND;
    const border = Math.floor(near / periodMs) * periodMs;
    const atEpochMs = border + steps * 2 ** -11;
    const run = new CloudRun(periodMs);
    run.add({ atEpochMs });
    const [{ startSeconds } = { startSeconds: NaN }] = run.windows.takeAll();
    assertEquals(startSeconds * SECOND, atEpochMs < border ? border - periodMs : border);
  }));
});

Deno.test("a window is open until its wait is over, counted from its beginning", () => {
  const run = new CloudRun();
  run.add({ value: 1 });
  assertEquals(counted(run.windows.takeClosed(T + WAIT_MS - 0.5)), []);
  run.add({ value: 2 });
  assertEquals(counted(run.windows.takeClosed(T + WAIT_MS)), [[START, 3]]);
  assertEquals(counted(run.windows.takeAll()), []);
});

Deno.test("windows come in the order of their times, the open ones stay", () => {
  const run = new CloudRun();
  for (const offset of [3, 0, -6, 6]) run.add({ atEpochMs: T + offset * SECOND });
  const first = counted(run.windows.takeClosed(T + WAIT_MS));
  assertEquals(first.map(([start]) => start), [START - 6, START]);
  assertEquals(counted(run.windows.takeAll()).map(([start]) => start), [START + 3, START + 6]);
});

Deno.test("a sample that comes after its window opens it again, with a value of its own", () => {
  const run = new CloudRun();
  run.add({ value: 5 });
  assertEquals(counted(run.windows.takeClosed(T + WAIT_MS)), [[START, 5]]);
  run.add({ value: 7 });
  assertEquals(counted(run.windows.takeClosed(T + WAIT_MS + 1)), [[START, 7]]);
});

Deno.test("a window that was taken is left alone by what comes later", () => {
  const run = new CloudRun();
  run.add({ value: 5 });
  const taken = run.windows.takeAll();
  run.add({ value: 7 });
  assertEquals(counted(taken), [[START, 5]]);
});

Deno.test("no value counts what another window has", () => {
  const run = new CloudRun();
  for (const offset of [0, 3, 6, 3, 0]) run.add({ value: 1, atEpochMs: T + offset * SECOND });
  assertEquals(counted(run.windows.takeAll()), [[START, 2], [START + 3, 2], [START + 6, 1]]);
});

Deno.test("a gauge tells its newest value, whatever the order in which samples come, and the spread", () => {
  const run = new CloudRun();
  run.add(
    { metric: "vus", value: -2, atEpochMs: T + 1 },
    { metric: "vus", value: -8, atEpochMs: T + 3 },
    { metric: "vus", value: -5, atEpochMs: T + 2 },
  );
  const [gauge] = valuesOf(run.windows.takeAll());
  assertEquals(gauge?.type === "gauge" && [gauge.last, gauge.min, gauge.max, gauge.sum, gauge.count], [
    ...[-8, -8, -2, -15, 3],
  ]);
});

Deno.test("a rate counts what isn't zero", () => {
  const run = new CloudRun();
  for (const value of [1, 0, 0.5, 0, 0]) run.add({ metric: "checks", value });
  const [rate] = valuesOf(run.windows.takeAll());
  assertEquals(rate?.type === "rate" && [rate.nonzero, rate.total], [2, 5]);
});

Deno.test("values that are no numbers are left out, with one warning for a metric", () => {
  const run = new CloudRun();
  for (const value of [NaN, 1, Infinity]) run.add({ value }, { metric: "http_req_duration", value });
  const values = valuesOf(run.windows.takeAll());
  assertEquals(
    values.map((value) => value.type === "trend" ? value.histogram.sum : value.type === "counter" && value.sum),
    [
      ...[1, 1],
    ],
  );
  assertEquals(run.warnings, [
    'metric "http_reqs": a value is NaN: such values are left out',
    'metric "http_req_duration": a value is NaN: such values are left out',
  ]);
});

Deno.test("nothing but such values makes no window", () => {
  const run = new CloudRun();
  run.add({ value: NaN });
  assertEquals(run.windows.takeAll(), []);
});

Deno.test("tags of reserved names are discarded, with one warning for each; series that they told apart are one", () => {
  const run = new CloudRun();
  run.add(
    { tags: [["method", "GET"]], value: 1 },
    { tags: [["__name__", "x"], ["method", "GET"]], value: 2 },
    { tags: [["method", "GET"], ["test_run_id", "7"]], value: 4 },
    { tags: [["__name__", "y"], ["method", "GET"]], value: 8 },
  );
  const values = valuesOf(run.windows.takeAll());
  assertEquals(values.map(({ series }) => series.labels.labels), [[["method", "GET"]]]);
  assertEquals(values.map((value) => value.type === "counter" && value.sum), [15]);
  assertEquals(run.warnings, [
    'Tag "__name__" has been discarded since it is reserved for Cloud operations.',
    'Tag "test_run_id" has been discarded since it is reserved for Cloud operations.',
  ]);
});

Deno.test("empty values of tags are kept, and halves of surrogate pairs replaced", () => {
  const run = new CloudRun();
  run.add({ tags: [["a\ud800", "x\udc00"], ["group", ""]] });
  const [value] = valuesOf(run.windows.takeAll());
  assertEquals(value?.series.labels.labels, [["a\ufffd", "x\ufffd"], ["group", ""]]);
});

Deno.test("a hundred thousand series have their values, also those that come when a window is open", () => {
  const run = new CloudRun();
  run.add({ tags: [["i", "first"]] });
  run.add(...Array.from({ length: 100_000 }, (_, i) => ({ tags: [["i", String(i)]] as const, value: i })));
  run.add({ tags: [["i", "99999"]], value: 1 });
  const values = valuesOf(run.windows.takeAll());
  assertEquals(values.length, 100_001);
  const last = values.at(-1);
  assertEquals(last?.type === "counter" && last.sum, 100_000);
});

function valuesOf(windows: readonly ClosedWindow[]): SeriesValue[] {
  return windows.flatMap(({ values }) => values);
}

/** Of each window when it began, and the sum of its counter. */
function counted(windows: readonly ClosedWindow[]): [startSeconds: number, sum: number][] {
  return windows.map(({ startSeconds, values }) => {
    assertEquals(values.map((value) => value.startSeconds), values.map(() => startSeconds));
    const [counter] = values;
    if (counter?.type !== "counter" || values.length !== 1) throw new Error("expected one counter");
    return [startSeconds, counter.sum];
  });
}
