/** Sends the log of a test run to the cloud, which shows it beside the results. */

import { HttpClient, type HttpResponse, TransportError } from "../../http_client.ts";
import { isAtLeast, type LogLine } from "../../log_line.ts";
import { LokiPush, type PushFailure } from "../../loki_push.ts";
import type { OutputContext, OutputLog } from "../../output.ts";
import { readProxyEnv } from "../../proxy_env.ts";
import { describeUrl } from "../../url_text.ts";
import type { LogsPushConfig } from "../config.ts";

/** Follows the log from the call on; `close` sends what is left. */
export class LogPush {
  readonly #config: LogsPushConfig;
  readonly #url: URL;
  readonly #userAgent: string;
  readonly #http: HttpClient;
  readonly #push: LokiPush;
  readonly #unfollow: () => void;
  readonly #log: OutputLog;
  /** What is said of pushes is not pushed: there would be no end. */
  #isOwnLine = false;

  constructor(
    config: LogsPushConfig,
    testRunId: string,
    { log, redact, followLog, version, env }: Pick<OutputContext, "log" | "redact" | "followLog" | "version" | "env">,
  ) {
    this.#http = new HttpClient({ proxies: readProxyEnv(env) });
    this.#config = config;
    this.#log = log;
    this.#url = new URL(config.url);
    this.#url.username = this.#url.password = "";
    this.#userAgent = `k6d/${version}`;
    this.#push = new LokiPush({
      allowedLabels: config.allowedLabels,
      labels: { test_run_id: testRunId },
      maxMessageBytes: config.maxMessageBytes,
      limit: config.limit,
      pushPeriodMs: config.periodMs,
      send: (body) => this.#send(body),
      complain: (reason) =>
        this.#say("warn", `cloud output: lines of the log did not get to the cloud at ${this.#url.host}: ${reason}`),
    });
    redact(config.token);
    this.#unfollow = followLog((line) => this.#write(line));
  }

  /** Resolves once all lines have been sent, or could not be; within some seconds. */
  async close(): Promise<void> {
    this.#unfollow();
    await this.#push.close();
    this.#http.close();
  }

  #write(line: LogLine): void {
    const { level } = this.#config;
    if (this.#isOwnLine || level !== null && !isAtLeast(level, line.level)) return;
    this.#push.write(line);
  }

  #say(level: "debug" | "warn", message: string): void {
    this.#isOwnLine = true;
    this.#log[level](message);
    this.#isOwnLine = false;
  }

  /** Without repeats, as in k6: later lines are worth more than late ones. */
  async #send(body: string): Promise<PushFailure | null> {
    const bytes = new TextEncoder().encode(body);
    const failure = await this.#attempt(bytes);
    const outcome = failure === null ? "taken" : failure.kind;
    this.#say("debug", `cloud: POST ${describeUrl(this.#url)}: ${outcome} (log, ${bytes.length} B sent)`);
    return failure;
  }

  async #attempt(body: Uint8Array): Promise<PushFailure | null> {
    try {
      const response = await this.#http.send({
        url: this.#url,
        headers: {
          "Authorization": `Bearer ${this.#config.token}`,
          "Content-Type": "application/json",
          "User-Agent": this.#userAgent,
        },
        body,
        timeoutMs: TIMEOUT_MS,
      });
      return failureOf(response);
    } catch (error) {
      if (error instanceof TransportError) return { kind: error.message, detail: "" };
      throw error;
    }
  }
}

const TIMEOUT_MS = 5_000;

function failureOf({ status, text }: HttpResponse): PushFailure | null {
  return status < 300 ? null : { kind: `it answered ${status}`, detail: text };
}
