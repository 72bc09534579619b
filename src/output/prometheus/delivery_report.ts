/** What is said about the delivery: each problem once when it begins, and one line at the end. */

import type { OutputLog } from "../output.ts";
import { adviceFor, type Failure, OWN_LABEL } from "./answer.ts";

/** Most left-out series that are named one by one. */
const MOST_NAMED = 3;

/** Numbers of time series. */
interface Losses {
  /** Without their last values. */
  readonly missing: number;
  /** Refused, and not sent any more. */
  readonly leftOut: number;
  /** Without the marker of their end. */
  readonly unmarked: number;
}

/** Counts what was sent and what went wrong. */
export class DeliveryReport {
  readonly #log: OutputLog;
  readonly #receiver: string;
  #samples = 0;
  #requests = 0;
  readonly #failures = new Map<string, number>();
  readonly #said = new Set<string>();
  /** Whether requests fail at the moment for reasons that may pass, and that was said. */
  #isOutage = false;
  #named = 0;
  #rejectedSamples = 0;
  #warnedOfSlowness = false;
  #hasFollowed = false;

  /** `receiver` names it in messages; holds no secret. */
  constructor(log: OutputLog, receiver: string) {
    this.#log = log;
    this.#receiver = receiver;
  }

  /** Whether anything was stored so far. */
  get hasStored(): boolean {
    return this.#requests > 0;
  }

  /** A request was stored, without the `rejected` samples (remote write 2.0). */
  stored(samples: number, rejected = 0): void {
    this.#requests++;
    this.#samples += samples;
    this.#rejectedSamples += rejected;
    this.#isOutage = false;
  }

  /** An attempt failed. */
  failed({ cause }: Failure): void {
    this.#failures.set(cause, (this.#failures.get(cause) ?? 0) + 1);
  }

  /** Values could not be delivered for now, or were refused: says so once for each cause, and once in an outage. */
  undelivered(failure: Failure): void {
    const isPassing = failure.kind === "passing";
    if (isPassing && this.#isOutage) return;
    this.#isOutage = isPassing;
    const key = `${failure.kind}: ${failure.cause}`;
    if (this.#said.has(key)) return;
    this.#said.add(key);
    this.#log.error(
      `Failed to send the time series data to ${this.#receiver}: ${explain(failure)}`,
    );
  }

  /** A series will not be sent any more because the receiver refuses it. */
  leftOut(series: string, failure: Failure): void {
    if (this.#named++ < MOST_NAMED) {
      this.#log.error(`${this.#receiver} refuses ${series}, which is left out from now on: ${explain(failure)}`);
    }
  }

  /** Requests are of version 1.0 from now on. */
  fellBack({ cause, detail }: Failure): void {
    const reason = cause.startsWith("HTTP 2") ? "it does not say what it stored" : [cause, detail].join(": ");
    this.#log.warn(`${this.#receiver} does not know remote write 2.0 (${reason}): sending version 1.0`);
  }

  /** A flush that delivered everything took longer than the interval; said once. */
  slow(tookMs: number, pushIntervalMs: number): void {
    if (this.#warnedOfSlowness) return;
    this.#warnedOfSlowness = true;
    const seconds = (ms: number) => `${Math.round(ms) / 1000} s`;
    this.#log.warn(
      `sending the time series data to ${this.#receiver} took ${seconds(tookMs)}, longer than the push interval of ` +
        `${seconds(pushIntervalMs)}: values arrive less often; use a longer interval or fewer tags`,
    );
  }

  /** Timestamps are by the receiver's clock from now on, because this machine's is that much ahead (negative: behind); said once. */
  followed(aheadMs: number): void {
    if (this.#hasFollowed) return;
    this.#hasFollowed = true;
    const minutes = Math.round(Math.abs(aheadMs) / 60_000);
    this.#log.warn(
      `this machine's clock is ${minutes} minutes ${aheadMs > 0 ? "ahead of" : "behind"} that of ${this.#receiver}: ` +
        "timestamps follow the receiver's",
    );
  }

  /** Somebody else sends the same series at the same time. */
  rival(): void {
    this.#log.warn(
      `${this.#receiver} gets newer samples of the same series from elsewhere, so the values of both are mixed: ` +
        `give each run its own ${OWN_LABEL}`,
    );
  }

  /** The run is over but for what the receiver still has to store. */
  waiting(): void {
    this.#log.info(`the test is over; waiting for ${this.#receiver} to take the last values`);
  }

  /** The last line: a warning when the receiver lacks something of some time series; for `--verbose` only when all went well. */
  end({ missing, leftOut, unmarked }: Losses): void {
    const problems = [
      missing > 0 && `the last values of ${count(missing, "series", "series")} are missing`,
      leftOut > 0 && `${count(leftOut, "series", "series")} left out`,
      this.#rejectedSamples > 0 && `${count(this.#rejectedSamples, "sample")} refused`,
      unmarked > 0 && `${count(unmarked, "series", "series")} not marked as ended`,
    ].filter((problem) => problem !== false);
    const sent = this.#requests === 0
      ? `nothing was stored at ${this.#receiver}`
      : `${count(this.#samples, "sample")} in ${count(this.#requests, "request")} sent to ${this.#receiver}`;
    const causes = Array.from(this.#failures, ([cause, count]) => `${cause} ×${count}`).join(", ");
    if (problems.length > 0) {
      this.#log.warn(`${problems.join(", ")}: ${sent}${causes && `; failed requests: ${causes}`}`);
    } else if (causes !== "") {
      this.#log.info(`${sent}, tried again after ${causes}`);
    } else {
      this.#log.debug(sent);
    }
  }
}

function explain(failure: Failure): string {
  const explanation = [failure.detail, adviceFor(failure)].filter((text) => text !== "").join("; ");
  return failure.cause + (explanation && `: ${explanation}`);
}

function count(number: number, singular: string, plural = `${singular}s`): string {
  return `${number} ${number === 1 ? singular : plural}`;
}
