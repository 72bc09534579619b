/** Follows the log of a test that runs in the cloud: a WebSocket that tells its lines as they come. */

import type { Clock } from "../../clock.ts";
import { type LogLevel, parseLevel } from "../../log_line.ts";
import { describeUrl } from "../../url_text.ts";
import { readTailMessage, type TimedLine } from "./tail_message.ts";

/** A line of a test's log. */
export interface TailedLine {
  readonly level: LogLevel;
  readonly message: string;
  /** Who says it: `instance_id`, `lz`, `source`, …; the level is not among them. */
  readonly labels: Readonly<Record<string, string>>;
  readonly atEpochMs: number;
}

/** Whose log is followed, and who is told. */
export interface LogTailSettings {
  /** `wss://…`; the query is added. */
  readonly url: string;
  readonly token: string;
  readonly testRunId: string;
  readonly userAgent: string;
  /** Earlier lines are left out. */
  readonly fromEpochMs: number;
  readonly clock: Clock;
  /** Takes each line, the lines of one message in the order of their time. */
  onLine(line: TailedLine): void;
  /** Takes what the user should know, one line each. */
  onWarning(message: string): void;
}

/**
 * Follows a log until `signal` aborts, or until three attempts in a row have failed, which is a warning, as it is when there was no
 * connection until the end. What comes while the connection is lost is told after it. Never rejects.
 */
export async function followLog(settings: LogTailSettings, signal: AbortSignal): Promise<void> {
  const tail = new LogTail(settings);
  const complaint = `cannot read the test's log from ${describeUrl(new URL(settings.url))}`;
  let hasOpened = false;
  let failure = "";
  for (let failures = 0; !signal.aborted;) {
    const ending = await tail.connection(signal);
    hasOpened ||= ending.hasOpened;
    if (signal.aborted) break;
    failure = ending.reason;
    failures = ending.wasUseful ? 0 : failures + 1;
    if (failures >= ATTEMPTS) return settings.onWarning(`${complaint}, the test goes on without: ${failure}`);
    await settings.clock.sleep(pauseAfter(failures), signal);
  }
  if (!hasOpened && failure !== "") settings.onWarning(`${complaint}: ${failure}`);
}

/** After a connection that was good for something. */
const SHORT_PAUSE_MS = 500;
/** After the first failure; five times that after the next (k6). */
const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 120_000;
const MOST_JITTER_MS = 1_000;
const ATTEMPTS = 3;
const CONNECT_LIMIT_MS = 30_000;
/** A connection that lasts that long was none that failed, whether there were lines or not. */
const LASTING_MS = 10_000;

function pauseAfter(failures: number): number {
  if (failures === 0) return SHORT_PAUSE_MS;
  return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 5 ** (failures - 1)) + Math.random() * MOST_JITTER_MS;
}

/** How a connection ended. */
interface Ending {
  /** Whether it has told anything, or could have. */
  readonly wasUseful: boolean;
  readonly hasOpened: boolean;
  readonly reason: string;
}

/** What outlives a connection: how far the log was read, and what was warned of. */
class LogTail {
  readonly #settings: LogTailSettings;
  readonly #unknownLevels = new Set<string>();
  #nextEpochNs: bigint;
  #hasWarnedOfMessage = false;

  constructor(settings: LogTailSettings) {
    this.#settings = settings;
    this.#nextEpochNs = BigInt(Math.trunc(settings.fromEpochMs)) * NS_IN_MS;
  }

  /** One connection, from its beginning to its end. */
  async connection(signal: AbortSignal): Promise<Ending> {
    const { promise, resolve } = Promise.withResolvers<string>();
    const { clock } = this.#settings;
    const socket = this.#open();
    let hasTold = false;
    let openedMs = Infinity;
    socket.addEventListener("message", ({ data }) => {
      hasTold = true;
      this.#take(String(data));
    });
    socket.addEventListener("error", (event) => {
      resolve(event instanceof ErrorEvent ? event.message : "the connection failed");
    });
    socket.addEventListener("close", ({ code, reason }) => resolve(`closed with ${code} ${reason}`.trimEnd()));
    const end = () => resolve("no longer wanted");
    signal.addEventListener("abort", end);
    const opened = new AbortController();
    socket.addEventListener("open", () => {
      openedMs = clock.now();
      opened.abort();
    });
    void clock.sleep(CONNECT_LIMIT_MS, AbortSignal.any([signal, opened.signal])).then(() => {
      if (socket.readyState === WebSocket.CONNECTING) resolve(`no answer within ${CONNECT_LIMIT_MS / 1000} s`);
    });
    const reason = await promise;
    opened.abort();
    signal.removeEventListener("abort", end);
    // k6 says 1001, "going away", which programs may not say through the standard's WebSocket.
    socket.close();
    const wasUseful = hasTold || clock.now() - openedMs >= LASTING_MS;
    return { wasUseful, hasOpened: openedMs < Infinity, reason };
  }

  #open(): WebSocket {
    const { url, token, testRunId, userAgent } = this.#settings;
    const address = new URL(url);
    address.username = address.password = address.hash = "";
    address.searchParams.set("query", `{test_run_id="${testRunId}"}`);
    address.searchParams.set("start", String(this.#nextEpochNs));
    return new WebSocket(address, {
      headers: { "Authorization": `token ${token}`, "X-K6testrun-Id": testRunId, "User-Agent": userAgent },
    });
  }

  #take(text: string): void {
    const message = readTailMessage(text);
    if (message === null) {
      if (!this.#hasWarnedOfMessage) this.#settings.onWarning("a message of the test's log can't be understood");
      this.#hasWarnedOfMessage = true;
      return;
    }
    for (const { atEpochNs, ...line } of message.lines.sort(byTime)) {
      if (atEpochNs >= this.#nextEpochNs) this.#nextEpochNs = atEpochNs + 1n;
      this.#tell(line, Number(atEpochNs / NS_IN_MS));
    }
    if (message.dropped === 0) return;
    const lines = message.dropped === 1 ? "1 line" : `${message.dropped} lines`;
    this.#settings.onWarning(`${lines} of the test's log were dropped by the service`);
  }

  #tell({ message, labels: { level: name = "", ...labels } }: Omit<TimedLine, "atEpochNs">, atEpochMs: number): void {
    const level = FATAL.includes(name) ? "error" : parseLevel(name);
    if (level === null && name !== "" && !this.#unknownLevels.has(name)) {
      this.#unknownLevels.add(name);
      this.#settings.onWarning(`the test's log has lines of the unknown level ${JSON.stringify(name)}: shown as info`);
    }
    this.#settings.onLine({ level: level ?? "info", message, labels, atEpochMs });
  }
}

/** Lines of one time stay in their order. */
function byTime({ atEpochNs: a }: TimedLine, { atEpochNs: b }: TimedLine): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

const NS_IN_MS = 1_000_000n;

/** Levels of the service's own programs. */
const FATAL: readonly string[] = ["fatal", "panic", "critical"];
