/** Log lines as Loki takes them, with labels and in batches (Loki's HTTP API, "Ingest logs"); how they travel is the caller's business. */

import { levelName, type LogLine } from "./log_line.ts";

/** How lines become streams. */
export interface LokiFormat {
  /** Fields that become labels, the others become part of the text; null: all become labels. */
  readonly allowedLabels: ReadonlySet<string> | null;
  /** Labels of every line. */
  readonly labels: Readonly<Record<string, string>>;
  /** Most bytes of a line's text; of longer ones the middle is cut out. */
  readonly maxMessageBytes: number;
}

/** How lines are pushed. */
export interface LokiPushOptions extends LokiFormat {
  /** Most lines of one push; more of them in a push period are dropped and counted. */
  readonly limit: number;
  readonly pushPeriodMs: number;
  /** Sends the body of a request; null when it was taken. Bounded in time, never rejects. */
  readonly send: (body: string) => Promise<PushFailure | null>;
  /** Is told of a failed push, once for each kind. */
  readonly complain: (reason: string) => void;
}

/** Why a push failed. */
export interface PushFailure {
  /** The same for failures that the user need not hear of twice, for example `it answered 500`. */
  readonly kind: string;
  /** More words for the first of them; may be empty. */
  readonly detail: string;
}

/** Pushes lines once a period, one push at a time; a push that failed is not tried again. */
export class LokiPush {
  readonly #options: LokiPushOptions;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #complaints = new Set<string>();
  #waiting: LogLine[] = [];
  #dropped = 0;
  #pushing: Promise<void> | null = null;

  constructor(options: LokiPushOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#flush(), options.pushPeriodMs);
    // A log keeps no process alive.
    Deno.unrefTimer(this.#timer);
  }

  write(line: LogLine): void {
    if (this.#waiting.length < this.#options.limit) this.#waiting.push(line);
    else this.#dropped++;
  }

  /** Resolves once all lines have been pushed, or could not be. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#pushing;
    this.#flush();
    await this.#pushing;
  }

  /** Begins a push, unless one is under way: its lines wait for the next period. */
  #flush(): void {
    if (this.#pushing !== null || this.#waiting.length === 0) return;
    const lines = this.#waiting;
    if (this.#dropped > 0) lines.push(droppedLine(this.#dropped, this.#options.limit));
    this.#waiting = [];
    this.#dropped = 0;
    this.#pushing = this.#push(lokiBody(lines, this.#options));
  }

  async #push(body: string): Promise<void> {
    const failure = await this.#options.send(body);
    this.#pushing = null;
    if (failure === null || this.#complaints.has(failure.kind)) return;
    this.#complaints.add(failure.kind);
    this.#options.complain(failure.detail === "" ? failure.kind : `${failure.kind}: ${failure.detail}`);
  }
}

/** The body of a push: lines by their labels, times in nanoseconds. */
export function lokiBody(lines: readonly LogLine[], format: LokiFormat): string {
  const streams = new Map<string, { stream: Record<string, string>; values: [string, string][] }>();
  for (const line of lines) {
    const { labels, text } = labelled(line, format);
    const key = JSON.stringify(labels);
    const stream = streams.get(key) ?? { stream: labels, values: [] };
    streams.set(key, stream);
    stream.values.push([`${BigInt(Math.round(line.atEpochMs * 1000)) * 1000n}`, text]);
  }
  return JSON.stringify({ streams: [...streams.values()] });
}

function labelled({ fields, level, message }: LogLine, { allowedLabels, labels, maxMessageBytes }: LokiFormat) {
  const all = [...fields, ["level", levelName(level)] as const];
  const isLabel = (name: string) => allowedLabels === null || allowedLabels.has(name);
  const rest = all.filter(([name]) => !isLabel(name)).map(([name, value]) => ` ${name}=${value}`).join("");
  const sorted = [...all.filter(([name]) => isLabel(name)), ...Object.entries(labels)]
    .sort(([a], [b]) => a < b ? -1 : 1);
  return { labels: Object.fromEntries(sorted), text: cutMiddle(message + rest, maxMessageBytes) };
}

/** Cuts out as much of the middle as it takes for the text to have no more than `maxBytes` in UTF-8. */
function cutMiddle(text: string, maxBytes: number): string {
  // No UTF-16 unit takes more than three bytes.
  if (text.length * 3 <= maxBytes) return text;
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= maxBytes) return text;
  const mark = maxBytes < 2 * CUT_MARK.length ? "" : CUT_MARK;
  const half = (maxBytes - mark.length) / 2;
  // A decoder of a stream keeps back a character that is cut off.
  const head = new TextDecoder().decode(bytes.subarray(0, Math.ceil(half)), { stream: true });
  let tail = bytes.length - Math.floor(half);
  while (isContinuation(bytes[tail])) tail++;
  return head + mark + new TextDecoder().decode(bytes.subarray(tail));
}

const CUT_MARK = "...omitted...";

/** Whether a byte belongs to a character that began before it (RFC 3629, 3). */
function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

function droppedLine(count: number, limit: number): LogLine {
  const message = `k6d dropped ${count} lines of the log because they were over the limit of ${limit} in a push period`;
  return { level: "warn", message, fields: [], atEpochMs: Date.now() };
}
