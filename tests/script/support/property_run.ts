/** Runs many random programs on all cores, in bounded memory. */

import type { Stretch, StretchResult } from "./differential_worker.ts";
import type { Usage } from "./differential.ts";
import type { Feature } from "./programs/builder.ts";

/** What came of all programs. */
export interface PropertyResult {
  readonly usage: Usage;
  /** A report on a program that differs. */
  readonly failure: string | undefined;
}

/**
 * Programs for a thread. V8 keeps what it compiled from text for some collections to come, some 30 KB a program: a
 * thread that ends gives it back.
 */
const STRETCH = 2500;

/** Runs the programs 0 to below `count` of a seed, until one differs. */
export async function runPrograms(
  seed: number,
  count: number,
  { without = [], progress }: {
    readonly without?: readonly Feature[];
    readonly progress?: (done: number) => void;
  } = {},
): Promise<PropertyResult> {
  const usage: Usage = {};
  let failure: string | undefined;
  let next = 0;
  let done = 0;
  const threads = navigator.hardwareConcurrency;
  const size = Math.min(STRETCH, Math.ceil(count / threads));
  await Promise.all(Array.from({ length: threads }, async () => {
    while (next < count && failure === undefined) {
      const from = next;
      const to = next = Math.min(count, from + size);
      const result = await runStretch({ seed, from, to, without });
      for (const [kind, { suspended, blocked }] of Object.entries(result.usage)) {
        const sum = usage[kind] ??= { suspended: 0, blocked: 0 };
        sum.suspended += suspended;
        sum.blocked += blocked;
      }
      failure ??= result.failure;
      done += to - from;
      progress?.(done);
    }
  }));
  return { usage, failure };
}

function runStretch(stretch: Stretch): Promise<StretchResult> {
  const worker = new Worker(new URL("./differential_worker.ts", import.meta.url).href, { type: "module" });
  const { promise, resolve, reject } = Promise.withResolvers<StretchResult>();
  worker.onmessage = ({ data }: MessageEvent<StretchResult>) => resolve(data);
  worker.onerror = (event) => {
    event.preventDefault();
    reject(new Error(`programs ${stretch.from} to ${stretch.to} of seed ${stretch.seed}: ${event.message}`));
  };
  worker.postMessage(stretch);
  return promise.finally(() => worker.terminate());
}
