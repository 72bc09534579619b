/** `--http-debug`: what goes over the wire, in the log. */

import { wholeBody } from "../net/request_body.ts";
import type { HttpRequest, HttpResult } from "../net/types.ts";
import type { VirtualUser } from "../worker/virtual_user.ts";
import { session } from "./session.ts";

// Scripts find these gone from the global object.
const { crypto, TextDecoder } = globalThis;

/** Logs the requests of one virtual user, and their answers. */
export class HttpDebug {
  readonly #user: VirtualUser;
  readonly #withBodies: boolean;

  constructor(user: VirtualUser, mode: "headers" | "full") {
    this.#user = user;
    this.#withBodies = mode === "full";
  }

  /** Logs a request; returns an id by which the line of the answer is found. */
  sending({ method, url, headers, body }: HttpRequest): string {
    const id = crypto.randomUUID();
    this.#log("Request", id, `${method} ${url.target} HTTP/1.1\r\n${headers}`, body && wholeBody(body));
    return id;
  }

  /** Logs an answer as it came, still compressed; a request that failed has none. */
  received(id: string, { status, statusText, proto, rawHeaders, body }: HttpResult): void {
    if (status === 0) return;
    let head = `${proto} ${status} ${statusText}\r\n`;
    for (let i = 0; i < rawHeaders.length; i += 2) head += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`;
    this.#log("Response", id, head, body);
  }

  #log(what: string, id: string, head: string, body: Uint8Array | null): void {
    const { id: vu, group, iterations, context } = this.#user;
    const text = this.#withBodies && body !== null ? decoder.decode(body) : "";
    session.log("info", `${what}:\n${head}\r\n${text}\n`, {
      group,
      iter: String(Math.max(0, iterations - 1)),
      request_id: id,
      scenario: context?.scenario.name ?? "",
      source: "http-debug",
      vu: String(vu),
    });
  }
}

const decoder = new TextDecoder();
