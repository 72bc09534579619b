/** The option `apm`: some of a run's metrics go to the receivers that the script names, each with a sender of its own. */

import type { SampleBatch } from "../../metrics/types.ts";
import type { Output, OutputContext, OutputLog } from "../output.ts";
import { type Clock, systemClock } from "../clock.ts";
import { describeUrl } from "../url_text.ts";
import { readConfig } from "../prometheus/config.ts";
import { MOST_LANES, RemoteWriteSender } from "../prometheus/sender.ts";
import { HttpTransport } from "../prometheus/transport.ts";
import { type ApmTarget, hasApm, readApm } from "./config.ts";
import { GridStates } from "./grid_states.ts";

/** What the output knows of the run. */
export interface ApmContext extends Omit<OutputContext, "name" | "argument"> {
  /** Whether the user asks for it; without that, blocks count only in runs for a cloud. */
  readonly isAsked: boolean;
  /** The output that reports to a cloud, which names the run; null in a local run. */
  readonly cloud: Pick<Output, "remoteRun" | "limits"> | null;
  /** What the label `test_run_id` says when no cloud names the run. */
  readonly ownRunId: string;
}

/** The statistics of a Trend; the option has no setting for them. */
const TREND_STATS = ["avg", "min", "med", "max", "p(95)", "p(99)", "count"] as const;

/** Makes the output that the script's blocks ask for; null when there are none, or they don't count. Says what is wrong with them. */
export function createApmOutput(context: ApmContext, clock: Clock = systemClock): Output | null {
  const { options, isAsked, cloud, log } = context;
  if (!hasApm(options)) {
    if (isAsked) log.info("--apm has no effect: the script's options have no cloud.apm blocks");
    return null;
  }
  if (!isAsked && cloud === null) {
    log.info("the apm blocks of the script's options send nothing in a local run; --apm switches them on");
    return null;
  }
  const { targets, warnings } = readApm(options);
  for (const warning of warnings) log.warn(warning);
  return targets.length === 0 ? null : new ApmOutput(targets, context, clock);
}

class ApmOutput implements Output {
  readonly description: string;
  /** It waits for the cloud's. */
  readonly limits?: NonNullable<Output["limits"]>;
  readonly #targets: readonly ApmTarget[];
  readonly #context: ApmContext;
  readonly #clock: Clock;
  #exports: readonly Export[] = [];
  #isOver = false;

  constructor(targets: readonly ApmTarget[], context: ApmContext, clock: Clock) {
    this.#targets = targets;
    this.#context = context;
    this.#clock = clock;
    const startMs = context.cloud?.limits?.startMs;
    if (startMs !== undefined) this.limits = { startMs };
    this.description = `apm (${targets.map(({ url }) => describeUrl(url)).join(", ")})`;
  }

  async start(): Promise<void> {
    const { cloud, ownRunId } = this.#context;
    const testRunId = (await cloud?.remoteRun)?.id ?? ownRunId;
    // The run may have ended before the cloud named it.
    if (this.#isOver) return;
    if (this.#targets.some(({ includeTestRunId }) => includeTestRunId)) {
      this.#context.log.info(`apm: the label test_run_id of this run is "${testRunId}"`);
    }
    this.#exports = this.#targets.map((target) => new Export(target, testRunId, this.#context, this.#clock));
  }

  /** Hot. */
  addSamples(batch: SampleBatch): void {
    for (let i = 0; i < this.#exports.length; i++) this.#exports[i]!.states.addSamples(batch);
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#exports.map((each) => each.stop()));
  }
}

/** One block at work: nothing of it is shared with the others. */
class Export {
  readonly states: GridStates;
  readonly #target: ApmTarget;
  readonly #context: ApmContext;
  readonly #log: OutputLog;
  readonly #sender: RemoteWriteSender;

  constructor(target: ApmTarget, testRunId: string, context: ApmContext, clock: Clock) {
    const { registry, version } = context;
    this.#target = target;
    this.#context = context;
    this.#log = withPrefix(`${target.place}: `, context.log);
    const config = remoteWriteConfig(target);
    const gridOptions = {
      ...config,
      labels: target.includeTestRunId ? [["test_run_id", testRunId] as const] : [],
      stepMs: target.resampleRateMs,
      metrics: target.metrics,
      now: () => clock.now(),
    };
    this.states = new GridStates(registry.series, gridOptions, (message) => this.#log.warn(message));
    const senderOptions = { ...config, onTheClock: true, receiver: describeUrl(target.url) };
    this.#sender = new RemoteWriteSender(
      this.states,
      new HttpTransport(config, version, MOST_LANES),
      senderOptions,
      this.#log,
      clock,
    );
    this.#sender.start();
  }

  async stop(): Promise<void> {
    this.states.finish();
    await this.#sender.stop();
    const unknown = Array.from(this.#target.metrics).filter((name) =>
      this.#context.registry.metric(name) === undefined
    );
    if (unknown.length > 0) {
      this.#log.warn(`nothing was measured of ${unknown.join(", ")}: check the names in metrics`);
    }
  }
}

/** The settings of remote write that a block stands for; what blocks can't say has its default, whatever the environment. */
function remoteWriteConfig({ url, authentication, resampleRateMs }: ApmTarget) {
  const block = { url: url.href, trendStats: TREND_STATS };
  const sources = { argument: "", name: "apm", env: {}, collectors: {}, features: [] };
  const config = readConfig({ ...sources, options: { prometheusRemoteWrite: block } });
  return { ...config, authentication, pushIntervalMs: resampleRateMs };
}

function withPrefix(prefix: string, log: OutputLog): OutputLog {
  return {
    debug: (message) => log.debug(prefix + message),
    info: (message) => log.info(prefix + message),
    warn: (message) => log.warn(prefix + message),
    error: (message) => log.error(prefix + message),
  };
}
