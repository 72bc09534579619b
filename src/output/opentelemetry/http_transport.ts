/** OTLP over HTTP with protobuf bodies. */

import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { HttpClient, type HttpResponse, NO_TLS, TransportError } from "../http_client.ts";
import type { OtelConfig } from "./config.ts";
import { type Answer, readResponse, readStatus, type Transport, unanswered } from "./transport.ts";

/** Posts requests, one at a time. */
export class HttpTransport implements Transport {
  readonly #config: OtelConfig;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #client: HttpClient;

  constructor(config: OtelConfig, version: string) {
    this.#config = config;
    this.#client = new HttpClient({ tls: config.tls });
    this.#headers = {
      ...config.headers,
      "content-type": PROTOBUF,
      "user-agent": `k6d/${version}`,
      ...config.compression === "gzip" ? { "content-encoding": "gzip" } : {},
    };
  }

  async send(body: Uint8Array, timeoutMs: number, signal: AbortSignal): Promise<Answer> {
    const { url, compression } = this.#config;
    const sent = compression === "gzip" ? await promisify(gzip)(body) : body;
    try {
      return outcome(await this.#client.send({ url, headers: this.#headers, body: sent, timeoutMs, signal }));
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      const reason = error.message;
      return unanswered(reason, reason === NO_TLS ? "K6_OTEL_HTTP_EXPORTER_INSECURE=true connects without it" : "");
    }
  }

  close(): void {
    this.#client.close();
  }
}

const PROTOBUF = "application/x-protobuf";

function outcome({ status, headers, content, text, retryAfterMs }: HttpResponse): Answer {
  const isProtobuf = headers["content-type"]?.startsWith(PROTOBUF) === true;
  if (status >= 200 && status < 300) return readResponse(isProtobuf ? content : new Uint8Array(0));
  const message = isProtobuf ? readStatus(content).message : text;
  return {
    kind: "refused",
    cause: `HTTP ${status}`,
    detail: [message, advice.get(status) ?? ""].filter((each) => each !== "").join("; "),
    retryable: retryableStatuses.has(status),
    retryAfterMs,
  };
}

/** By the OTLP specification. */
const retryableStatuses: ReadonlySet<number> = new Set([429, 502, 503, 504]);

const advice: ReadonlyMap<number, string> = new Map([
  [401, "check K6_OTEL_HTTP_EXPORTER_USERNAME and K6_OTEL_HTTP_EXPORTER_PASSWORD, or K6_OTEL_HEADERS"],
  [403, "check what the user or token is allowed to do"],
  [404, "check K6_OTEL_HTTP_EXPORTER_URL_PATH"],
]);
