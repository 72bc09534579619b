/** Ramps: what the stages of a scenario mean at every moment, exactly. Times are milliseconds since the scenario's start. */

import type { Stage } from "../options/types.ts";
import type { Share } from "./stripes.ts";

/** How long the stages last together. */
export function stagesDurationMs(stages: readonly Stage[]): number {
  return stages.reduce((sum, { durationMs }) => sum + durationMs, 0);
}

/** The highest value that a ramp reaches. */
export function highestOf(start: number, stages: readonly Stage[]): number {
  return Math.max(start, ...stages.map(({ target }) => target));
}

/** The value of a ramp at a moment, between whole numbers too. */
export function valueOfRamp(start: number, stages: readonly Stage[], elapsedMs: number): number {
  let leftMs = elapsedMs;
  let from = start;
  for (const { durationMs, target } of stages) {
    if (leftMs < durationMs) return from + (target - from) * leftMs / durationMs;
    leftMs -= durationMs;
    from = target;
  }
  return from;
}

/**
 * Walks through the changes of a share's number of virtual users. The whole ramps in steps of one, spread evenly over
 * each stage: the n-th of the d steps of a stage comes at n/d of its time, so that the target is reached at its very end.
 */
export class VuRamp {
  /** When the number came into force. */
  atMs = 0;
  /** Virtual users of this share from `atMs` on. */
  vus: number;
  readonly #share: Share;
  readonly #stages: readonly Stage[];
  /** The stage that is looked at: its index, its start, and the whole's number at its start. */
  #index = 0;
  #stageStartMs = 0;
  #from: number;

  constructor(start: number, stages: readonly Stage[], share: Share) {
    this.#share = share;
    this.#stages = stages;
    this.#from = start;
    this.vus = share.count(start);
  }

  /** Goes to the next change; false when there is none any more. */
  advance(): boolean {
    for (let stage = this.#stages[this.#index]; stage !== undefined; stage = this.#stages[++this.#index]) {
      if (this.#advanceWithin(stage)) return true;
      this.#stageStartMs += stage.durationMs;
      this.#from = stage.target;
    }
    return false;
  }

  #advanceWithin({ durationMs, target }: Stage): boolean {
    const atTarget = this.#share.count(target);
    if (this.vus === atTarget) return false;
    const rises = this.vus < atTarget;
    // A jump is one change.
    const changed = durationMs === 0 ? atTarget : rises ? this.vus + 1 : this.vus - 1;
    if (durationMs > 0) {
      // Item `i` of the whole comes when its number rises to i + 1, and goes when it falls to i.
      const item = this.#share.item(rises ? this.vus : changed);
      const step = rises ? item + 1 - this.#from : this.#from - item;
      this.atMs = this.#stageStartMs + durationMs * step / Math.abs(target - this.#from);
    } else {
      this.atMs = this.#stageStartMs;
    }
    this.vus = changed;
    return true;
  }
}

/** How many iterations a rate that goes from `startRate` through `stages` (per `timeUnitMs`) starts in all. */
export function iterationsOfRamp(startRate: number, stages: readonly Stage[], timeUnitMs: number): number {
  const sum = areas(startRate, stages, timeUnitMs).reduce((total, { area }) => total + area, 0);
  // What is whole but for rounding is whole.
  return Math.floor(sum + 1e-9 * Math.max(1, sum));
}

/**
 * The start of iteration `k` (from 0) of such a ramp: when its integral reaches k + 1. The returned function is quickest when it
 * is asked for rising `k`.
 */
export function startsOfRamp(
  startRate: number,
  stages: readonly Stage[],
  timeUnitMs: number,
): (k: number) => number {
  const all = areas(startRate, stages, timeUnitMs);
  let index = 0;
  return (k) => {
    const wanted = k + 1;
    while (index > 0 && all[index]!.areaBefore >= wanted) index--;
    while (index < all.length - 1 && all[index]!.areaBefore + all[index]!.area < wanted) index++;
    const { startMs, durationMs, from, to, areaBefore } = all[index]!;
    const rest = Math.max(0, wanted - areaBefore);
    // Solves from·t + (to − from)·t²/(2·duration) = rest, in the form that doesn't divide by the slope.
    const root = Math.sqrt(Math.max(0, from * from + 2 * (to - from) * rest / durationMs));
    return startMs + Math.min(durationMs, 2 * rest / (from + root));
  };
}

/** A stage of a rate; rates are per millisecond. */
interface RateStage {
  readonly startMs: number;
  readonly durationMs: number;
  readonly from: number;
  readonly to: number;
  /** Iterations within the stage, and in all stages before it. */
  readonly area: number;
  readonly areaBefore: number;
}

/** The stages in which something starts; a jump only changes where the next one begins. */
function areas(startRate: number, stages: readonly Stage[], timeUnitMs: number): RateStage[] {
  const result: RateStage[] = [];
  let startMs = 0;
  let areaBefore = 0;
  let from = startRate / timeUnitMs;
  for (const { durationMs, target } of stages) {
    const to = target / timeUnitMs;
    const area = durationMs * (from + to) / 2;
    if (area > 0) result.push({ startMs, durationMs, from, to, area, areaBefore });
    startMs += durationMs;
    areaBefore += area;
    from = to;
  }
  return result;
}
