/** The dashboards and rules of examples/grafana, on the data of real runs in a real Prometheus. */

import { assert, assertEquals } from "@std/assert";
import { DASHBOARDS, dashboardText } from "../../scripts/dashboards/dashboard.ts";
import type { TrendMode } from "../../scripts/dashboards/trend_queries.ts";
import { ROOT } from "../../scripts/repository.ts";
import { type DebianProgram, prometheus, testWithPrograms } from "../support/debian.ts";
import { startPrometheus } from "../support/prometheus.ts";
import { startTarget } from "../support/target.ts";
import { ask, type Dashboard, evaluate, interpolate, type Line, variableValues, type View } from "./support/grafana.ts";
import { K6dProcess } from "./support/k6d.ts";

const promtool: DebianProgram = { program: "promtool", debianPackage: "prometheus" };

const RULES = `${ROOT}examples/grafana/rules.yml`;

for (const { mode, file } of DASHBOARDS) {
  Deno.test(`${file} is what \`deno task docs\` makes, and its panels don't overlap`, () => {
    const text = Deno.readTextFileSync(ROOT + file);
    assertEquals(text, dashboardText(mode), "run `deno task docs`");
    const { panels } = JSON.parse(text) as Dashboard;
    assertEquals(new Set(panels.map(({ id }) => id)).size, panels.length);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, cell) => `${x + cell % w} ${y + Math.floor(cell / w)}`)
    );
    assertEquals(new Set(cells).size, cells.length);
    assert(panels.every(({ gridPos: { x, w } }) => x + w <= 24));
  });
}

testWithPrograms("promtool finds no fault with the rules, and their figures are right", [promtool], async (path) => {
  for (const args of [["check", "rules", RULES], ["test", "rules", `${ROOT}tests/e2e/testdata/grafana_rules.yml`]]) {
    const { success, stdout, stderr } = await new Deno.Command(path, { args }).output();
    const decoder = new TextDecoder();
    assert(success, decoder.decode(stdout) + decoder.decode(stderr));
  }
});

/** How to run a test of each mode. The mode is also the name of the test. */
const ENVIRONMENTS: Readonly<Record<TrendMode, Readonly<Record<string, string>>>> = {
  stats: { K6_PROMETHEUS_RW_TREND_STATS: "count,sum,med,p(95),p(99),max" },
  native: { K6_PROMETHEUS_RW_TREND_AS_NATIVE_HISTOGRAM: "true", K6_PROMETHEUS_RW_RATE_AS_COUNTERS: "true" },
  classic: {
    K6_PROMETHEUS_RW_TREND_HISTOGRAM_BUCKETS: "0.001,0.01,0.05,0.1,0.2,0.5,1,5,100",
    K6_PROMETHEUS_RW_RATE_AS_COUNTERS: "true",
  },
};

testWithPrograms(
  "every panel and rule has data of a run, and it is what the summary says",
  [prometheus],
  async (path) => {
    await using target = startTarget();
    await using server = await startPrometheus(path, {
      nativeHistograms: true,
      config: "global: { evaluation_interval: 1s }\nrule_files: [rules.yml]\n",
      files: { "rules.yml": await Deno.readTextFile(RULES) },
    });
    const fromMs = Date.now() - 2000;
    const runs = await Promise.all(DASHBOARDS.map(async ({ mode, file }) => ({
      mode,
      dashboard: JSON.parse(await Deno.readTextFile(ROOT + file)) as Dashboard,
      summary: await runShop(mode, { BASE_URL: target.url, K6_PROMETHEUS_RW_SERVER_URL: server.writeUrl }),
    })));
    // Until no moving window reaches back to the run.
    const toMs = Date.now() + 5 * PUSH_INTERVAL_SECONDS * 1000;

    const names = new Set(await ask<string[]>(server.base, "label/__name__/values"));
    for (const { mode, dashboard, summary } of runs) {
      const view: View = {
        fromMs,
        toMs,
        values: {
          testid: mode,
          scenario: ".*",
          push_interval: `${PUSH_INTERVAL_SECONDS}s`,
          trend: mode === "stats" ? "shop_checkout_duration" : "shop_checkout_duration_seconds",
          counter: "shop_revenue",
        },
      };
      await checkVariables(server.base, dashboard, view);
      const lines = await checkPanels(server.base, dashboard, view, names);
      checkFigures(lines, summary, mode);
    }
    await checkRules(server.base, fromMs);
  },
);

/** What the dashboards are told; twice the true one, so that a slow machine's late push leaves no gap. */
const PUSH_INTERVAL_SECONDS = 2;

/** The figures of `--summary-export`. */
type Summary = Readonly<Record<string, Readonly<Record<string, number>>>>;

async function runShop(mode: TrendMode, env: Readonly<Record<string, string>>): Promise<Summary> {
  await using run = await K6dProcess.start({
    args: [
      "run",
      "--quiet",
      "--summary-export=summary.json",
      "-o",
      "prometheus-rw",
      `${ROOT}examples/grafana/shop.js`,
    ],
    env: { ...env, ...ENVIRONMENTS[mode], TEST_ID: mode, DURATION: "6s", K6_PROMETHEUS_RW_PUSH_INTERVAL: "1s" },
  });
  const { code, stderr } = await run.ended();
  assertEquals(code, 0, stderr);
  const { metrics } = JSON.parse(await Deno.readTextFile(`${run.folder}/summary.json`)) as { metrics: Summary };
  return metrics;
}

