/** What a run's samples become on the wire, in every form that remote write has; nothing of it may break the protocol's rules. */

import { assertEquals } from "@std/assert";
import { RemoteWriteReceiver, type V2Support } from "../support/remote_write_receiver.ts";
import { type ReceivedSeries, STALE_BITS } from "../support/write_request_decoder.ts";
import { runSuccessfully } from "./support/k6d.ts";

/** Ten iterations; the last one belongs to a trace. */
const SCRIPT = `
import exec from "k6/execution";
import { Counter, Rate, Trend } from "k6/metrics";
const orders = new Counter("orders");
const fine = new Rate("fine");
const took = new Trend("took", true);
export const options = { iterations: 10, tags: { team: "käse" } };
export default function () {
  const i = exec.scenario.iterationInTest;
  if (i === 9) exec.vu.metrics.metadata.trace_id = "0af7651916cd43dd8448eb211c80319c";
  orders.add(2, { "my-shop": "s" + i % 2 });
  fine.add(i % 2 === 0);
  took.add(50 * (i + 1));
}`;

interface Form {
  readonly env: Readonly<Record<string, string>>;
  readonly v2?: V2Support;
  /** Last value of the series of `took`, by name and `le`; of a native histogram the count. */
  readonly took: Readonly<Record<string, number>>;
}

const CLASSIC = {
  'k6_took_seconds_bucket{le="0.1"}': 2,
  'k6_took_seconds_bucket{le="0.5"}': 10,
  'k6_took_seconds_bucket{le="+Inf"}': 10,
  k6_took_seconds_sum: 2.75,
  k6_took_seconds_count: 10,
};

const FORMS: Readonly<Record<string, Form>> = {
  "gauges": { env: { TREND_STATS: "max,count" }, took: { k6_took_max: 0.5, k6_took_count: 10 } },
  "native histograms": { env: { TREND_AS_NATIVE_HISTOGRAM: "true" }, took: { k6_took_seconds: 10 } },
  "classic histograms": { env: { TREND_HISTOGRAM_BUCKETS: "0.1,0.5" }, took: CLASSIC },
  "native histograms of 2.0": {
    env: { TREND_AS_NATIVE_HISTOGRAM: "true", PROTOCOL_VERSION: "2.0" },
    took: { k6_took_seconds: 10 },
  },
  "classic histograms of 2.0": {
    env: { TREND_HISTOGRAM_BUCKETS: "0.1,0.5", PROTOCOL_VERSION: "2.0" },
    took: CLASSIC,
  },
  "1.0 for a receiver that refuses 2.0": {
    env: { TREND_HISTOGRAM_BUCKETS: "0.1,0.5", PROTOCOL_VERSION: "2.0" },
    v2: "refused",
    took: CLASSIC,
  },
};

Deno.test("a run's values, types, start times, trace ids and ends arrive in every form", async () => {
  await Promise.all(Object.entries(FORMS).map(([name, form]) => assertForm(name, form)));
});

async function assertForm(name: string, { env, v2 = "understood", took }: Form): Promise<void> {
  await using receiver = new RemoteWriteReceiver({ v2 });
  const settings = { SERVER_URL: receiver.url, RATE_AS_COUNTERS: "true", INSTANCE: "k6d-1", ...env };
  const result = await runSuccessfully({
    files: SCRIPT,
    args: ["run", "script.js", "--quiet", "--out", "prometheus-rw"],
    env: Object.fromEntries(
      Object.entries(settings).map(([key, value]) => [`K6_PROMETHEUS_RW_${key}`, value]),
    ),
  });
  const about = `${name}: ${result.stderr}`;
  assertEquals(receiver.violations, [], about);
  const all = receiver.accepted.flat();
  for (const { labels } of all) assertEquals([labels["instance"], labels["team"]], ["k6d-1", "käse"], about);

  assertEquals(lastValues(all, "k6_took"), took, about);
  assertEquals(lastValues(all, "k6_fine"), { k6_fine_rate: 0.5, k6_fine_total: 10, k6_fine_success_total: 5 }, about);
  assertEquals(
    all.filter(({ name, samples }) => name === "k6_orders_total" && samples[0]?.bits !== STALE_BITS)
      .map(({ labels, samples }) => [labels["my_shop"], samples[0]?.value]).sort(),
    [["s0", 10], ["s1", 10]],
    about,
  );
  const traced = all.filter(({ exemplars }) => exemplars?.[0]?.labels["trace_id"] === TRACE_ID).map(({ name }) => name);
  assertEquals(traced.includes("k6_orders_total"), true, about);
  const isHistogram = !Object.keys(took).includes("k6_took_max");
  assertEquals(traced.some((each) => each.startsWith("k6_took")), isHistogram, about);

  const types = new Map(
    [...receiver.metadata, ...all.flatMap(({ metadata }) => metadata ?? [])].map((each) => [each.name, each.type]),
  );
  assertEquals([types.get("k6_orders_total"), types.get("k6_fine_rate")], [1, 2], about);
  const starts = all.flatMap(({ name, samples: [sample] }) => name === "k6_orders_total" ? sample?.startMs ?? [] : []);
  assertEquals(starts.length > 0, env["PROTOCOL_VERSION"] === "2.0" && v2 === "understood", about);
  const ended = all.filter((each) => isEnd(each)).map(({ name }) => name);
  for (const series of Object.keys(took)) assertEquals(ended.includes(series.replace(/\{.*/, "")), true, about);
}

const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";

/** The last value of each series whose name begins so, by name and `le`. */
function lastValues(all: readonly ReceivedSeries[], prefix: string): Record<string, number> {
  const values: Record<string, number> = {};
  for (const series of all) {
    const { name, labels: { le }, samples, histograms } = series;
    if (!name.startsWith(prefix) || isEnd(series)) continue;
    values[le === undefined ? name : `${name}{le="${le}"}`] = histograms?.[0]?.count ?? samples[0]?.value ?? NaN;
  }
  return values;
}

function isEnd({ samples, histograms }: ReceivedSeries): boolean {
  return samples[0]?.bits === STALE_BITS || histograms?.[0]?.sumBits === STALE_BITS;
}
