/** The log as Loki takes it: `--log-output loki[=url,key=value,…]`; lines are pushed in batches, with labels. */

import { duration, integer, KindError } from "../options/kinds.ts";
import { UsageError } from "./args.ts";
import { levelName, type LogEntry, type LogLevel, type LogSink } from "./log.ts";
import { readLevel, readOutputSettings } from "./output_settings.ts";

/** Settings of the Loki log. */
export interface LokiSettings {
  readonly url: URL;
  /** Fields that become labels, the others become part of the message; null: all become labels. */
  readonly allowedLabels: ReadonlySet<string> | null;
  /** Labels of every line. */
  readonly labels: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  /** Most lines of one push; more of them in a push period are dropped. */
  readonly limit: number;
  /** Lines below this level are left out. */
  readonly level: LogLevel;
  readonly pushPeriodMs: number;
  /** Characters of the longest message; the middle of longer ones is cut out. */
  readonly messageMaxSize: number;
}

/** Reads what stands after `--log-output`. Throws a `UsageError`. */
export function readLokiSettings(given: string): LokiSettings {
  const [, url = "", rest = ""] = /^loki(?:=(https?:\/\/[^,]*)?,?(.*))?$/s.exec(given) ?? [];
  // For messages: without the password of the URL.
  const output = given.replace(/\/\/[^/,]*@/, "//***@");
  const settings = readOutputSettings(rest, KEYS, output);
  const read = (key: string, kind: typeof integer, usual: number): number => {
    const text = settings.get(key);
    return text === undefined ? usual : readValue(output, key, text, kind);
  };
  const allowed = settings.get("allowedLabels");
  const limit = read("limit", integer, 100);
  const pushPeriodMs = read("pushPeriod", duration, 1000);
  if (limit < 1 || pushPeriodMs <= 0) {
    throw new UsageError(`--log-output ${output}: limit and pushPeriod must be more than 0`);
  }
  return {
    url: readUrl(url, output),
    allowedLabels: allowed === undefined ? null : new Set(allowed.split(",").map((name) => name.trim())),
    labels: withPrefix(settings, "label."),
    headers: withPrefix(settings, "header."),
    limit,
    level: readLevel(settings.get("level"), output),
    pushPeriodMs,
    messageMaxSize: read("msgMaxSize", integer, 1_048_576),
  };
}

/** Pushes lines to Loki. What goes wrong is told through `complain`, each cause once. */
export class LokiSink implements LogSink {
  readonly #settings: LokiSettings;
  readonly #complain: (message: string) => void;
  readonly #complaints = new Set<string>();
  readonly #timer: ReturnType<typeof setInterval>;
  #waiting: LogEntry[] = [];
  #dropped = 0;
  #pushing: Promise<void> = Promise.resolve();
  #isPushing = false;

  constructor(settings: LokiSettings, complain: (message: string) => void) {
    this.#settings = settings;
    this.#complain = complain;
    this.#timer = setInterval(() => this.#flush(), settings.pushPeriodMs);
    // A log keeps no process alive.
    Deno.unrefTimer(this.#timer);
  }

  write(entry: LogEntry): void {
    if (this.#waiting.length < this.#settings.limit) this.#waiting.push(entry);
    else this.#dropped++;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#pushing;
    this.#flush();
    await this.#pushing;
  }

  /** Begins a push, unless one is under way: its lines wait for the next period. */
  #flush(): void {
    if (this.#isPushing) return;
    if (this.#dropped > 0) this.#waiting.push(droppedEntry(this.#dropped, this.#settings.limit));
    if (this.#waiting.length === 0) return;
    const entries = this.#waiting;
    this.#waiting = [];
    this.#dropped = 0;
    this.#isPushing = true;
    this.#pushing = this.#push(lokiPush(entries, this.#settings)).finally(() => this.#isPushing = false);
  }

  async #push(body: string): Promise<void> {
    const { url, headers } = this.#settings;
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { "Content-Type": "application/json", ...headers },
        body,
        signal: AbortSignal.timeout(PUSH_TIMEOUT_MS),
      });
      const answer = (await response.text()).trim().split("\n", 1)[0]!.slice(0, 200);
      if (!response.ok) this.#failed(`it answered ${response.status}${answer === "" ? "" : `: ${answer}`}`);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.#failed(error.name === "TimeoutError" ? "no answer in time" : error.message);
    }
  }

  #failed(cause: string): void {
    if (this.#complaints.has(cause)) return;
    this.#complaints.add(cause);
    const { origin, pathname } = this.#settings.url;
    this.#complain(`cannot push the log to Loki at ${origin}${pathname}: ${cause}`);
  }
}

/** The body of a push request: lines by their labels, times in nanoseconds (Loki's HTTP API, "Ingest logs"). */
export function lokiPush(entries: readonly LogEntry[], settings: LokiSettings): string {
  const streams = new Map<string, { stream: Record<string, string>; values: [string, string][] }>();
  for (const entry of entries) {
    const { labels, message } = labelled(entry, settings);
    const key = JSON.stringify(labels);
    const stream = streams.get(key) ?? { stream: labels, values: [] };
    streams.set(key, stream);
    stream.values.push([`${BigInt(Math.round(entry.atEpochMs * 1000)) * 1000n}`, message]);
  }
  return JSON.stringify({ streams: [...streams.values()] });
}

const KEYS = ["allowedLabels", "label.", "header.", "limit", "level", "pushPeriod", "profile", "msgMaxSize"];

const PUSH_TIMEOUT_MS = 5_000;

function labelled(entry: LogEntry, { allowedLabels, labels, messageMaxSize }: LokiSettings) {
  const all = [...entry.fields, ["level", levelName(entry.level)] as const];
  const isLabel = (name: string) => allowedLabels === null || allowedLabels.has(name);
  const rest = all.filter(([name]) => !isLabel(name)).map(([name, value]) => ` ${name}=${value}`).join("");
  const sorted = [...all.filter(([name]) => isLabel(name)), ...Object.entries(labels)].sort(([a], [b]) =>
    a < b ? -1 : 1
  );
  return { labels: Object.fromEntries(sorted), message: cutMiddle(entry.message, messageMaxSize) + rest };
}

function cutMiddle(message: string, maxSize: number): string {
  if (message.length <= maxSize) return message;
  const half = Math.floor(maxSize / 2);
  return `${message.slice(0, half)}...omitted...${message.slice(message.length - half)}`;
}

function droppedEntry(count: number, limit: number): LogEntry {
  const message = `k6d dropped ${count} lines of the log because they were over the limit of ${limit} in a push period`;
  return { level: "warn", message, fields: [], atEpochMs: Date.now() };
}

function readUrl(text: string, output: string): URL {
  const url = URL.parse(text === "" ? "http://127.0.0.1:3100/loki/api/v1/push" : text);
  if (url === null) throw new UsageError(`--log-output ${output}: that is not a URL`);
  return url;
}

function readValue(output: string, key: string, text: string, kind: typeof integer): number {
  try {
    return kind.fromText!(text) as number;
  } catch (error) {
    if (error instanceof KindError) throw new UsageError(`--log-output ${output}: ${key}: ${error.message}`);
    throw error;
  }
}

function withPrefix(settings: ReadonlyMap<string, string>, prefix: string): Record<string, string> {
  const found = [...settings].filter(([key]) => key.startsWith(prefix));
  return Object.fromEntries(found.map(([key, value]) => [key.slice(prefix.length), value]));
}
