import { assertEquals, assertMatch } from "@std/assert";
import { prometheus, testWithPrograms, victoriaMetrics } from "../../support/debian.ts";
import type { MetricsServer } from "../../support/metrics_server.ts";
import { startPrometheus } from "../../support/prometheus.ts";
import { startVictoriaMetrics } from "../../support/victoria_metrics.ts";
import { OutputRun } from "../support/output_run.ts";

testWithPrograms("tests with the same labels follow each other within milliseconds", [prometheus], async (path) => {
  await using server = await startPrometheus(path!);
  for (let test = 1; test <= 5; test++) {
    const run = await startRun(server, "pushInterval=1h");
    for (let series = 0; series < 20; series++) run.add("iterations", [["s", `${series}`]], test);
    await run.stop();
    assertEquals(run.complaints, []);
  }
  for (let series = 0; series < 20; series++) {
    const points = await server.samples(`k6_iterations_total{s="${series}"}`);
    assertEquals(points.map(({ value }) => value), [1, 2, 3, 4, 5]);
  }
});

testWithPrograms(
  "a series that Prometheus has from the future does not lose the others",
  [prometheus],
  async (path) => {
    await using server = await startPrometheus(path!);
    const earlier = await startRun(server, "pushInterval=1h");
    earlier.add("iterations", [["s", "7"]], 1, Date.now() + 60_000);
    await earlier.stop();
    const run = await startRun(server, "pushInterval=50ms");
    for (let series = 0; series < 20; series++) run.add("iterations", [["s", `${series}`]], 3);
    while (await count(server, "k6_iterations_total == 3") < 19);
    await run.stop();
    assertEquals(run.complaints.length, 2);
    assertMatch(run.complaints[0]!, /HTTP 400: out of order sample; if another run writes the same series/);
    assertMatch(run.complaints[1]!, /warn: the last values of 1 series are missing/);
  },
);

testWithPrograms(
  "a Prometheus without native histograms is told of with what it needs, and gets everything else",
  [prometheus],
  async (path) => {
    await using server = await startPrometheus(path!);
    const run = await startRun(server, "trendAsNativeHistogram=true,pushInterval=1h");
    const atMs = Date.now() - 1000;
    for (let series = 0; series < 20; series++) {
      run.add("iterations", [["s", `${series}`]], 3, atMs);
      run.add("http_req_duration", [["s", `${series}`]], 100, atMs);
    }
    await run.stop();
    assertEquals(await count(server, '{__name__=~"k6_.+"}', atMs), 20);
    assertEquals(run.complaints.length, 2);
    assertMatch(
      run.complaints[0]!,
      /^error: .*HTTP 500: native histograms are disabled; trends are not sent; start Prometheus with --enable-feature=nat/,
    );
    assertMatch(run.complaints[1]!, /^warn: 20 series left out: 40 samples in 2 requests sent/);
  },
);

for (
  const { program, start } of [
    { program: prometheus, start: (path: string) => startPrometheus(path) },
    { program: victoriaMetrics, start: startVictoriaMetrics },
  ]
) {
  testWithPrograms(
    `an old ${program.program} gets version 1.0 instead of 2.0, and everything`,
    [program],
    async (path) => {
      await using server = await start(path!);
      const run = await startRun(server, "protocolVersion=2.0,pushInterval=1h");
      const atMs = Date.now() - 1000;
      for (let series = 0; series < 20; series++) run.add("iterations", [["s", `${series}`]], 3, atMs);
      await run.stop();
      assertEquals(run.complaints, [
        `warn: ${server.writeUrl} does not know remote write 2.0 (it does not say what it stored): sending version 1.0`,
      ]);
      assertEquals(await count(server, "k6_iterations_total == 3", atMs), 20);
    },
  );
}

async function startRun(server: MetricsServer, settings: string): Promise<OutputRun> {
  const run = new OutputRun(`prometheus-rw=url=${server.writeUrl},${settings}`);
  await run.output.start();
  return run;
}

/** Number of series that an expression finds. */
async function count(server: MetricsServer, expression: string, atEpochMs = Date.now()): Promise<number> {
  return (await server.query(expression, atEpochMs)).length;
}
