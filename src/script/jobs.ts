/**
 * Jobs: what a script's promises have to run later (ECMA-262, Jobs). Every virtual user owns a queue and runs them in
 * order, one at a time; a job that blocks keeps all later ones waiting, as in k6.
 */

import type { Coroutine } from "./suspension.ts";

/** Something to run once. */
export interface Job {
  /** Runs the job to its end and returns null; or returns a coroutine, not yet begun, that does. */
  start(): Coroutine | null;
}

/** The jobs of one virtual user. */
export interface JobQueue {
  push(job: Job): void;
  /** A promise was rejected that nobody handles. */
  rejected(promise: object, reason: unknown): void;
  /** Somebody handles it after all. */
  handled(promise: object): void;
}

let source = (): JobQueue => {
  throw new Error("no virtual user runs");
};

/** Sets where promises find the queue of the code that runs. */
export function setJobQueueSource(queueOfRunningCode: () => JobQueue): void {
  source = queueOfRunningCode;
}

/** The queue of the code that runs. */
export function currentJobQueue(): JobQueue {
  return source();
}
