/** The live progress of a test: one line for the whole, one with a bar for each scenario. */

import type { ArrivalRateScenario, Scenario } from "../options/types.ts";
import { formatPlanDuration } from "../summary/format.ts";
import { styleFor } from "../summary/style.ts";
import { valueOfRamp } from "../executor/ramp.ts";
import { maxRunDurationMs, regularDurationMs, scenarioVus } from "../executor/schedule.ts";
import { inStartOrder, perSecond } from "./banner.ts";
import type { LiveRegion } from "./log.ts";
import { type TerminalSize, terminalSize, type TextWriter } from "./terminal.ts";

/** A test at one moment. */
export interface ProgressSnapshot {
  /** What the test is at, apart from its scenarios; `null` while they run, and after. */
  readonly phase: ProgressPhase | null;
  readonly paused: boolean;
  readonly elapsedMs: number;
  /** Virtual users with an iteration under way. */
  readonly activeVus: number;
  readonly initializedVus: number;
  readonly completeIterations: number;
  readonly interruptedIterations: number;
  readonly scenarios: readonly ScenarioProgress[];
}

/** A phase with a line of its own. */
export interface ProgressPhase {
  /** `Init`, `setup` or `teardown`. */
  readonly label: string;
  /** `Init VUs...`, `7/10 VUs initialized`, `setup()`, `teardown()`, … */
  readonly text: string;
  /** 0 to 1. */
  readonly fraction: number;
}

/** What a scenario is at; `stopping` is its graceful stop. */
export type ScenarioState = "waiting" | "running" | "stopping" | "interrupted" | "done";

/** A scenario at one moment. */
export interface ScenarioProgress {
  readonly scenario: Scenario;
  readonly state: ScenarioState;
  /** Since the scenario's own start; negative while it waits for it. */
  readonly elapsedMs: number;
  /** Virtual users with an iteration under way, and those at hand: shown for arrival rates. */
  readonly activeVus: number;
  readonly initializedVus: number;
  readonly completeIterations: number;
}

/**
 * The lines to show. With `columns`, bars fill the terminal's width and no line is wider;
 * with `null` (no terminal) percentages take the bars' place.
 */
export function renderProgress(snapshot: ProgressSnapshot, columns: number | null, color: boolean): string[] {
  const style = styleFor(color);
  const bars: Bar[] = [];
  if (snapshot.phase !== null) {
    const { label, fraction, text } = snapshot.phase;
    bars.push({ label, mark: " ", fraction, right: [text] });
  }
  const byScenario = new Map(snapshot.scenarios.map((progress) => [progress.scenario, progress]));
  for (const scenario of inStartOrder([...byScenario.keys()])) bars.push(scenarioBar(byScenario.get(scenario)!));

  const labelWidth = Math.min(MAX_LABEL, Math.max(0, ...bars.map((bar) => bar.label.length)));
  const rights = alignColumns(bars.map((bar) => bar.right));
  const spaceForBar = (columns ?? 0) - labelWidth - 4 - Math.max(0, ...rights.map((right) => right.length));
  const barWidth = columns === null || spaceForBar < MIN_BAR ? 0 : Math.min(MAX_BAR, spaceForBar);

  const lines = bars.map(({ label, mark, fraction }, index) => {
    const head = shorten(label, MAX_LABEL).padEnd(labelWidth);
    const tail = ` ${barWidth === 0 ? percentage(fraction) : renderBar(fraction, barWidth)} ${rights[index]}`;
    const fitting = shorten(`${head} ${mark}${tail}`.trimEnd(), columns ?? Infinity);
    const paint = mark === MARKS.done ? style.green : mark === MARKS.interrupted ? style.red : null;
    const at = labelWidth + 1;
    if (paint === null || fitting.length <= at) return fitting;
    return fitting.slice(0, at) + paint(fitting.charAt(at)) + fitting.slice(at + 1);
  });
  return snapshot.phase !== null ? lines : [shorten(headline(snapshot), columns ?? Infinity), ...lines];
}

/** How the display reaches the world. */
export interface ProgressDisplaySettings {
  readonly snapshot: () => ProgressSnapshot;
  readonly writer: TextWriter;
  /** Redraws in place every 100 ms when true, adds lines every second otherwise. */
  readonly interactive: boolean;
  readonly color: boolean;
  /** Asked at every redraw, so that a resized terminal is noticed; the real one unless a test says otherwise. */
  readonly size?: () => TerminalSize;
}

