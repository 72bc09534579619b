/** The service that is told of traced requests: calls of `IngesterService/BatchCreateRequestMetadatas` by gRPC over TLS 1.3. */

import { GrpcClient, GrpcStatus, grpcStatusName } from "../../grpc_client.ts";
import { NO_TLS, type TlsOptions } from "../../http_client.ts";

const PATH = "/k6.cloud.insights.proto.v1.ingester.IngesterService/BatchCreateRequestMetadatas";

/** Takes messages, one at a time. */
export interface Ingester {
  /** Resolves with what became of the message, after `timeoutMs` or when `signal` aborts at the latest; never rejects. */
  create(body: Uint8Array, timeoutMs: number, signal: AbortSignal): Promise<IngesterAnswer>;
  close(): void;
}

/** What became of a message: taken, or not and why. */
export type IngesterAnswer = { readonly kind: "taken" } | IngesterRefusal;

/** A message that was not taken, or nobody knows. */
export interface IngesterRefusal {
  /**
   * `refused`: this message never will be; `unwelcome`: no message will be; `busy`: perhaps later; `unreachable`: no answer
   * came, perhaps one will.
   */
  readonly kind: "refused" | "unwelcome" | "busy" | "unreachable";
  /** Few fixed words, by which failures are counted: `connection refused`, `UNAVAILABLE`. */
  readonly cause: string;
  /** The service's own words; mostly empty. */
  readonly detail: string;
}

/** Who tells of requests, and whom. */
export interface IngesterOptions {
  /** `host:port`. */
  readonly host: string;
  readonly testRunId: string;
  /** Null: messages say nothing of who sends them. */
  readonly token: string | null;
  readonly version: string;
  /** Default: the system's authorities are trusted. */
  readonly tls?: TlsOptions;
}

/** The service itself. */
export class GrpcIngester implements Ingester {
  readonly #client: GrpcClient;

  constructor({ host, testRunId, token, version, tls = {} }: IngesterOptions) {
    this.#client = new GrpcClient({
      url: new URL(`https://${host}`),
      path: PATH,
      headers: {
        "x-k6testrun-id": testRunId,
        ...token === null ? {} : { "authorization": `Token ${token}` },
      },
      tls: { ...tls, minVersion: "1.3" },
      compression: "none",
      version,
    });
  }

  async create(body: Uint8Array, timeoutMs: number, signal: AbortSignal): Promise<IngesterAnswer> {
    const outcome = await this.#client.call(body, timeoutMs, signal);
    if (outcome.kind === "unanswered") {
      const { reason, hint } = outcome;
      const detail = reason === NO_TLS ? "the service must have TLS 1.3" : hint;
      return { kind: "unreachable", cause: reason, detail };
    }
    const { code, message } = outcome;
    if (code === GrpcStatus.OK) return { kind: "taken" };
    return { kind: kinds.get(code) ?? "refused", cause: grpcStatusName(code), detail: message };
  }

  close(): void {
    this.#client.close();
  }
}

/** What status codes say of further attempts; all others are about one message. */
const kinds: ReadonlyMap<number, IngesterRefusal["kind"]> = new Map([
  [GrpcStatus.UNKNOWN, "busy"],
  [GrpcStatus.INTERNAL, "busy"],
  [GrpcStatus.UNAVAILABLE, "busy"],
  [GrpcStatus.DEADLINE_EXCEEDED, "busy"],
  [GrpcStatus.UNIMPLEMENTED, "unwelcome"],
  [GrpcStatus.PERMISSION_DENIED, "unwelcome"],
  [GrpcStatus.UNAUTHENTICATED, "unwelcome"],
]);
