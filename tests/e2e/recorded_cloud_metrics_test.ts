/** What k6's own cloud output sent for a script, kept as it came, against what k6d makes of its samples of the same script. */

import { assertEquals } from "@std/assert";
import { uncompress } from "snappyjs";
import type { MetricType } from "../../src/metrics/types.ts";
import { bucketIndex } from "../../src/output/cloud/metrics/histogram.ts";
import { CloudRun } from "../output/cloud/metrics/cloud_run.ts";
import { bucketsOf, readProtobuf, type ReceivedSeries, type ReceivedSet } from "../support/cloud_metrics_reader.ts";
import { startTarget } from "../support/target.ts";
import { K6dProcess } from "./support/k6d.ts";

const SCRIPT = new URL("testdata/recorded_remote_write/", import.meta.url);
const recorded = readProtobuf(
  uncompress(Deno.readFileSync(new URL("testdata/recorded_cloud/metrics.body", import.meta.url))),
);

Deno.test("a script's series are those that k6 told the cloud: names, types, labels, counts", async () => {
  const ours = summarize(await measuredSets());
  const theirs = summarize([recorded]);
  assertEquals(Array.from(ours.keys()).sort(), Array.from(theirs.keys()).sort());
  for (const [series, figures] of ours) {
    // How often they are measured, and how many bytes there are, depends on the run.
    if (!/^(vus|vus_max|data_\w+) /.test(series)) assertEquals(figures, theirs.get(series), series);
  }
});

Deno.test("k6's windows, buckets and resolution are the same", () => {
  assertEquals([recorded.testRunId, recorded.aggregationPeriod], ["123456", 3]);
  for (const { name, timeSeries } of recorded.metrics) {
    for (const series of timeSeries) {
      for (const { time } of valuesOf(series)) assertEquals([time.seconds % 3, time.nanos], [0, 0], name);
      for (const trend of series.trendHdrSamples?.values ?? []) {
        const buckets = bucketsOf(trend);
        const [first, last] = [trend.minValue, trend.maxValue].map((value) => bucketIndex(value / trend.minResolution));
        assertEquals([buckets[0]?.[0], buckets.at(-1)?.[0]], [first, last], name);
        assertEquals(buckets.reduce((sum, [, count]) => sum + count, 0), trend.count, name);
      }
    }
  }
});

/** What the cloud would be told of a run of the script. */
async function measuredSets(): Promise<ReceivedSet[]> {
  await using target = await startTarget();
  const files = ["script.ts", "lib.js", "users.json"];
  await using k6d = await K6dProcess.start({
    files: Object.fromEntries(files.map((name) => [name, Deno.readTextFileSync(new URL(name, SCRIPT))])),
    args: ["run", "--quiet", "-e", `BASE=${target.url}`, "-o", "json=samples.json", "script.ts"],
  });
  assertEquals((await k6d.ended()).code, 0);
  const run = new CloudRun();
  for (const line of (await Deno.readTextFile(`${k6d.folder}/samples.json`)).trimEnd().split("\n")) {
    const { type, metric, data } = JSON.parse(line) as Line;
    if (type === "Metric") {
      run.define(metric, data.type, data.contains);
    } else {
      run.add({ metric, tags: Object.entries(data.tags), value: data.value, atEpochMs: Date.parse(data.time) });
    }
  }
  assertEquals(run.warnings, []);
  return run.received(run.windows.takeAll());
}

/** A line of the json output. */
type Line =
  | {
    readonly type: "Metric";
    readonly metric: string;
    readonly data: { readonly type: MetricType; readonly contains: "default" | "time" | "data" };
  }
  | {
    readonly type: "Point";
    readonly metric: string;
    readonly data: { readonly time: string; readonly value: number; readonly tags: Readonly<Record<string, string>> };
  };

/** By a series' name, type and labels, what is the same in every run of the script. */
function summarize(sets: readonly ReceivedSet[]): Map<string, readonly number[]> {
  return new Map(
    sets.flatMap(({ metrics }) =>
      metrics.flatMap(({ name, type, timeSeries }) =>
        timeSeries.map((series) => [`${name} ${type} ${JSON.stringify(series.labels)}`, countsOf(series)])
      )
    ),
  );
}

function countsOf({ counterSamples, gaugeSamples, rateSamples, trendHdrSamples }: ReceivedSeries): number[] {
  const sum = (numbers: readonly number[] = []) => numbers.reduce((total, number) => total + number, 0);
  return [
    sum(counterSamples?.values.map(({ value }) => value)),
    sum(gaugeSamples?.values.map(({ count }) => count)),
    Math.max(...gaugeSamples?.values.map(({ max }) => max) ?? []),
    sum(rateSamples?.values.map(({ totalCount }) => totalCount)),
    sum(rateSamples?.values.map(({ nonzeroCount }) => nonzeroCount)),
    sum(trendHdrSamples?.values.map(({ count }) => count)),
  ];
}

function valuesOf({ counterSamples, gaugeSamples, rateSamples, trendHdrSamples }: ReceivedSeries) {
  const samples = counterSamples ?? gaugeSamples ?? rateSamples ?? trendHdrSamples;
  return samples!.values;
}
