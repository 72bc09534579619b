/** Whether the service and this machine agree about the time: metrics carry the machine's. */

import type { Clock } from "../clock.ts";
import type { OutputLog } from "../output.ts";

/** Less than this is no reason to worry: windows are seconds long, and answers take their time. */
const TOLERANCE_MS = 60_000;

/** Warns once when the clocks differ. */
export class ClockCheck {
  readonly #clock: Clock;
  readonly #log: OutputLog;
  #hasWarned = false;

  constructor(clock: Clock, log: OutputLog) {
    this.#clock = clock;
    this.#log = log;
  }

  /** The service has just said that it is that late. */
  compare(serverEpochMs: number): void {
    const aheadMs = this.#clock.now() - serverEpochMs;
    if (this.#hasWarned || Math.abs(aheadMs) <= TOLERANCE_MS) return;
    this.#hasWarned = true;
    const minutes = (Math.abs(aheadMs) / 60_000).toFixed(1);
    this.#log.warn(
      `cloud output: this machine's clock is ${minutes} min ${aheadMs > 0 ? "ahead of" : "behind"} the service's: ` +
        "the cloud shows the metrics at wrong times, or refuses them; set the clock",
    );
  }
}
