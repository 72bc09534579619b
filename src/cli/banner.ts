/** What k6d prints before a test: its banner and what is about to run. */

import { highestOf, stagesDurationMs } from "../executor/ramp.ts";
import { maxConcurrentVus, maxRunDurationMs } from "../executor/schedule.ts";
import type { ArrivalRateScenario, Options, Scenario, ScenarioBase, Stage } from "../options/types.ts";
import { formatPlanDuration } from "../summary/format.ts";
import { styleFor } from "../summary/style.ts";

const BANNER = String.raw`
    _     __      _
   | | __/ /_  __| |
   | |/ / '_ \/ _  |   load tests, written for k6,
   |   <| (_) | (_| |   run on V8
   |_|\_\\___/ \__,_|
`;

/** The banner, with an empty line before and after. */
export function renderBanner(color: boolean): string {
  return `${styleFor(color).yellow(BANNER)}\n`;
}

/** What `renderPlan` needs to know of a run. */
export interface Plan {
  /** Where the test runs. Default `local`. */
  readonly execution?: "local" | "cloud";
  /** Path of the script, or `-` for standard input. */
  readonly script: string;
  /** The outputs' descriptions. */
  readonly outputs: readonly string[];
  readonly options: Pick<Options, "scenarios">;
  /** The part of the whole test that this instance runs: 0 to 1, 1 unless there is an execution segment. */
  readonly segment?: number;
}

/** The lines `execution`, `script`, `output` and `scenarios`, with an empty line after. */
export function renderPlan(plan: Plan, color: boolean): string {
  const { execution = "local", script, outputs, options: { scenarios }, segment = 1 } = plan;
  const style = styleFor(color);
  const count = scenarios.length === 1 ? "1 scenario" : `${scenarios.length} scenarios`;
  const durationMs = maxRunDurationMs(scenarios);
  const duration = durationMs === Infinity ? "infinite" : formatPlanDuration(durationMs);
  const lines = [
    `     execution: ${style.cyan(execution)}`,
    `        script: ${style.cyan(script)}`,
    `        output: ${style.cyan(outputs.length === 0 ? "-" : outputs.join(", "))}`,
    "",
    `     scenarios: ${style.cyan(`(${(segment * 100).toFixed(2)}%)`)} ${count}, ` +
    `${maxConcurrentVus(scenarios)} max VUs, ${duration} max duration (incl. graceful stop):`,
    ...inStartOrder(scenarios).map((scenario) => `              * ${scenario.name}: ${describeScenario(scenario)}`),
  ];
  return `${lines.join("\n")}\n\n`;
}

/** k6's sentence for a scenario, for example `10 looping VUs for 30s (gracefulStop: 30s)`. */
export function describeScenario(scenario: Scenario): string {
  switch (scenario.executor) {
    case "constant-vus":
      return `${scenario.vus} looping VUs for ${formatPlanDuration(scenario.durationMs)}${remarks(scenario)}`;
    case "shared-iterations":
      return `${scenario.iterations} iterations shared among ${scenario.vus} VUs` +
        remarks(scenario, `maxDuration: ${formatPlanDuration(scenario.maxDurationMs)}`);
    case "per-vu-iterations":
      return `${scenario.iterations} iterations for each of ${scenario.vus} VUs` +
        remarks(scenario, `maxDuration: ${formatPlanDuration(scenario.maxDurationMs)}`);
    case "ramping-vus": {
      const { startVus, stages, gracefulRampDownMs } = scenario;
      const rampDown = gracefulRampDownMs > 0 ? [`gracefulRampDown: ${formatPlanDuration(gracefulRampDownMs)}`] : [];
      return `Up to ${highestOf(startVus, stages)} looping VUs for ${overStages(stages)}${
        remarks(scenario, ...rampDown)
      }`;
    }
    case "constant-arrival-rate":
      return `${perSecond(scenario.rate, scenario)} iterations/s for ${formatPlanDuration(scenario.durationMs)}` +
        remarks(scenario, mostVus(scenario));
    case "ramping-arrival-rate": {
      const { startRate, stages } = scenario;
      return `Up to ${perSecond(highestOf(startRate, stages), scenario)} iterations/s for ${overStages(stages)}` +
        remarks(scenario, mostVus(scenario));
    }
    case "externally-controlled": {
      const { vus, maxVus, durationMs } = scenario;
      const duration = durationMs === Infinity ? "infinite duration" : formatPlanDuration(durationMs);
      return `Externally controlled execution with ${vus} VUs, ${maxVus} max VUs, ${duration}${remarks(scenario)}`;
    }
  }
}

/** Scenarios in the order of their start, then of their names: the order in which k6 shows them. */
export function inStartOrder<S extends ScenarioBase>(scenarios: readonly S[]): S[] {
  return scenarios.toSorted((a, b) => a.startTimeMs - b.startTimeMs || (a.name < b.name ? -1 : 1));
}

/** A rate as k6 shows it: `2.50`. */
export function perSecond(rate: number, { timeUnitMs }: { timeUnitMs: number }): string {
  return (rate * 1000 / timeUnitMs).toFixed(2);
}

function overStages(stages: readonly Stage[]): string {
  return `${formatPlanDuration(stagesDurationMs(stages))} over ${stages.length} stages`;
}

function mostVus({ preAllocatedVus, maxVus }: ArrivalRateScenario): string {
  return `maxVUs: ${preAllocatedVus === maxVus ? maxVus : `${preAllocatedVus}-${maxVus}`}`;
}

function remarks({ exec, startTimeMs, gracefulStopMs }: ScenarioBase, ...first: string[]): string {
  const all = [...first];
  if (exec !== "default") all.push(`exec: ${exec}`);
  if (startTimeMs > 0) all.push(`startTime: ${formatPlanDuration(startTimeMs)}`);
  if (gracefulStopMs > 0) all.push(`gracefulStop: ${formatPlanDuration(gracefulStopMs)}`);
  return all.length === 0 ? "" : ` (${all.join(", ")})`;
}
