/** Puts a handler of requests on a port: reads requests whole, and hands connections over that are to become something else. */

import http from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import type { HubRequest, HubResponse } from "./http.ts";

/** A connection. */
export type ByteStream = Duplex;

/** Answers a request; null when it has taken the connection over. */
export type RequestHandler = (request: HubRequest, connection: ByteStream) => Promise<HubResponse | null>;

/** Where to listen. */
export interface ServerOptions {
  /** `127.0.0.1` by default. */
  readonly hostname?: string;
  /** A free one by default. */
  readonly port?: number;
  /** The most that a request's body may have; 100 MiB by default. */
  readonly maxBodyBytes?: number;
  /** Told of errors that no client has caused; such requests are answered with 500. */
  readonly onError: (error: unknown) => void;
}

/** A listening server, until it is disposed of. */
export class HubServer implements AsyncDisposable {
  readonly #handler: RequestHandler;
  readonly #maxBodyBytes: number;
  readonly #onError: (error: unknown) => void;
  readonly #server = http.createServer();
  readonly #connections = new Set<ByteStream>();
  #origin = "";

  private constructor(handler: RequestHandler, { maxBodyBytes = 100 * 1024 * 1024, onError }: ServerOptions) {
    this.#handler = handler;
    this.#maxBodyBytes = maxBodyBytes;
    this.#onError = onError;
    this.#server.on("connection", (connection) => {
      this.#connections.add(connection);
      connection.on("close", () => this.#connections.delete(connection));
    });
    this.#server.on("request", (request, response) => this.#serve(request, response));
    this.#server.on("upgrade", (request, connection, head) => {
      // What came with the request belongs to what the connection becomes.
      if (head.length > 0) connection.unshift(head);
      this.#serveUpgrade(request, connection);
    });
  }

  /** Resolves when it listens. */
  static async start(handler: RequestHandler, options: ServerOptions): Promise<HubServer> {
    const { hostname = "127.0.0.1", port = 0 } = options;
    const server = new HubServer(handler, options);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.#server.once("error", reject);
    server.#server.listen(port, hostname, resolve);
    await promise;
    server.#origin = `http://${hostname}:${(server.#server.address() as AddressInfo).port}`;
    return server;
  }

  /** `http://127.0.0.1:8080`. */
  get origin(): string {
    return this.#origin;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const connection of this.#connections) connection.destroy();
    await closed;
  }

  async #serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    try {
      const body = await this.#body(request);
      if (body === "incomplete") return;
      const answer = body === "too large"
        ? TOO_LARGE
        : await this.#handler(this.#request(request, body), request.socket);
      if (answer === null || response.destroyed) return;
      const { status, headers = {}, body: content = "" } = answer;
      const length = typeof content === "string" ? new TextEncoder().encode(content).length : content.length;
      const lengths = status === 204 ? {} : { "content-length": String(length) };
      response.writeHead(status, { ...lengths, ...headers }).end(content);
    } catch (error) {
      this.#onError(error);
      response.writeHead(500).end();
    }
  }

  async #serveUpgrade(request: http.IncomingMessage, connection: ByteStream): Promise<void> {
    connection.on("error", () => connection.destroy());
    try {
      const answer = await this.#handler(this.#request(request, new Uint8Array(0)), connection);
      if (answer !== null) connection.end(refusal(answer));
    } catch (error) {
      this.#onError(error);
      connection.destroy();
    }
  }

  #request({ method = "", url = "/", headers }: http.IncomingMessage, body: Uint8Array<ArrayBuffer>): HubRequest {
    const origin = headers.host === undefined ? this.#origin : `http://${headers.host}`;
    const [path = "/", query = ""] = url.split("?", 2);
    return { method, path, query: new URLSearchParams(query), headers: plainHeaders(headers), body, origin };
  }

  /** Incomplete when the client goes away in the middle of it. */
  async #body(request: http.IncomingMessage): Promise<Uint8Array<ArrayBuffer> | "too large" | "incomplete"> {
    const chunks: Uint8Array[] = [];
    let length = 0;
    try {
      for await (const chunk of request as AsyncIterable<Uint8Array>) {
        length += chunk.length;
        if (length <= this.#maxBodyBytes) chunks.push(chunk);
      }
    } catch (error) {
      if (request.complete) throw error;
      return "incomplete";
    }
    if (length > this.#maxBodyBytes) return "too large";
    const body = new Uint8Array(length);
    let at = 0;
    for (const chunk of chunks) {
      body.set(chunk, at);
      at += chunk.length;
    }
    return body;
  }
}

const TOO_LARGE: HubResponse = {
  status: 413,
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ error: { code: 0, message: "the request is too large" } }),
};

function plainHeaders(headers: http.IncomingHttpHeaders): Headers {
  return new Headers(Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)]));
}

/** An answer on a connection that HTTP has left. */
function refusal({ status, headers = {}, body = "" }: HubResponse): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const text = typeof body === "string" ? body : new TextDecoder().decode(body);
  const length = new TextEncoder().encode(text).length;
  return `HTTP/1.1 ${status} Refused\r\n${lines}content-length: ${length}\r\nconnection: close\r\n\r\n${text}`;
}
