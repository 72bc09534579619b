/** The OpenTelemetry output: takes every sample of a run, exports cumulative metrics over OTLP. */

import type { SampleBatch } from "../../metrics/types.ts";
import type { Output, OutputContext } from "../output.ts";
import { systemClock } from "../clock.ts";
import { describeReceiver, readConfig } from "./config.ts";
import { Exporter } from "./exporter.ts";
import { ExportRequests } from "./export_requests.ts";
import { GrpcTransport } from "./grpc_transport.ts";
import { HttpTransport } from "./http_transport.ts";
import { Instruments } from "./instruments.ts";

/** Makes the output from its settings (see `config.ts`); throws an `OutputError` when they are wrong. */
export function createOtelOutput(context: OutputContext): Output {
  return new OtelOutput(context);
}

class OtelOutput implements Output {
  readonly description: string;
  readonly secrets: readonly string[];
  readonly #instruments: Instruments;
  readonly #exporter: Exporter;

  constructor(context: OutputContext) {
    const config = readConfig(context);
    const { log, registry, version } = context;
    const warn = (message: string) => log.warn(`OpenTelemetry output: ${message}`);
    const receiver = describeReceiver(config);
    this.secrets = config.secrets;
    this.description = `OpenTelemetry (${config.protocol}, ${receiver})`;
    for (const warning of config.warnings) warn(warning);
    this.#instruments = new Instruments(registry.series, config.metricPrefix, warn);
    const requests = new ExportRequests(this.#instruments.all, config.resource, systemClock.now());
    const transport = config.protocol === "grpc"
      ? new GrpcTransport(config, version)
      : new HttpTransport(config, version);
    this.#exporter = new Exporter(requests, transport, { ...config, receiver }, log, systemClock);
  }

  /** Doesn't wait for the receiver: one that comes up later gets the values then, because they are cumulative. */
  start(): Promise<void> {
    this.#exporter.start();
    return Promise.resolve();
  }

  addSamples(batch: SampleBatch): void {
    this.#instruments.addSamples(batch);
  }

  stop(): Promise<void> {
    return this.#exporter.stop();
  }
}
