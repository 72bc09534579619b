/** What an output is: a consumer of every sample of a run, fed on the main thread. */

import type { MetricRegistry } from "../metrics/registry.ts";
import type { SampleBatch } from "../metrics/types.ts";
import type { LogLine } from "./log_line.ts";
import type { CloudLaunch, RemoteRun, RunEnding, TestFacts } from "./run_facts.ts";

/** Where an output reports to; lines go to k6d's log. */
export interface OutputLog {
  debug(message: string, fields?: LineFields): void;
  info(message: string, fields?: LineFields): void;
  warn(message: string, fields?: LineFields): void;
  error(message: string, fields?: LineFields): void;
}

/** Names and values beside a line's message. */
export type LineFields = Readonly<Record<string, string>>;

/** All that an output may know of the run it belongs to. */
export interface OutputContext {
  /** The text after `=` in `-o name=argument`; empty without one. */
  readonly argument: string;
  /** The name under which the user asked for the output. */
  readonly name: string;
  /** The environment that k6d was started with. */
  readonly env: Readonly<Record<string, string>>;
  /** The consolidated options as JSON (k6's spelling), for outputs that take settings from the script. */
  readonly options: Readonly<Record<string, unknown>>;
  /** The outputs' settings in the configuration file, by the outputs' names; whatever JSON stands there. */
  readonly collectors: Readonly<Record<string, unknown>>;
  /** Whether the script and its files stay out of the cloud, as the command line says; undefined: other settings say. */
  readonly noArchiveUpload?: boolean | undefined;
  /** The feature flags that are on, for example `native-histograms`. */
  readonly features: readonly string[];
  readonly registry: MetricRegistry;
  readonly log: OutputLog;
  readonly version: string;
  readonly test: TestFacts;
  readonly launch: CloudLaunch;
  /** Ends the run as soon as may be, with exit code 105; `message` says why. Without effect on a run that is over. */
  stopRun(message: string): void;
  /** From now on the text appears in no line of the log: a token that a service has given, for example. */
  redact(text: string): void;
  /** From now on `write` gets each line of the log, free of secrets, until the function that is returned is called. */
  followLog(write: (line: LogLine) => void): () => void;
}

/** One running output. Life: `start`, any number of `addSamples`, `stop`. */
export interface Output {
  /** Text for the banner, read once the output has started, for example `Prometheus remote write (http://localhost:9090/api/v1/write)`. */
  readonly description: string;
  /** Passwords, tokens and the like, which no line of the log may show. Default none. */
  readonly secrets?: readonly string[];
  /** How long `start` and `stop` may take before the run goes on without them. Default 30 s and 75 s. */
  readonly limits?: { readonly startMs?: number; readonly stopMs?: number };
  /** The run as the output's service knows it, once it has started; stays pending when it can't. Absent: no such service. */
  readonly remoteRun?: Promise<RemoteRun>;
  /** Resolves once the output can take samples; rejects with an `OutputError` when it can't work at all. */
  start(): Promise<void>;
  /** Takes samples with the registry's series ids (`registry.series[id]`). Hot; must neither block nor throw. The batch may be kept but not written. */
  addSamples(batch: SampleBatch): void;
  /** Sends what is left, bounded in time; never rejects: what went wrong is logged. Comes also when `start` failed or never came. */
  stop(ending: RunEnding): Promise<void>;
}

/** Makes an output from its settings; throws an `OutputError` when they are wrong. */
export type OutputFactory = (context: OutputContext) => Output;

/** A mistake in an output's settings, or an output that can't start; the message is for the user. */
export class OutputError extends Error {
  override name = "OutputError";
}
