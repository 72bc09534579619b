import { assert, assertEquals, assertMatch } from "@std/assert";
import { denoCommand } from "../../scripts/repository.ts";
import { prometheus, testWithPrograms, victoriaMetrics } from "../support/debian.ts";
import { startPrometheus } from "../support/prometheus.ts";
import { startTarget } from "../support/target.ts";
import { startVictoriaMetrics } from "../support/victoria_metrics.ts";

Deno.test("the quick start runs, passes its checks and thresholds, and prints the summary", async () => {
  const { code, stdout, stderr } = await denoCommand(["run", "-A", "scripts/quickstart.ts", "-i", "5"]).output();
  assertEquals(code, 0, text(stderr));
  const summary = text(stdout);
  for (const name of ["home page is up", "order is accepted", "order is echoed"]) {
    assertMatch(summary, RegExp(`✓ ${name}`));
  }
  assertMatch(summary, /checks_succeeded\.+: 100\.00% 15 out of 15/);
  assertMatch(summary, /orders\.+: 5 /);
  assertMatch(summary, /items_seen\.+: 3 /);
  assertMatch(summary, /empty_answers\.+: 0\.00%/);
  assertMatch(summary, /iterations\.+: 5 /);
});

Deno.test("the arrival-rate example starts 200 iterations a second", async () => {
  const summary = await runArrivalRate();
  assertMatch(summary, /orders_placed\.+: 20[01] /);
  assertMatch(summary, /checks_succeeded\.+: 100\.00% 20[01] out of 20[01]/);
});

const SERVERS = [["Prometheus", prometheus, startPrometheus], [
  "VictoriaMetrics",
  victoriaMetrics,
  startVictoriaMetrics,
]] as const;

for (const [name, program, start] of SERVERS) {
  testWithPrograms(
    `the arrival-rate example's metrics arrive in ${name} and end with the test`,
    [program],
    async (path) => {
      await using server = await start(path!);
      const startedAt = Date.now();
      const summary = await runArrivalRate("-o", `prometheus-rw=${server.writeUrl}`);

      // The last values before the stale markers are those of the last flush: what the summary shows.
      const points = await server.samples('{__name__=~"k6_.+"}');
      const last = (metric: string) => {
        const series = Map.groupBy(
          points.filter(({ labels }) => labels.__name__ === metric),
          ({ labels }) => JSON.stringify(labels),
        );
        return [...series.values()].map((each) => each.at(-1)?.value ?? NaN).reduce((sum, value) => sum + value, 0);
      };
      assertEquals(last("k6_orders_placed_total"), count(summary, "orders_placed"));
      assertEquals(last("k6_http_reqs_total"), count(summary, "http_reqs"));
      assertEquals(last("k6_iterations_total"), count(summary, "iterations"));
      assert(last("k6_order_duration_p99") > 0);
      assert(last("k6_basket_size") >= 1);

      const regions = new Set(
        points.filter(({ labels }) => labels.__name__ === "k6_orders_placed_total").map(({ labels }) => labels.region),
      );
      assertEquals([...regions].sort(), ["eu", "us"]);
      for (const { atEpochMs } of points) assert(startedAt <= atEpochMs && atEpochMs <= Date.now());
      assertEquals(await server.query('{__name__=~"k6_.+"}', Date.now() + 10), []);
    },
  );
}

/** Runs the example for a second against a target of its own; gives back the summary. */
async function runArrivalRate(...flags: string[]): Promise<string> {
  await using target = startTarget();
  const { code, stdout, stderr } = await denoCommand([
    "run",
    "-A",
    "main.ts",
    "run",
    ...flags,
    "examples/arrival_rate.js",
  ], {
    env: { BASE_URL: target.url, DURATION: "1s" },
  }).output();
  assertEquals(code, 0, text(stderr));
  return text(stdout);
}

function count(summary: string, metric: string): number {
  return Number(RegExp(`${metric}\\.+: (\\d+)`).exec(summary)?.[1]);
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
