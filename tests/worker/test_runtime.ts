/** A worker's shared state without a worker: samples go to a registry, log lines to a list. */

import { MetricRegistry } from "../../src/metrics/registry.ts";
import { SampleRecorder } from "../../src/metrics/sample_recorder.ts";
import { HttpNetwork } from "../../src/net/http_client.ts";
import { consolidate } from "../../src/options/consolidate.ts";
import type { Options } from "../../src/options/types.ts";
import type { FromWorker } from "../../src/worker/messages.ts";
import { WorkerRuntime } from "../../src/worker/runtime.ts";
import { allocateSharedState, SharedState, type SharedStateBuffers } from "../../src/worker/shared_state.ts";
import type { Timers } from "../../src/worker/timers.ts";
import { VirtualUser } from "../../src/worker/virtual_user.ts";

/** A worker among several; `buffers` are shared by them all. */
export interface Place {
  readonly worker: number;
  readonly workers: number;
  readonly buffers?: SharedStateBuffers;
  readonly timers?: Timers;
}

const ALONE: Place = { worker: 0, workers: 1 };

/** Everything that a test of the worker's parts needs. */
export class TestRuntime {
  readonly options: Options;
  readonly registry = new MetricRegistry();
  readonly posted: FromWorker[] = [];
  readonly runtime: WorkerRuntime;
  readonly #recorder = new SampleRecorder((batch) => this.registry.ingest(0, batch));

  /** `script` holds the options that a script would export. */
  constructor(script: Record<string, unknown>, { worker, workers, buffers, timers }: Place = ALONE) {
    this.options = consolidate({ script, env: {}, flags: {}, exportedFunctions: ["default"] }).options;
    const network = new HttpNetwork({
      insecureSkipTlsVerify: false,
      noConnectionReuse: false,
      caCerts: [],
      dialTimeoutMs: 1000,
    });
    const state = new SharedState(buffers ?? allocateSharedState(1, this.options.scenarios.length, 0));
    this.runtime = new WorkerRuntime(
      { worker, workers, pacer: null },
      this.options,
      this.#recorder,
      network,
      state,
      (said) => this.posted.push(said),
      timers,
    );
  }

  /** A virtual user past its init code, with these exports. */
  user(id: number, exports: Record<string, unknown>): VirtualUser {
    const user = new VirtualUser(id, this.runtime, {});
    user.init(() => exports, () => {});
    return user;
  }

  /** Tags of the series of a metric, as `name=value` lists. */
  tagsOf(metric: string): string[] {
    this.#recorder.flush();
    return this.registry.series.filter((series) => series.metric.name === metric)
      .map(({ tags }) => tags.map(([name, value]) => `${name}=${value}`).join(" "));
  }

  /** Sum of a counter. */
  sumOf(metric: string): number {
    this.#recorder.flush();
    const sink = this.registry.metric(metric)!.sink;
    if (sink.type !== "counter") throw new TypeError(`${metric} is a ${sink.type}`);
    return sink.sum;
  }
}