/** Each variable offers its value in the view. */
async function checkVariables(base: string, { title, templating }: Dashboard, view: View): Promise<void> {
  for (const variable of templating.list) {
    if (variable.type !== "query") continue;
    const offered = await variableValues(base, variable, view);
    const expected = variable.name === "scenario" ? "order" : view.values[variable.name]!;
    assert(offered.includes(expected), `${title}: ${variable.name} offers ${offered.join(", ")}, not ${expected}`);
  }
}

/** Every query gives numbers, has metrics that exist, and labels that its legend names; gives back the lines by the panels' titles. */
async function checkPanels(
  base: string,
  { title, panels }: Dashboard,
  view: View,
  names: ReadonlySet<string>,
): Promise<ReadonlyMap<string, Line[][]>> {
  const problems: string[] = [];
  const byTitle = new Map<string, Line[][]>();
  for (const panel of panels) {
    for (const [index, target] of (panel.targets ?? []).entries()) {
      const place = `${title}, ${panel.title}, query ${index + 1}: ${target.expr}`;
      for (const [name] of interpolate(target.expr, view, 1).matchAll(/\bk6_\w+(?=\{)/g)) {
        if (!names.has(name)) problems.push(`${place}\n  no metric ${name}`);
      }
      const lines = await evaluate(base, target, view);
      byTitle.set(panel.title, [...byTitle.get(panel.title) ?? [], lines]);
      if (!lines.some(({ values }) => values.some(Number.isFinite))) problems.push(`${place}\n  no data`);
      const wrong = lines.flatMap(({ values }) => values).filter((value) => !(value >= 0));
      if (wrong.length > 0) problems.push(`${place}\n  ${wrong.join(" ")}`);
      for (const [, label = ""] of target.legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
        if (!lines.some(({ labels }) => label in labels)) problems.push(`${place}\n  no label ${label}`);
      }
    }
  }
  assertEquals(problems.length, 0, problems.join("\n"));
  return byTitle;
}

function checkFigures(lines: ReadonlyMap<string, Line[][]>, summary: Summary, mode: TrendMode): void {
  const values = (title: string, query = 0) => lines.get(title)![query]!.flatMap((line) => line.values);
  const figure = (title: string) => values(title).at(-1)!;
  const of = (metric: string, key: string) => summary[metric]![key]!;

  const requests = of("http_reqs", "count");
  assertEquals(figure("Requests"), requests);
  assertEquals(figure("Dropped iterations"), of("dropped_iterations", "count"));
  assertWithin(figure("Failed requests"), of("http_req_failed", "value"), 1e-9);
  // Without counters it is the mean of three checks, of which one fails at times.
  if (mode === "stats") assert(figure("Checks passed") > 0.5 && figure("Checks passed") < 1);
  else assertWithin(figure("Checks passed"), of("checks", "value"), 1e-9);

  // A p95 is one of the slow requests: those to /delay, of 60 ms and more.
  const p95 = figure("Response time, p95");
  assert(p95 > 0.05 && p95 < of("http_req_duration", "max") / 1000 * 1.1, `p95 of ${mode}: ${p95}`);

  // The area under the rate is the number of requests; what the first pushes bring is no increase.
  const area = values("Load").reduce((sum, perSecond) => sum + perSecond * PUSH_INTERVAL_SECONDS, 0);
  assert(
    area > requests * 0.3 && area < requests * 1.2,
    `${area} requests under the curve of ${mode}, not ${requests}`,
  );
  const virtualUsers = Math.max(...values("Load", 1));
  assert(virtualUsers >= 5 && virtualUsers <= 7, `${virtualUsers} virtual users`);
}

/** No rule fails, and every recorded series has been there, or is soon: rules are evaluated every second. */
async function checkRules(base: string, fromMs: number): Promise<void> {
  const { groups } = await ask<{ groups: { rules: Rule[] }[] }>(base, "rules");
  const rules = groups.flatMap((group) => group.rules);
  assert(rules.length > 0);
  for (const { name, lastError = "" } of rules) if (!KNOWN_FAULT.test(lastError)) assertEquals(lastError, "", name);
  const recorded = rules.filter(({ type }) => type === "recording").map(({ name }) => name);
  for (const name of [...recorded, DROPS]) {
    for (const deadline = Date.now() + 20_000; await absent(base, name, fromMs);) {
      assert(Date.now() < deadline, `no series ${name}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
  const alerts = await ask<{ alerts: { labels: Record<string, string> }[] }>(base, "alerts");
  const scenarios = alerts.alerts.filter(({ labels }) => labels.alertname === "K6dDropsIterations");
  assert(scenarios.length > 0 && scenarios.every(({ labels }) => labels.scenario === "order"), JSON.stringify(alerts));
}

/** Prometheus 2.42 compares sums of fractions exactly when it stores a histogram of rates. */
const KNOWN_FAULT = /observations found in buckets, but the Count field is/;

/** A rule of Prometheus's API. */
interface Rule {
  readonly name: string;
  readonly type: "recording" | "alerting";
  readonly lastError?: string;
}

const DROPS = 'ALERTS{alertname="K6dDropsIterations"}';

async function absent(base: string, expr: string, fromMs: number): Promise<boolean> {
  const view = { fromMs, toMs: Date.now(), values: {} };
  return (await evaluate(base, { expr, legendFormat: "", interval: "1s", instant: false }, view)).length === 0;
}

function assertWithin(actual: number, expected: number, tolerance: number): void {
  assert(Math.abs(actual - expected) <= tolerance, `${actual} instead of ${expected}`);
}
