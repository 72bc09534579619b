/** k6d's log: lines in k6's formats, kept apart from the progress display, with secrets taken out. */

import { isAtLeast, levelName, type LogLevel, type LogLine } from "../output/log_line.ts";
import type { TextWriter } from "./terminal.ts";

/** `text`: coloured columns when `color` is set, `key=value` pairs otherwise. */
export type LogFormat = "text" | "json" | "raw";

/** Further keys of a line, for example `{ source: "console" }`. */
export type LogFields = Readonly<Record<string, string>>;

/** Takes the lines of a log. */
export interface LogSink {
  write(entry: LogLine): void;
  /** Resolves once all lines are where they belong; bounded in time, never rejects. Absent: they always are. */
  close?(): Promise<void>;
}

/** What is drawn below the log on a terminal and must make room for a line. */
export interface LiveRegion {
  erase(): void;
  draw(): void;
}

/** Where the log goes and how it looks. */
export interface LogSettings {
  readonly sink: LogSink;
  /** Takes what the script's console writes; `sink` does unless there is one. */
  readonly consoleSink?: LogSink | undefined;
  /** The lines go where nothing is drawn, to a file for instance: no display has to make room for them. */
  readonly isApart?: boolean;
  /** Lines below this level are dropped. */
  readonly level: LogLevel;
  /** Epoch milliseconds; `Date.now` unless a test says otherwise. */
  readonly now?: () => number;
}

/** Writes the log of the whole process; used on the main thread only. */
export class Log {
  readonly #settings: LogSettings;
  readonly #now: () => number;
  readonly #followers = new Set<(line: LogLine) => void>();
  readonly #secrets = new Set<string>();
  #secretPattern: RegExp | null = null;
  /** The longest first. */
  #longSecrets: readonly string[] = [];
  #region: LiveRegion | null = null;

  constructor(settings: LogSettings) {
    this.#settings = settings;
    this.#now = settings.now ?? Date.now;
  }

