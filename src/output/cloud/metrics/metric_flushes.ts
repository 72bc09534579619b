/** Adds up what a run measures, and at every push interval hands over what is due to be told. */

import type { TimeSeries } from "../../../metrics/registry.ts";
import type { SampleBatch } from "../../../metrics/types.ts";
import type { Clock } from "../../clock.ts";
import { type MetricSet, metricSets } from "./metric_sets.ts";
import { type ClosedWindow, TimeWindows, type WindowOptions } from "./time_windows.ts";

/** What flushes need to know and whom they hand over to. */
export interface FlushOptions extends WindowOptions {
  /** From one hand-over to the next. */
  readonly pushIntervalMs: number;
  /** Most time series in a message. */
  readonly maxSeries: number;
  readonly clock: Clock;
  readonly warn: (message: string) => void;
  /** Takes the messages of one flush, at least one, which are made as they are asked for. Must neither block nor throw. */
  readonly deliver: (sets: Iterable<MetricSet>) => void;
}

/** The way of metrics from samples to messages. Life: `start`, any number of `addSamples`, `stop`, `takeRest`. */
export class MetricFlushes {
  readonly #options: FlushOptions;
  readonly #windows: TimeWindows;
  readonly #ending = new AbortController();
  #ticking: Promise<void> | null = null;
  #isDiscarding = false;

  /** `series` is the registry's own, growing array. */
  constructor(series: readonly TimeSeries[], options: FlushOptions) {
    this.#options = options;
    this.#windows = new TimeWindows(series, options, options.warn);
  }

  /** Begins to hand over. */
  start(): void {
    this.#ticking ??= this.#tick();
  }

  /** Hot. */
  addSamples(batch: SampleBatch): void {
    if (!this.#isDiscarding) this.#windows.addSamples(batch);
  }

  /** Ends the handing over; resolves at once. */
  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#ticking;
  }

  /** The messages of all that has not been handed over, without waiting for late samples; may be none. */
  takeRest(): Iterable<MetricSet> {
    return metricSets(this.#windows.takeAll(), this.#options.maxSeries);
  }

  /** Forgets what has not been handed over, and all samples that are still to come: the service takes no more. */
  discard(): void {
    this.#isDiscarding = true;
    this.#windows.takeAll();
  }

  async #tick(): Promise<void> {
    const { clock, pushIntervalMs, maxSeries, deliver } = this.#options;
    const { signal } = this.#ending;
    for (;;) {
      await clock.sleep(pushIntervalMs, signal);
      if (signal.aborted) return;
      const windows: readonly ClosedWindow[] = this.#windows.takeClosed(clock.now());
      if (windows.length > 0) deliver(metricSets(windows, maxSeries));
    }
  }
}
