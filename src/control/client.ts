/** Speaks to the REST API of a running test, for `k6d status` and its like. */

import { parseAddress } from "./server.ts";
import type { MetricAttributes, Resource, StatusAttributes } from "./resources.ts";

/** The test can't be reached, or refuses; the message is for the user. */
export class ControlClientError extends Error {
  override name = "ControlClientError";
}

/** What can be asked of a status: what is missing stays as it is. */
export type StatusChange = Partial<Pick<StatusAttributes, "paused" | "stopped" | "vus" | "vus-max">>;

/** A client for the test at `address`, written as for `--address`. */
export class ControlClient {
  readonly #address: string;
  readonly #base: string;

  /** Throws a `ListenError` when the address is malformed. */
  constructor(address: string) {
    const { hostname, port } = parseAddress(address);
    this.#address = address;
    this.#base = `http://${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}/v1/`;
  }

  /** Throws a `ControlClientError`, as all of these do. */
  async status(): Promise<StatusAttributes> {
    return (await this.#ask<Resource<StatusAttributes>>("status")).attributes;
  }

  async change(attributes: StatusChange): Promise<StatusAttributes> {
    const body = JSON.stringify({ data: { type: "status", id: "default", attributes } });
    return (await this.#ask<Resource<StatusAttributes>>("status", { method: "PATCH", body })).attributes;
  }

  async metrics(): Promise<readonly Resource<MetricAttributes>[]> {
    return await this.#ask<readonly Resource<MetricAttributes>[]>("metrics");
  }

  async #ask<T>(path: string, init: RequestInit = {}): Promise<T> {
    let response: Response;
    try {
      response = await fetch(this.#base + path, init);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      throw new ControlClientError(
        `no test answers at ${this.#address}: run it with --address ${this.#address}, and give the same address here`,
      );
    }
    const body = await response.json().catch(() => null);
    if (response.ok && body?.data !== undefined) return body.data;
    const detail = body?.errors?.[0]?.detail ?? `it answered with status ${response.status}`;
    throw new ControlClientError(`the test at ${this.#address} refused: ${detail}`);
  }
}
