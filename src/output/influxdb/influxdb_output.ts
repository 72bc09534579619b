/**
 * The influxdb output (v1): every sample as a point of its own, written each push interval by a few requests at once.
 * A write that failed on its way is tried again, which stores nothing twice: InfluxDB knows a point by its series and time.
 */

import type { SampleBatch } from "../../metrics/types.ts";
import type { Output, OutputContext, OutputLog } from "../output.ts";
import { jittered, nextTurn, systemClock } from "../clock.ts";
import { longEnough, passwordSecrets } from "../secrets.ts";
import { describeUrl, identityOf } from "../url_text.ts";
import { Backlog } from "./backlog.ts";
import { type InfluxConfig, readConfig } from "./config.ts";
import type { Destination } from "./destination.ts";
import { HttpDestination } from "./http_destination.ts";
import { LineProtocol } from "./line_protocol.ts";
import { UdpDestination } from "./udp_destination.ts";

/** Samples that may wait: 40 MB, or a little more. */
const BACKLOG_SAMPLES = 2_000_000;

/** Most lines of a request: what InfluxDB recommends, and encoded in a few milliseconds. */
const REQUEST_LINES = 5000;

/** A request that is longer takes no further lines: InfluxDB refuses 25 MB. */
const REQUEST_CHARACTERS = 4_000_000;

/** Lines that are encoded without a look at their length. */
const CHUNK_LINES = 100;

/** Waits between attempts double from the first to the last. */
const FIRST_BACKOFF_MS = 250;
const LAST_BACKOFF_MS = 10_000;

/** The longest wait once the run has ended. */
const STOP_BACKOFF_MS = 500;

/** `stop` gives up when nothing was accepted for so long, sooner when there was never a server, and after so long in any case. */
const STOP_IDLE_MS = 15_000;
const STOP_UNREACHABLE_MS = 1000;
const STOP_LIMIT_MS = 60_000;

const STOP_CHECK_MS = 100;

/** Makes the output from its settings (see `config.ts`); throws an `OutputError` when they are wrong. */
export function createInfluxdbOutput(context: OutputContext): Output {
  return new InfluxdbOutput(context);
}

class InfluxdbOutput implements Output {
  readonly description: string;
  readonly secrets: readonly string[];
  readonly #config: InfluxConfig;
  readonly #address: string;
  readonly #log: OutputLog;
  readonly #lines: LineProtocol;
  readonly #destination: Destination;
  readonly #encoder = new TextEncoder();
  readonly #backlog = new Backlog(BACKLOG_SAMPLES);
  /** Samples of the backlog that the present flush still has to write. */
  #due = 0;
  readonly #writers = new Set<Promise<void>>();
  /** Writers that will still look for what is due. */
  #active = 0;
  #turn: Promise<void> = Promise.resolve();
  #timer: ReturnType<typeof setInterval> | undefined;
  /** Aborts when the run ends: no more long waits between attempts. */
  readonly #stopping = new AbortController();
  /** Aborts when `stop` has used up its time. */
  readonly #overdue = new AbortController();
  #lastAcceptedMs = 0;
  /** Whether every attempt so far has met no server. */
  #unreachable = false;
  #warnedOfSlowness = false;
  #warnedOfDrops = false;
  #accepted = 0;
  /** Samples that were not stored, by the reason. */
  readonly #lost = new Map<string, number>();
  readonly #complaints = new Set<string>();

  constructor(context: OutputContext) {
    const { log, registry, version } = context;
    const config = readConfig(context);
    this.#config = config;
    this.#address = describeUrl(config.address);
    this.description = `InfluxDBv1 (${this.#address})`;
    this.secrets = longEnough([
      ...passwordSecrets(config.credentials),
      config.proxy === null ? "" : identityOf(config.proxy).password,
    ]);
    for (const warning of config.warnings) log.warn(`influxdb output: ${warning}`);
    this.#log = log;
    this.#lines = new LineProtocol(registry.series, config);
    this.#destination = config.address.protocol === "udp:"
      ? new UdpDestination(config)
      : new HttpDestination(config, version, log);
  }

  async start(): Promise<void> {
    await this.#destination.open();
    this.#timer = setInterval(() => this.#flush(), this.#config.pushIntervalMs);
  }

