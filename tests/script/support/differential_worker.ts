/** A thread that runs a stretch of the random programs of a seed; `property_run.ts` starts it. */

import { Choices, shrink } from "./choices.ts";
import { differenceOf, FEATURES, programText, type Usage } from "./differential.ts";
import type { Feature } from "./programs/builder.ts";

/** What to run: programs `from` to below `to`. */
export interface Stretch {
  readonly seed: number;
  readonly from: number;
  readonly to: number;
  /** Parts of the language that the programs do without. */
  readonly without: readonly Feature[];
}

/** What came of it; `failure` is a complete report on the first program that differs. */
export interface StretchResult {
  readonly usage: Usage;
  readonly failure?: string;
}

/** Runs of a failing program that finding a simpler one may take. */
const SHRINKING = 2000;

async function run({ seed, from, to, without }: Stretch): Promise<StretchResult> {
  const features = FEATURES.difference(new Set(without));
  const usage: Usage = {};
  for (let index = from; index < to; index++) {
    const choices = new Choices(Math.imul(seed, 0x85ebca6b) ^ Math.imul(index + 1, 0x9e3779b1));
    const difference = await differenceOf(choices, usage, features);
    if (difference === undefined) continue;
    const fails = async (candidate: Choices) => await differenceOf(candidate, {}, features) !== undefined;
    const { recording } = await shrink(choices, fails, SHRINKING);
    const failure = [
      `program ${index} of seed ${seed} differs ${difference}`,
      `the simplest that was found differs ${await differenceOf(new Choices(recording), {}, features)}`,
      programText(new Choices(recording), features),
    ].join("\n");
    return { usage, failure };
  }
  return { usage };
}

self.onmessage = async ({ data }: MessageEvent<Stretch>) => self.postMessage(await run(data));
