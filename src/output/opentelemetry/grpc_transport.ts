/** OTLP over gRPC: calls of `MetricsService/Export`. */

import { GrpcClient, GrpcStatus, grpcStatusName } from "../grpc_client.ts";
import { NO_TLS } from "../http_client.ts";
import type { OtelConfig } from "./config.ts";
import { type Answer, readResponse, readStatus, type Transport, unanswered } from "./transport.ts";

const PATH = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";

/** Makes calls, one at a time. */
export class GrpcTransport implements Transport {
  readonly #client: GrpcClient;

  constructor(config: OtelConfig, version: string) {
    this.#client = new GrpcClient({ ...config, path: PATH, version });
  }

  async send(body: Uint8Array, timeoutMs: number, signal: AbortSignal): Promise<Answer> {
    const outcome = await this.#client.call(body, timeoutMs, signal);
    if (outcome.kind === "unanswered") {
      const { reason, hint } = outcome;
      return unanswered(reason, reason === NO_TLS ? "K6_OTEL_GRPC_EXPORTER_INSECURE=true connects without it" : hint);
    }
    const { code, message, details, response } = outcome;
    if (code === GrpcStatus.OK) return readResponse(response);
    const status = readStatus(details);
    return {
      kind: "refused",
      cause: grpcStatusName(code),
      detail: [message || status.message, advice.get(code) ?? ""].filter((text) => text !== "").join("; "),
      retryable: retryableCodes.has(code) || code === GrpcStatus.RESOURCE_EXHAUSTED && status.retryAfterMs !== null,
      retryAfterMs: status.retryAfterMs,
    };
  }

  close(): void {
    this.#client.close();
  }
}

/** By the OTLP specification; RESOURCE_EXHAUSTED only when the receiver says how long to wait. */
const retryableCodes: ReadonlySet<number> = new Set([
  GrpcStatus.CANCELLED,
  GrpcStatus.DEADLINE_EXCEEDED,
  GrpcStatus.ABORTED,
  GrpcStatus.OUT_OF_RANGE,
  GrpcStatus.UNAVAILABLE,
  GrpcStatus.DATA_LOSS,
]);

const advice: ReadonlyMap<number, string> = new Map([
  [GrpcStatus.UNIMPLEMENTED, "no OTLP receiver for metrics is there: check host and port"],
  [GrpcStatus.PERMISSION_DENIED, "check K6_OTEL_HEADERS"],
  [GrpcStatus.UNAUTHENTICATED, "check K6_OTEL_HEADERS"],
]);