/** Draws the progress from `start()` to `finish()`. */
export class ProgressDisplay implements LiveRegion, Disposable {
  readonly #settings: ProgressDisplaySettings;
  readonly #size: () => TerminalSize;
  /** Visible widths of the lines that stand on the terminal. */
  #drawn: number[] = [];
  #timer: ReturnType<typeof setInterval> | null = null;

  constructor(settings: ProgressDisplaySettings) {
    this.#settings = settings;
    this.#size = settings.size ?? terminalSize;
  }

  start(): void {
    if (this.#timer !== null) return;
    this.#timer = setInterval(() => this.refresh(), this.#settings.interactive ? 100 : 1000);
    if (this.#settings.interactive) this.draw();
  }

  /** Shows the state of this moment. */
  refresh(): void {
    const { interactive, writer } = this.#settings;
    // One write for both, so that the terminal never shows the gap between.
    if (interactive) writer.write(this.#takeErasure() + this.#frame());
    else writer.write(`${this.#lines(null).join("\n")}\n\n`);
  }

  /** Takes the lines off the terminal, so that something else can be written there. */
  erase(): void {
    const erasure = this.#takeErasure();
    if (erasure !== "") this.#settings.writer.write(erasure);
  }

  /** Puts the lines back on the terminal while the display runs. */
  draw(): void {
    if (this.#timer !== null && this.#settings.interactive) {
      this.#settings.writer.write(this.#takeErasure() + this.#frame());
    }
  }

  /** Shows the last state, leaves it standing and ends the display. */
  finish(): void {
    if (this.#timer === null) return;
    this.refresh();
    this.#stopTimer();
    this.#drawn = [];
  }

  /** Ends the display without a last state. */
  [Symbol.dispose](): void {
    this.erase();
    this.#stopTimer();
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  #lines(columns: number | null): string[] {
    return renderProgress(this.#settings.snapshot(), columns, this.#settings.color);
  }

  #frame(): string {
    const { columns, rows } = this.#size();
    // Lines that have scrolled off the top can't be erased any more; an empty line sets the display apart.
    const lines = ["", ...this.#lines(columns)].slice(0, Math.max(1, rows - 1));
    this.#drawn = lines.map(visibleWidth);
    return `${lines.join("\n")}\n`;
  }

  /** The text that removes what stands on the terminal, which may have been resized: wide lines then take several rows. */
  #takeErasure(): string {
    if (this.#drawn.length === 0) return "";
    const { columns } = this.#size();
    const rows = this.#drawn.reduce((sum, width) => sum + Math.max(1, Math.ceil(width / columns)), 0);
    this.#drawn = [];
    return `\r\x1b[${rows}A\x1b[J`;
  }
}

/** A line with a bar, before it is fitted to a width. */
interface Bar {
  readonly label: string;
  readonly mark: string;
  readonly fraction: number;
  readonly right: readonly string[];
}

const MAX_LABEL = 30;
const MAX_BAR = 40;
const MIN_BAR = 8;

const MARKS: Record<ScenarioState, string> = {
  waiting: "•",
  running: " ",
  stopping: "↓",
  interrupted: "✗",
  done: "✓",
};

function headline(snapshot: ProgressSnapshot): string {
  const { paused, elapsedMs, activeVus, initializedVus, completeIterations, interruptedIterations } = snapshot;
  const limitMs = maxRunDurationMs(snapshot.scenarios.map((progress) => progress.scenario));
  return `${paused ? "paused" : "running"} (${clock(elapsedMs, limitMs)}), ` +
    `${outOf(activeVus, initializedVus)} VUs, ` +
    `${completeIterations} complete and ${interruptedIterations} interrupted iterations`;
}

function scenarioBar(progress: ScenarioProgress): Bar {
  const { scenario, state } = progress;
  const right = state === "waiting"
    ? ["waiting", `-${clock(-progress.elapsedMs, scenario.startTimeMs)}`]
    : scenarioColumns(progress);
  return { label: scenario.name, mark: MARKS[state], fraction: fractionOf(progress), right };
}

/** What stands right of the bar, by executor. */
function scenarioColumns(progress: ScenarioProgress): string[] {
  const { scenario, activeVus, completeIterations } = progress;
  const time = elapsedColumn(progress);
  switch (scenario.executor) {
    case "constant-vus":
      return [`${scenario.vus} VUs`, time];
    case "shared-iterations":
      return [`${scenario.vus} VUs`, time, `${outOf(completeIterations, scenario.iterations)} shared iters`];
    case "per-vu-iterations": {
      const total = scenario.vus * scenario.iterations;
      return [`${scenario.vus} VUs`, time, `${outOf(completeIterations, total)} iters, ${scenario.iterations} per VU`];
    }
    case "ramping-vus":
      return [`${outOf(activeVus, scenarioVus(scenario).max)} VUs`, time];
    case "externally-controlled":
      return [`${outOf(activeVus, progress.initializedVus)} VUs`, time];
    case "constant-arrival-rate":
      return [usersAtHand(progress, scenario), time, `${perSecond(scenario.rate, scenario)} iters/s`];
    case "ramping-arrival-rate": {
      const rate = valueOfRamp(scenario.startRate, scenario.stages, progress.elapsedMs);
      return [usersAtHand(progress, scenario), time, `${perSecond(rate, scenario)} iters/s`];
    }
  }
}

function usersAtHand({ activeVus, initializedVus }: ScenarioProgress, { maxVus }: ArrivalRateScenario): string {
  const width = `${maxVus}`.length;
  return `${`${activeVus}`.padStart(width, "0")}/${`${initializedVus}`.padStart(width, "0")} VUs`;
}

function elapsedColumn({ scenario, elapsedMs }: ScenarioProgress): string {
  const durationMs = regularDurationMs(scenario);
  if (durationMs === Infinity) return formatPlanDuration(Math.trunc(elapsedMs / 1000) * 1000);
  const full = formatPlanDuration(durationMs);
  return elapsedMs >= durationMs ? full : `${clock(elapsedMs, durationMs)}/${full}`;
}

function fractionOf({ scenario, state, elapsedMs, completeIterations }: ScenarioProgress): number {
  if (state === "waiting") return 0;
  if (scenario.executor === "shared-iterations") return completeIterations / scenario.iterations;
  if (scenario.executor === "per-vu-iterations") return completeIterations / (scenario.vus * scenario.iterations);
  return elapsedMs / regularDurationMs(scenario);
}

/** `7` of `100` as `007/100`. */
function outOf(part: number, whole: number): string {
  return `${`${part}`.padStart(`${whole}`.length, "0")}/${whole}`;
}

/** A time that keeps its width while it runs to `limitMs`: `05.0s` of `30s`, `00m05.0s` of `10m0s`, `0h00m05.0s` of `1h0m0s`. */
export function clock(ms: number, limitMs: number): string {
  if (limitMs === Infinity) return clock(ms, Math.max(60_000, ms));
  const tenths = Math.max(0, Math.trunc(ms / 100));
  const limitSeconds = Math.trunc(limitMs / 1000);
  const limitMinutes = Math.trunc(limitSeconds / 60);
  const limitHours = Math.trunc(limitMinutes / 60);
  const pad = (value: number, limit: number) => `${value}`.padStart(`${limit}`.length, "0");
  const two = (value: number) => `${value}`.padStart(2, "0");
  const totalSeconds = Math.trunc(tenths / 10);
  if (limitMinutes === 0) return `${pad(totalSeconds, limitSeconds)}.${tenths % 10}s`;
  const seconds = `${two(totalSeconds % 60)}.${tenths % 10}s`;
  const totalMinutes = Math.trunc(totalSeconds / 60);
  if (limitHours === 0) return `${pad(totalMinutes, limitMinutes)}m${seconds}`;
  return `${pad(Math.trunc(totalMinutes / 60), limitHours)}h${two(totalMinutes % 60)}m${seconds}`;
}

/** `[=====>----]`, `width` characters in all. */
function renderBar(fraction: number, width: number): string {
  const room = width - 2;
  const filled = Math.trunc(clamp(fraction) * room);
  if (filled === room) return `[${"=".repeat(room)}]`;
  const done = filled === 0 ? "" : `${"=".repeat(filled - 1)}>`;
  return `[${done}${"-".repeat(room - filled)}]`;
}

/** `[  93% ]`. */
function percentage(fraction: number): string {
  return `[${`${Math.trunc(clamp(fraction) * 100)}`.padStart(4)}% ]`;
}

function clamp(fraction: number): number {
  return Math.min(1, Math.max(0, fraction));
}

/** Joins the columns of each row with two blanks; a column is as wide as its widest cell. */
function alignColumns(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, i) => widths[i] = Math.max(widths[i] ?? 0, cell.length));
  return rows.map((row) => row.map((cell, i) => cell.padEnd(widths[i]!)).join("  ").trimEnd());
}

function shorten(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}

// deno-lint-ignore no-control-regex
const STYLING = /\x1b\[[\d;]*m/g;

function visibleWidth(line: string): number {
  return line.replace(STYLING, "").length;
}
