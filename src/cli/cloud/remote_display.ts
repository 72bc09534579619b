/** What the terminal shows while a test goes to the cloud and runs there: a line with a bar, or lines of text where there is no terminal. */

import type { Log } from "../log.ts";
import { ProgressDisplay, type ProgressPhase, type ProgressSnapshot, renderProgress } from "../progress.ts";
import type { TextWriter } from "../terminal.ts";

/** Where to show it. */
export interface RemoteDisplaySettings {
  readonly stdout: TextWriter;
  /** Whether lines can be redrawn in place. */
  readonly interactive: boolean;
  readonly color: boolean;
  /** Show nothing at all. */
  readonly quiet: boolean;
  readonly log: Log;
}

/** Shows what a command does, until it is disposed of. */
export class RemoteDisplay implements Disposable {
  readonly #settings: RemoteDisplaySettings;
  #bar: ProgressDisplay | null = null;
  #lastText = "";

  constructor(settings: RemoteDisplaySettings) {
    this.#settings = settings;
  }

  /** Adds text that stays; a bar that was shown is gone. */
  write(text: string): void {
    this.#remove();
    if (!this.#settings.quiet) this.#settings.stdout.write(text);
  }

  /** Shows a bar for `phase`, which is asked for at each redrawing. Only on a terminal. */
  bar(phase: () => ProgressPhase): void {
    this.#remove();
    const { stdout: writer, interactive, color, quiet, log } = this.#settings;
    if (quiet || !interactive) return;
    this.#bar = new ProgressDisplay({ snapshot: () => snapshotOf(phase()), writer, interactive, color });
    log.attach(this.#bar);
    this.#bar.start();
  }

  /** Shows a phase as a line that stays, if its text is news. Only where there is no terminal. */
  line(phase: ProgressPhase, text: string): void {
    const { stdout, interactive, quiet, color } = this.#settings;
    if (quiet || interactive || text === this.#lastText) return;
    this.#lastText = text;
    stdout.write(`${renderProgress(snapshotOf(phase), null, color).join("\n")}\n`);
  }

  /** Leaves the last state of the bar on the terminal. */
  finish(): void {
    this.#bar?.finish();
    this.#remove();
  }

  [Symbol.dispose](): void {
    this.#remove();
  }

  #remove(): void {
    if (this.#bar === null) return;
    this.#bar[Symbol.dispose]();
    this.#settings.log.attach(null);
    this.#bar = null;
  }
}

/** The bar of a phase alone: of the test's own figures nothing is known here. */
function snapshotOf(phase: ProgressPhase): ProgressSnapshot {
  return {
    phase,
    paused: false,
    elapsedMs: 0,
    activeVus: 0,
    initializedVus: 0,
    completeIterations: 0,
    interruptedIterations: 0,
    scenarios: [],
  };
}