  debug(message: string, fields?: LogFields): void {
    this.write("debug", message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.write("info", message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.write("warn", message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.write("error", message, fields);
  }

  /** Writes one line, of now unless another time is given; fields appear in the order of their names. */
  write(level: LogLevel, message: string, fields: LogFields = {}, atEpochMs: number = this.#now()): void {
    if (!isAtLeast(this.#settings.level, level)) return;
    const { sink, consoleSink, isApart } = this.#settings;
    const entry = {
      level,
      message: this.#clean(message),
      fields: Object.keys(fields).sort().map((key) => [key, this.#clean(fields[key]!)] as const),
      atEpochMs,
    };
    for (const follow of this.#followers) follow(entry);
    if (consoleSink !== undefined && fields["source"] === "console") return consoleSink.write(entry);
    if (isApart) return sink.write(entry);
    this.#region?.erase();
    sink.write(entry);
    this.#region?.draw();
  }

  /** Resolves once all lines have been delivered. */
  async close(): Promise<void> {
    await this.#settings.sink.close?.();
    await this.#settings.consoleSink?.close?.();
  }

  /** From now on `write` gets each line, too, until the function that is returned is called. */
  follow(write: (line: LogLine) => void): () => void {
    this.#followers.add(write);
    return () => this.#followers.delete(write);
  }

  /** From now on `secret` appears in no line; an empty text is no secret. */
  redact(secret: string): void {
    if (secret === "" || this.#secrets.has(secret)) return;
    this.#secrets.add(secret);
    // The longest first, so that a secret within another does not leave the other's rest behind.
    const byLength = [...this.#secrets].sort((a, b) => b.length - a.length);
    const firstShort = byLength.findIndex(({ length }) => length <= PATTERN_LENGTH);
    this.#longSecrets = firstShort === -1 ? byLength : byLength.slice(0, firstShort);
    const short = byLength.slice(this.#longSecrets.length).map((text) => RegExp.escape(text));
    this.#secretPattern = short.length === 0 ? null : new RegExp(short.join("|"), "g");
  }

  /** Names what has to be erased before each line and drawn again after it; `null`: nothing. */
  attach(region: LiveRegion | null): void {
    this.#region = region;
  }

  #clean(text: string): string {
    const cleaned = this.#longSecrets.reduce((rest, secret) => rest.replaceAll(secret, REDACTED), text);
    return this.#secretPattern === null ? cleaned : cleaned.replace(this.#secretPattern, REDACTED);
  }
}

const REDACTED = "***SECRET_REDACTED***";

/** The longest secret that is looked for with the others at once: of much longer texts no regular expression can be made. */
const PATTERN_LENGTH = 10_000;

/** Writes lines as text. */
export class TextSink implements LogSink {
  readonly #writer: TextWriter;
  readonly #format: LogFormat;
  readonly #color: boolean;
  readonly #startedAtEpochMs: number;

  /** `startedAtEpochMs`: the time that coloured lines count their seconds from. */
  constructor(writer: TextWriter, format: LogFormat, color: boolean, startedAtEpochMs: number = Date.now()) {
    this.#writer = writer;
    this.#format = format;
    this.#color = color;
    this.#startedAtEpochMs = startedAtEpochMs;
  }

  write(entry: LogLine): void {
    this.#writer.write(`${this.#line(entry)}\n`);
  }

  #line(entry: LogLine): string {
    switch (this.#format) {
      case "raw":
        return entry.message;
      case "json":
        return jsonLine(entry);
      case "text":
        return this.#color ? terminalLine(entry, entry.atEpochMs - this.#startedAtEpochMs) : pairsLine(entry);
    }
  }
}

/** Hands on the lines of a level and those that are more serious. */
export class LevelFilter implements LogSink {
  readonly #sink: LogSink;
  readonly #level: LogLevel;

  constructor(sink: LogSink, level: LogLevel) {
    this.#sink = sink;
    this.#level = level;
  }

  write(entry: LogLine): void {
    if (isAtLeast(this.#level, entry.level)) this.#sink.write(entry);
  }

  async close(): Promise<void> {
    await this.#sink.close?.();
  }
}

const LEVELS: Record<LogLevel, { tag: string; color: number }> = {
  debug: { tag: "DEBU", color: 37 },
  info: { tag: "INFO", color: 36 },
  warn: { tag: "WARN", color: 33 },
  error: { tag: "ERRO", color: 31 },
};

/** `INFO[0007] message          key=value`: seconds since the start, the message padded to 44 characters. */
function terminalLine({ level, message, fields }: LogLine, elapsedMs: number): string {
  const { tag, color } = LEVELS[level];
  const paint = (text: string) => `\x1b[${color}m${text}\x1b[0m`;
  // A line of another machine may be older than k6d.
  const seconds = `${Math.max(0, Math.trunc(elapsedMs / 1000))}`.padStart(4, "0");
  const tail = fields.map(([key, value]) => ` ${paint(key)}=${quoteIfNeeded(value)}`).join("");
  return `${paint(tag)}[${seconds}] ${message.padEnd(44)} ${tail}`;
}

/** `time="…" level=info msg="…" key=value`; an empty message is left out. */
function pairsLine({ level, message, fields, atEpochMs }: LogLine): string {
  const pairs: (readonly [string, string])[] = [["time", isoWithOffset(atEpochMs)], ["level", levelName(level)]];
  if (message !== "") pairs.push(["msg", message]);
  return [...pairs, ...fields].map(([key, value]) => `${key}=${quoteIfNeeded(value)}`).join(" ");
}

/** `{"level":…,"msg":…,"time":…}` with the fields among them, all in the order of their names. */
function jsonLine({ level, message, fields, atEpochMs }: LogLine): string {
  const own = [["level", levelName(level)], ["msg", message], ["time", isoWithOffset(atEpochMs)]] as const;
  // A field that has the name of one of the line's own keys must not replace it.
  const others = fields.map(([key, value]) => [OWN_KEYS.has(key) ? `fields.${key}` : key, value] as const);
  return JSON.stringify(Object.fromEntries([...own, ...others].sort(([a], [b]) => a < b ? -1 : 1)));
}

const OWN_KEYS = new Set(["level", "msg", "time"]);

function quoteIfNeeded(value: string): string {
  return /^[\w\-./@^+]*$/.test(value) ? value : JSON.stringify(value).replace(UNPRINTABLE, escapeCharacter);
}

/** Control characters and line ends that JSON leaves as they are. */
const UNPRINTABLE = /[\x7f-\x9f\u2028\u2029]/g;

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** RFC 3339 in local time, to the second: `2026-01-02T03:04:05+01:00`. */
function isoWithOffset(epochMs: number): string {
  const offsetMinutes = -new Date(epochMs).getTimezoneOffset();
  const local = new Date(epochMs + offsetMinutes * 60_000).toISOString().slice(0, 19);
  if (offsetMinutes === 0) return `${local}Z`;
  const minutes = Math.abs(offsetMinutes);
  const two = (value: number) => `${Math.trunc(value)}`.padStart(2, "0");
  return `${local}${offsetMinutes < 0 ? "-" : "+"}${two(minutes / 60)}:${two(minutes % 60)}`;
}
