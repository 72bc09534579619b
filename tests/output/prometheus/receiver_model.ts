/** A receiver that keeps what it is sent by the rules of Prometheus, or of Mimir. */

import type { ReceivedSeries } from "../../support/write_request_decoder.ts";
import type { Scripted } from "./sender_run.ts";

/** A stored sample; a stale marker's value is NaN. */
export interface StoredSample {
  readonly value: number;
  readonly atEpochMs: number;
}

/** As much as newer Prometheus takes. */
const AHEAD_MS = 10 * 60_000;
const BEHIND_MS = 60 * 60_000;

/** To be asked by `SenderRun.respond`. */
export class ReceiverModel {
  /** By the label `s`. */
  readonly stored = new Map<string, StoredSample[]>();
  /** Values of the label `s` that are refused for no good reason. */
  readonly bad = new Set<string>();
  /** The receiver's time. */
  readonly now: () => number;
  /** Whether a request is stored as a whole or not at all, as in Prometheus; otherwise what is right is stored, as in Mimir. */
  readonly #rollsBack: boolean;
  requests = 0;
  refusals = 0;

  constructor(now: () => number, { rollsBack = true } = {}) {
    this.now = now;
    this.#rollsBack = rollsBack;
  }

  /** What another run wrote earlier. */
  plant(series: string, atEpochMs: number): void {
    this.stored.set(series, [{ value: NaN, atEpochMs }]);
  }

  respond(series: readonly ReceivedSeries[], version = "0.1.0"): Scripted {
    this.requests++;
    const refusals = series.map((each) => this.#refusal(each));
    const stored = this.#rollsBack && refusals.some((refusal) => refusal !== null)
      ? 0
      : refusals.filter((refusal) => refusal === null).length;
    const headers = {
      date: new Date(this.now()).toUTCString(),
      ...version === "2.0.0" ? { "x-prometheus-remote-write-samples-written": String(stored) } : {},
    };
    const text = refusals.find((refusal) => refusal !== null);
    if (text === undefined || !this.#rollsBack) {
      for (const [index, each] of series.entries()) if (refusals[index] === null) this.#store(each);
    }
    if (text === undefined) return { status: 204, headers };
    this.refusals++;
    return { status: 400, text: text ?? "", headers };
  }

  /** The values of a series, without stale markers. */
  values(series: string): number[] {
    return this.#of(series).map(({ value }) => value).filter((value) => !Number.isNaN(value));
  }

  #refusal({ labels, samples }: ReceivedSeries): string | null {
    const name = labels["s"]!;
    if (this.bad.has(name)) return `label value of ${name} is too long`;
    const last = this.#of(name).at(-1);
    for (const { value, atEpochMs } of samples) {
      if (atEpochMs > this.now() + AHEAD_MS || atEpochMs < this.now() - BEHIND_MS) return "out of bounds";
      if (last === undefined || atEpochMs > last.atEpochMs) continue;
      if (atEpochMs < last.atEpochMs) return "out of order sample";
      if (!Object.is(value, last.value)) return "duplicate sample for timestamp";
    }
    return null;
  }

  #store({ labels, samples }: ReceivedSeries): void {
    const stored = this.#of(labels["s"]!);
    for (const { value, atEpochMs } of samples) {
      if (atEpochMs > (stored.at(-1)?.atEpochMs ?? 0)) stored.push({ value, atEpochMs });
    }
  }

  #of(series: string): StoredSample[] {
    const known = this.stored.get(series);
    if (known !== undefined) return known;
    const samples: StoredSample[] = [];
    this.stored.set(series, samples);
    return samples;
  }
}
