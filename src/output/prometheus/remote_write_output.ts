/** The Prometheus remote-write output: takes every sample of a run, pushes cumulative values to a receiver. */

import type { SampleBatch } from "../../metrics/types.ts";
import type { Output, OutputContext } from "../output.ts";
import { systemClock } from "../clock.ts";
import { describeUrl } from "../url_text.ts";
import { readConfig } from "./config.ts";
import { MOST_LANES, RemoteWriteSender } from "./sender.ts";
import { SeriesStates } from "./series_state.ts";
import { HttpTransport } from "./transport.ts";

/** Makes the output from its settings (see `config.ts`); throws an `OutputError` when they are wrong. */
export function createRemoteWriteOutput(context: OutputContext): Output {
  return new RemoteWriteOutput(context);
}

class RemoteWriteOutput implements Output {
  readonly description: string;
  readonly secrets: readonly string[];
  readonly #states: SeriesStates;
  readonly #sender: RemoteWriteSender;

  constructor(context: OutputContext) {
    const config = readConfig(context);
    const { log, registry } = context;
    const receiver = describeUrl(config.url);
    this.secrets = config.secrets;
    this.description = `Prometheus remote write (${receiver})`;
    for (const warning of config.warnings) log.warn(`Prometheus remote write: ${warning}`);
    this.#states = new SeriesStates(
      registry.series,
      { ...config, labels: config.instance === "" ? [] : [["instance", config.instance]] },
      (message) => log.warn(`Prometheus remote write: ${message}`),
    );
    const transport = new HttpTransport(config, context.version, MOST_LANES);
    this.#sender = new RemoteWriteSender(this.#states, transport, { ...config, receiver }, log, systemClock);
  }

  /** Doesn't wait for the receiver: one that comes up later gets the values then, because they are cumulative. */
  start(): Promise<void> {
    this.#sender.start();
    return Promise.resolve();
  }

  addSamples(batch: SampleBatch): void {
    this.#states.addSamples(batch);
  }

  stop(): Promise<void> {
    return this.#sender.stop();
  }
}
