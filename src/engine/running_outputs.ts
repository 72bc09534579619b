/** The outputs of a run, side by side: none can break, slow or stop another, nor keep the run from its end. */

import type { SampleBatch } from "../metrics/types.ts";
import { type Output, OutputError, type OutputLog } from "../output/output.ts";
import type { RemoteRun, RunEnding } from "../output/run_facts.ts";

/** How long an output may take to start. */
const START_LIMIT_MS = 30_000;

/** How long an output may take to stop: the last resort, since each has a shorter limit of its own. */
const STOP_LIMIT_MS = 75_000;

/** Bounds for tests. */
export interface OutputLimits {
  readonly startMs: number;
  readonly stopMs: number;
}

/** Starts, feeds and stops all outputs of a run. */
export class RunningOutputs {
  readonly #outputs: readonly Output[];
  readonly #log: OutputLog;
  readonly #limits: OutputLimits;
  /** Those that are given samples. */
  readonly #fed: Output[] = [];

  constructor(
    outputs: readonly Output[],
    log: OutputLog,
    limits: OutputLimits = { startMs: START_LIMIT_MS, stopMs: STOP_LIMIT_MS },
  ) {
    this.#outputs = outputs;
    this.#log = log;
    this.#limits = limits;
  }

  /** In the order in which they were asked for. */
  get descriptions(): string[] {
    return this.#outputs.map(({ description }) => description);
  }

  /** The run as a service knows it; null where no output has one. Stays pending until that output has started. */
  get remoteRun(): Promise<RemoteRun> | null {
    return this.#outputs.find(({ remoteRun }) => remoteRun !== undefined)?.remoteRun ?? null;
  }

  /** Starts all at once; throws the `OutputError` of the first that can't. */
  async start(): Promise<void> {
    await Promise.all(this.#outputs.map((output) => this.#start(output)));
    this.#fed.push(...this.#outputs);
  }

  /** Hands a batch to every output. Hot. One that throws, which none should, is given nothing more. */
  addSamples(batch: SampleBatch): void {
    for (let i = 0; i < this.#fed.length; i++) {
      try {
        this.#fed[i]!.addSamples(batch);
      } catch (error) {
        this.#log.error(`output ${this.#fed[i]!.description} failed and gets no more samples: ${reasonOf(error)}`);
        this.#fed.splice(i--, 1);
      }
    }
  }

  /** Stops all at once, also those that never started; takes no longer than the limit and never rejects. */
  async stop(ending: RunEnding): Promise<void> {
    await Promise.all(this.#outputs.map((output) => this.#stop(output, ending)));
  }

  async #start(output: Output): Promise<void> {
    const { startMs } = { ...this.#limits, ...output.limits };
    if (await isOver(output.start(), startMs)) return;
    throw new OutputError(`output ${output.description} did not start within ${startMs / 1000} s`);
  }

  async #stop(output: Output, ending: RunEnding): Promise<void> {
    const { stopMs } = { ...this.#limits, ...output.limits };
    try {
      if (await isOver(output.stop(ending), stopMs)) return;
      this.#log.error(
        `output ${output.description} did not stop within ${
          stopMs / 1000
        } s: what it had not delivered by then is lost`,
      );
    } catch (error) {
      this.#log.error(`output ${output.description} failed to stop: ${reasonOf(error)}`);
    }
  }
}

/** Whether `work` is over before `limitMs` have passed; rejects as `work` does. */
async function isOver(work: Promise<void>, limitMs: number): Promise<boolean> {
  const { promise: limit, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), limitMs);
  try {
    return await Promise.race([work.then(() => true), limit]);
  } finally {
    clearTimeout(timer);
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