  addSamples(batch: SampleBatch): void {
    this.#backlog.add(batch);
    if (this.#backlog.dropped > 0 && !this.#warnedOfDrops) this.#warnOfDrops();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#stopping.abort();
    const watch = this.#watchStop();
    this.#flush();
    await Promise.all(this.#writers);
    clearInterval(watch);
    this.#destination.close();
    this.#report();
  }

  /** Has all that waits written, by as few writers as can do it in one request each, but by no more than are allowed. */
  #flush(): void {
    this.#due = this.#backlog.length;
    const wanted = Math.min(Math.ceil(this.#due / REQUEST_LINES), this.#config.concurrentWrites);
    while (this.#active < wanted) {
      this.#active++;
      const writer = this.#write();
      this.#writers.add(writer);
      writer.then(() => this.#writers.delete(writer));
    }
  }

  /** Writes until nothing is due. Never rejects. */
  async #write(): Promise<void> {
    while (this.#due > 0 && !this.#overdue.signal.aborted) {
      await this.#nextTurn();
      const { text, lines } = this.#encodeDue();
      if (lines > 0) await this.#deliver(this.#encoder.encode(text), lines);
    }
    this.#active--;
  }

  /** Lets the main thread do other work between two encodings. */
  #nextTurn(): Promise<void> {
    return this.#turn = this.#turn.then(nextTurn);
  }

  /** As much of what is due as one request takes. */
  #encodeDue(): { readonly text: string; readonly lines: number } {
    const leftOutBefore = this.#leftOut;
    let text = "";
    let samples = 0;
    while (this.#due > 0 && samples < REQUEST_LINES && text.length < REQUEST_CHARACTERS) {
      const chunk = Math.min(this.#due, CHUNK_LINES);
      for (const { batch, from, to } of this.#backlog.take(chunk)) text += this.#lines.encode(batch, from, to);
      this.#due -= chunk;
      samples += chunk;
    }
    return { text, lines: samples - (this.#leftOut - leftOutBefore) };
  }

  get #leftOut(): number {
    return this.#lines.notFinite + this.#lines.tooLong;
  }

  async #deliver(body: Uint8Array<ArrayBuffer>, lines: number): Promise<void> {
    let lastFailure: string | null = null;
    for (let backoffMs = FIRST_BACKOFF_MS;; backoffMs = Math.min(backoffMs * 2, LAST_BACKOFF_MS)) {
      const startedMs = performance.now();
      const outcome = await this.#destination.write(body, lines, this.#overdue.signal);
      this.#unreachable = outcome.kind === "failed" && !outcome.answered && this.#accepted === 0;
      if (outcome.kind === "accepted") return this.#noteAccepted(lines, performance.now() - startedMs);
      if (outcome.kind === "refused") {
        this.#complain(outcome, "not tried again");
        this.#accepted += lines - outcome.lines;
        return this.#lose(outcome.cause, outcome.lines);
      }
      if (this.#overdue.signal.aborted) return this.#lose(lastFailure ?? outcome.cause, lines);
      lastFailure = outcome.cause;
      this.#complain(outcome, "trying again");
      const waitMs = outcome.retryAfterMs ?? jittered(backoffMs);
      if (!this.#stopping.signal.aborted) await systemClock.sleep(waitMs, this.#stopping.signal);
      else await systemClock.sleep(Math.min(waitMs, STOP_BACKOFF_MS), this.#overdue.signal);
    }
  }

  #noteAccepted(lines: number, tookMs: number): void {
    this.#accepted += lines;
    this.#lastAcceptedMs = performance.now();
    const { pushIntervalMs } = this.#config;
    if (tookMs <= pushIntervalMs || this.#warnedOfSlowness) return;
    this.#warnedOfSlowness = true;
    this.#log.warn(
      `InfluxDB (${this.#address}) took ${Math.round(tookMs) / 1000} s for a write, longer than the push interval of ` +
        `${pushIntervalMs / 1000} s: samples arrive late, and some may find no place to wait`,
    );
  }

  #warnOfDrops(): void {
    this.#warnedOfDrops = true;
    this.#log.warn(
      `InfluxDB (${this.#address}) takes samples slower than the test makes them: leaving out what comes while ` +
        `${BACKLOG_SAMPLES} wait`,
    );
  }

  /** Says each cause once. */
  #complain({ cause, detail }: { readonly cause: string; readonly detail: string }, whatNext: string): void {
    if (this.#complaints.has(cause)) return;
    this.#complaints.add(cause);
    this.#log.error(
      `InfluxDB (${this.#address}): couldn't write samples: ${cause}${detail && `: ${detail}`}; ${whatNext}`,
    );
  }

  #lose(reason: string, samples: number): void {
    if (samples > 0) this.#lost.set(reason, (this.#lost.get(reason) ?? 0) + samples);
  }

  #watchStop(): ReturnType<typeof setInterval> {
    const startedMs = performance.now();
    this.#lastAcceptedMs = startedMs;
    return setInterval(() => {
      const nowMs = performance.now();
      const idleMs = this.#unreachable ? STOP_UNREACHABLE_MS : STOP_IDLE_MS;
      const isOverdue = nowMs - this.#lastAcceptedMs > idleMs || nowMs - startedMs > STOP_LIMIT_MS;
      if (isOverdue) this.#overdue.abort();
    }, STOP_CHECK_MS);
  }

  #report(): void {
    this.#lose("no time left", this.#backlog.length);
    this.#lose("too many waited", this.#backlog.dropped);
    this.#lose("NaN or infinite, which InfluxDB can't hold", this.#lines.notFinite);
    this.#lose("tags longer than 64 KB", this.#lines.tooLong);
    if (this.#lost.size === 0) return this.#log.debug(`InfluxDB (${this.#address}): ${this.#accepted} samples written`);
    const lost = Array.from(this.#lost.values()).reduce((sum, samples) => sum + samples);
    const reasons = Array.from(this.#lost, ([reason, samples]) => `${reason}: ${samples}`).join(", ");
    this.#log.warn(
      `InfluxDB (${this.#address}): ${lost} of ${this.#accepted + lost} samples are not stored there (${reasons})`,
    );
  }
}
