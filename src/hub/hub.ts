/**
 * The results server: takes what k6 and k6d send to a cloud, and answers as that does. It is a function from requests to
 * answers over a store; `server.ts` puts it on a port.
 */

import { ApiError, type HubRequest, type HubResponse, v1Error, v6Error } from "./http.ts";
import { Idempotency } from "./idempotency.ts";
import { isTail, tailLogs } from "./log_tail.ts";
import { logOperations } from "./logs_api.ts";
import { metricsOperations } from "./metrics_api.ts";
import type { Call, Operation, OperationName } from "./operation.ts";
import { provisioningOperations } from "./provisioning_api.ts";
import { Router } from "./router.ts";
import { secretOperations } from "./secrets_api.ts";
import { defaultSettings, type Settings } from "./settings.ts";
import type { ByteStream } from "./server.ts";
import type { Store } from "./store.ts";
import { v1Operations } from "./v1_api.ts";
import { v6Operations } from "./v6_api.ts";

/** What a hub is made of. */
export interface HubParts {
  readonly store: Store;
  readonly settings?: Settings;
  /** Epoch milliseconds; the machine's clock by default. */
  readonly now?: () => number;
  /** Told of what clients do that the service can live with and that a correct client doesn't do. */
  readonly onDeviation?: (operation: OperationName | null, rule: string) => void;
}

const operations: readonly Operation[] = [
  ...v1Operations,
  ...metricsOperations,
  ...v6Operations,
  ...provisioningOperations,
  ...secretOperations,
  ...logOperations,
];

/** Answers requests. */
export class Hub {
  readonly store: Store;
  readonly settings: Settings;
  readonly #now: () => number;
  readonly #onDeviation: (operation: OperationName | null, rule: string) => void;
  readonly #router = new Router(operations);
  readonly #idempotency = new Idempotency();

  constructor({ store, settings = defaultSettings(), now = Date.now, onDeviation = () => {} }: HubParts) {
    this.store = store;
    this.settings = settings;
    this.#now = now;
    this.#onDeviation = onDeviation;
  }

  /** Name of the operation that a request asks for; null for none. */
  operationOf(request: HubRequest): OperationName | null {
    if (isTail(request)) return "logs.tail";
    const { method, path } = request;
    const found = this.#router.find(method, path);
    return found !== null && "operation" in found ? found.operation.name : null;
  }

  /**
   * Answers a request; whatever is wrong with it is in the answer. Null when the connection has become a WebSocket, which
   * then goes on by itself.
   */
  async handle(request: HubRequest, connection: ByteStream): Promise<HubResponse | null> {
    if (!isTail(request)) return this.#answer(request);
    const call = this.#call("logs.tail", request, {});
    try {
      return await tailLogs(call, connection);
    } catch (error) {
      if (error instanceof ApiError) return v6Error(error);
      throw error;
    }
  }

  async #answer(request: HubRequest): Promise<HubResponse> {
    const found = this.#router.find(request.method, request.path);
    if (found === null) return v1Error(new ApiError(404, `there is nothing at ${request.path}`));
    if (!("operation" in found)) {
      const { status, body = "" } = v1Error(new ApiError(405, `${request.path} takes ${found.join(" and ")}`));
      return { status, headers: { allow: found.join(", "), "content-type": "application/json" }, body };
    }
    const { operation, parameters } = found;
    const call = this.#call(operation.name, request, parameters);
    checkHeaders(operation, call);
    try {
      return await this.#idempotency.once(request, this.#now(), () => operation.answer(call));
    } catch (error) {
      if (error instanceof ApiError) return operation.api === "v1" ? v1Error(error) : v6Error(error);
      throw error;
    }
  }

  #call(name: OperationName, request: HubRequest, parameters: Readonly<Record<string, string>>): Call {
    const deviates = (rule: string) => this.#onDeviation(name, rule);
    return { request, parameters, store: this.store, settings: this.settings, now: this.#now, deviates };
  }
}

const KEYED: readonly OperationName[] = ["v6.startTestRun", "provisioning.startLocalExecution"];

/** What all calls have in common. */
function checkHeaders({ name, method }: Operation, { request: { headers }, deviates }: Call): void {
  const agent = headers.get("user-agent") ?? "";
  if (!/^(k6cloud|k6d)\/\S+/.test(agent)) deviates(`User-Agent ${agent}`);
  const key = headers.get("k6-idempotency-key");
  const isV1Change = method !== "GET" && !/^(Bearer|token) /.test(headers.get("authorization") ?? "") &&
    /^v[12]\./.test(name);
  if (key === null && (isV1Change || KEYED.includes(name))) deviates("no K6-Idempotency-Key");
  if (key !== null && isV1Change && !/^[0-9a-f]{16}$/.test(key)) deviates(`K6-Idempotency-Key ${key}`);
}
