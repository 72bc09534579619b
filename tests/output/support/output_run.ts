/** A run for tests of outputs: one worker's samples go through a registry to an output. */

import { MetricRegistry } from "../../../src/metrics/registry.ts";
import type { MetricType, SampleMetadata, SeriesDefinition, TagPairs } from "../../../src/metrics/types.ts";
import type { LogLine } from "../../../src/output/log_line.ts";
import type { Output, OutputContext } from "../../../src/output/output.ts";
import { createOutput } from "../../../src/output/outputs.ts";
import { type CloudLaunch, PLAIN_LAUNCH, type RunEnding, type TestFacts } from "../../../src/output/run_facts.ts";
import { CLEAN_END, TEST_FACTS } from "./run_facts.ts";

/** What an output is told beside its name and argument. */
export type RunSettings =
  & Partial<Pick<OutputContext, "env" | "collectors" | "options" | "features">>
  & { readonly test?: Partial<TestFacts>; readonly launch?: Partial<CloudLaunch> };

/** Samples of one batch: of which series, when, with which value. */
export interface TestSample {
  /** Of a built-in metric, or one that `define` made. Default `http_reqs`. */
  readonly metric?: string;
  readonly tags?: TagPairs;
  readonly value?: number;
  readonly atEpochMs?: number;
}

/** What stands after `-o`, or what makes the output. */
export type OutputSpec = string | ((context: Omit<OutputContext, "name" | "argument">) => Output);

export class OutputRun {
  readonly output: Output;
  readonly registry: MetricRegistry;
  /** Warnings and errors, as `warn: …` and `error: …`. */
  readonly complaints: string[] = [];
  /** Why the output wanted the run to end. */
  readonly stops: string[] = [];
  /** What the output wants no line of the log to show. */
  readonly redacted: string[] = [];
  readonly #followers = new Set<(line: LogLine) => void>();
  readonly #ids = new Map<string, number>();
  #waiting: (() => void)[] = [];

  /** `spec` is what stands after `-o`, or makes the output. */
  constructor(
    spec: OutputSpec,
    { env = {}, collectors = {}, options = {}, features = [], test = {}, launch = {} }: RunSettings = {},
    registry = new MetricRegistry(() => {}),
  ) {
    this.registry = registry;
    const make = typeof spec === "string" ? createOutput.bind(null, spec) : spec;
    this.output = make({
      env,
      options,
      collectors,
      features,
      registry: this.registry,
      version: "1.2.3",
      test: { ...TEST_FACTS, ...test },
      launch: { ...PLAIN_LAUNCH, ...launch },
      stopRun: (message) => this.stops.push(message),
      redact: (text) => this.redacted.push(text),
      followLog: (write) => {
        this.#followers.add(write);
        return () => this.#followers.delete(write);
      },
      log: {
        debug() {},
        info() {},
        warn: (message) => this.#complain(`warn: ${message}`),
        error: (message) => this.#complain(`error: ${message}`),
      },
    });
  }

  /** The complaints that are errors. */
  get errors(): string[] {
    return this.complaints.filter((line) => line.startsWith("error: "));
  }

  /** The run is over. */
  stop(ending: RunEnding = CLEAN_END): Promise<void> {
    return this.output.stop(ending);
  }

  /** Something is written to the log, which the output may follow. */
  log(line: LogLine): void {
    for (const follow of this.#followers) follow(line);
  }

  /** Defines a metric of the script. */
  define(name: string, type: MetricType): void {
    this.registry.define(name, type, "default");
  }

  /** One sample. */
  add(
    metric: string,
    tags: TagPairs,
    value: number,
    atEpochMs = Date.now(),
    metadata: TagPairs | null = null,
  ): void {
    const marked = metadata === null ? null : { column: Uint32Array.of(1), sets: [metadata] };
    this.addAll([{ metric, tags, value, atEpochMs }], marked);
  }

  /** Samples in one batch, as a worker would send it. */
  addAll(samples: readonly TestSample[], metadata: SampleMetadata | null = null): void {
    const newSeries: SeriesDefinition[] = [];
    const now = Date.now();
    this.output.addSamples(this.registry.ingest(0, {
      length: samples.length,
      series: Uint32Array.from(samples, ({ metric, tags }) => this.#seriesId(metric, tags, newSeries)),
      times: Float64Array.from(samples, ({ atEpochMs }) => atEpochMs ?? now),
      values: Float64Array.from(samples, ({ value }) => value ?? 1),
      metadata,
      newMetrics: [],
      newSeries,
    }));
  }

  /** One batch of `length` samples of a series of `http_reqs`, each with the value 1 and a time of its own. */
  addMany(length: number, startEpochMs = Date.now()): void {
    const newSeries: SeriesDefinition[] = [];
    const id = this.#seriesId("http_reqs", [], newSeries);
    this.output.addSamples(this.registry.ingest(0, {
      length,
      series: new Uint32Array(length).fill(id),
      times: new Float64Array(length).map((_, i) => startEpochMs + i / 4096),
      values: new Float64Array(length).fill(1),
      metadata: null,
      newMetrics: [],
      newSeries,
    }));
  }

  /** Resolves once there is a complaint that matches. */
  async complained(pattern: RegExp): Promise<void> {
    while (!this.complaints.some((line) => pattern.test(line))) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  #complain(line: string): void {
    this.complaints.push(line);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }

  #seriesId(metricName = "http_reqs", tags: TagPairs = [], newSeries: SeriesDefinition[]): number {
    const metric = this.registry.metric(metricName);
    if (metric === undefined) throw new Error(`no metric ${metricName}`);
    const key = metricName + JSON.stringify(tags);
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const id = this.#ids.size;
    this.#ids.set(key, id);
    newSeries.push({ id, metric: metric.id, tags });
    return id;
  }
}
