/** What k6's own remote-write output sent for a script, kept as it came, against what k6d sends for the same script. */

import { assertAlmostEquals, assertEquals } from "@std/assert";
import { RemoteWriteReceiver } from "../support/remote_write_receiver.ts";
import { startTarget } from "../support/target.ts";
import { decodeRequest, type ReceivedSeries, STALE_BITS } from "../support/write_request_decoder.ts";
import { runSuccessfully } from "./support/k6d.ts";

const RECORDED = new URL("testdata/recorded_remote_write/", import.meta.url);

Deno.test("a script's series are those that k6 sent for it: names, labels, counts, ends", async () => {
  await using target = await startTarget();
  await using receiver = new RemoteWriteReceiver();
  const files = ["script.ts", "lib.js", "users.json"];
  await runSuccessfully({
    files: Object.fromEntries(files.map((name) => [name, Deno.readTextFileSync(new URL(name, RECORDED))])),
    args: ["run", "--quiet", "-e", `BASE=${target.url}`, "-o", "experimental-prometheus-rw", "script.ts"],
    env: {
      K6_PROMETHEUS_RW_SERVER_URL: receiver.url,
      K6_PROMETHEUS_RW_TREND_STATS: "p(95),p(99),min,max,avg,count,sum",
      K6_PROMETHEUS_RW_PUSH_INTERVAL: "1s",
      K6_PROMETHEUS_RW_STALE_MARKERS: "true",
    },
  });
  const ours = summarize(receiver.accepted.flat());
  const recorded = ["001", "002", "003"].map((number) => Deno.readFileSync(new URL(`${number}.body`, RECORDED)));
  const theirs = summarize(recorded.flatMap((body) => decodeRequest(body).series));

  assertEquals(receiver.violations, []);
  assertEquals(Array.from(ours.keys()).sort(), Array.from(theirs.keys()).sort());
  for (const [series, { value, hasEnded }] of ours) {
    assertEquals(hasEnded, true, series);
    const recordedValue = theirs.get(series)!.value;
    // k6 divides the count by 1000 where the trend's values are times (its issue 4582).
    if (/_count\{/.test(series)) assertAlmostEquals(value, recordedValue * 1000, 1e-9, series);
    else if (isCounted(series)) assertEquals(value, recordedValue, series);
  }
});

/** Whether a series' last value is the same in every run of the script. */
function isCounted(series: string): boolean {
  return /^k6_\w+_(total|rate)\{/.test(series) && !/^k6_data_/.test(series) || series.startsWith("k6_queue_depth{");
}

/** The last value of each series, and whether a stale marker came after it. */
function summarize(all: readonly ReceivedSeries[]): Map<string, { value: number; hasEnded: boolean }> {
  const series = new Map<string, { value: number; hasEnded: boolean }>();
  for (const { name, labels, samples } of all) {
    const key = `${name}${JSON.stringify(labels)}`;
    for (const { value, bits } of samples) {
      if (bits === STALE_BITS) series.get(key)!.hasEnded = true;
      else series.set(key, { value, hasEnded: false });
    }
  }
  return series;
}
