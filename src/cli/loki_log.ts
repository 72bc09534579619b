/** The log as Loki takes it: `--log-output loki[=url,key=value,…]`; lines are pushed in batches, with labels. */

import { duration, integer, KindError } from "../options/kinds.ts";
import type { LogLevel, LogLine } from "../output/log_line.ts";
import { LokiPush, type LokiPushOptions, type PushFailure } from "../output/loki_push.ts";
import { UsageError } from "./args.ts";
import type { LogSink } from "./log.ts";
import { readLevel, readOutputSettings } from "./output_settings.ts";

/** Settings of the Loki log. */
export interface LokiSettings extends Omit<LokiPushOptions, "send" | "complain"> {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Lines below this level are left out. */
  readonly level: LogLevel;
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
    maxMessageBytes: read("msgMaxSize", integer, 1_048_576),
  };
}

/** Pushes lines to Loki. What goes wrong is told through `complain`, each cause once. */
export class LokiSink implements LogSink {
  readonly #push: LokiPush;

  constructor(settings: LokiSettings, complain: (message: string) => void) {
    const { origin, pathname } = settings.url;
    this.#push = new LokiPush({
      ...settings,
      send: (body) => post(settings, body),
      complain: (reason) => complain(`cannot push the log to Loki at ${origin}${pathname}: ${reason}`),
    });
  }

  write(line: LogLine): void {
    this.#push.write(line);
  }

  close(): Promise<void> {
    return this.#push.close();
  }
}

const KEYS = ["allowedLabels", "label.", "header.", "limit", "level", "pushPeriod", "profile", "msgMaxSize"];

const PUSH_TIMEOUT_MS = 5_000;

async function post({ url, headers }: LokiSettings, body: string): Promise<PushFailure | null> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...headers },
      body,
      signal: AbortSignal.timeout(PUSH_TIMEOUT_MS),
    });
    const answer = (await response.text()).trim().split("\n", 1)[0]!.slice(0, 200);
    return response.ok ? null : { kind: `it answered ${response.status}`, detail: answer };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { kind: error.name === "TimeoutError" ? "no answer in time" : error.message, detail: "" };
  }
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
