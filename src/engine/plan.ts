/** Dividing a run among workers: how many there are, what each does of each scenario, and which virtual users it creates. */

import { latestEndMs, scenarioVus } from "../executor/schedule.ts";
import { divide, divideEvenly, shareOf } from "../executor/stripes.ts";
import { WHOLE_TEST } from "../options/execution_segment.ts";
import type { ExecutionSegment, Scenario } from "../options/types.ts";
import type { ScenarioPart } from "../worker/messages.ts";

/** What one worker is to do. */
export interface WorkerPlan {
  /** In the order of the scenarios. */
  readonly parts: readonly ScenarioPart[];
  /** Ids of the virtual users that it creates before the start. */
  readonly vuIds: readonly number[];
}

/** The whole plan. */
export interface Plan {
  readonly workers: readonly WorkerPlan[];
  /** Virtual users that are created before the start. */
  readonly plannedVus: number;
}

/** Plans `segment` of a test for at most `maxWorkers` workers; a test of few virtual users gets fewer. */
export function planRun(
  scenarios: readonly Scenario[],
  maxWorkers: number,
  segment: ExecutionSegment = WHOLE_TEST,
): Plan {
  const share = divide(segment.weights)[segment.index]!;
  const mostVus = Math.max(1, ...scenarios.map((scenario) => share.count(scenarioVus(scenario).max)));
  const workers = Math.max(1, Math.min(maxWorkers, mostVus));
  const even = divideEvenly(workers);
  const parts = scenarios.map((scenario, index) => {
    const { initial, max } = scenarioVus(scenario);
    // A worker without virtual users can't lead; those that can take turns.
    const leader = index % Math.max(1, Math.min(workers, share.count(max)));
    return even.map((worker, number): ScenarioPart => {
      const vus = shareOf(share, worker);
      return { initialVus: vus.count(initial), maxVus: vus.count(max), leads: number === leader };
    });
  });
  const needed = even.map((_, worker) => mostAtOnce(scenarios, parts.map((part) => part[worker]!)));
  const plannedVus = needed.reduce((sum, count) => sum + count, 0);
  const ids = divide(needed);
  return {
    plannedVus,
    workers: needed.map((count, worker) => ({
      parts: parts.map((part) => part[worker]!),
      vuIds: Array.from({ length: count }, (_, n) => ids[worker]!.item(n) + 1),
    })),
  };
}

/** The most virtual users that scenarios hold at the same time; it can only grow where one starts. */
function mostAtOnce(scenarios: readonly Scenario[], parts: readonly ScenarioPart[]): number {
  return Math.max(
    0,
    ...scenarios.map(({ startTimeMs }) =>
      scenarios.reduce((sum, other, index) => {
        const running = other.startTimeMs <= startTimeMs && startTimeMs < latestEndMs(other);
        return running ? sum + parts[index]!.initialVus : sum;
      }, 0)
    ),
  );
}
