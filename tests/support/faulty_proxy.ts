/** A reverse proxy for tests that comes between k6d and a real server and does with requests what networks and servers do. */

import { closeConnection, isDisconnect } from "./connections.ts";

/** What happens to one request. */
export type Fault =
  /** Answered without being passed on. */
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  /** The connection ends before the whole body has come. */
  | "cut in the body"
  /** The server gets the request, but its answer is lost. */
  | "answer lost"
  /** The answer comes when the proxy's `release` is called. */
  | "held";

/** Listens on a free loopback port until it is disposed of. Passes requests on unless told otherwise. */
export class FaultyProxy implements AsyncDisposable {
  /** Number of requests that have begun. */
  requests = 0;
  readonly #target: string;
  readonly #faults: Fault[] = [];
  readonly #port: number;
  #listener: Deno.TcpListener;
  #serving: Promise<void>;
  readonly #connections = new Set<Deno.TcpConn>();
  readonly #waiting: { readonly requests: number; readonly resolve: () => void }[] = [];
  #held = Promise.withResolvers<void>();

  /** `target` is the origin of the real server, for example `http://127.0.0.1:9090`. */
  constructor(target: string) {
    this.#target = target;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.#port = this.#listener.addr.port;
    this.#serving = this.#accept();
  }

  get origin(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** What happens to the next requests, one each. */
  inject(...faults: Fault[]): void {
    this.#faults.push(...faults);
  }

  /** Resolves when that many requests have begun. */
  begun(requests: number): Promise<void> {
    if (this.requests >= requests) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ requests, resolve }));
  }

  /** Lets go of all that is held, and of what will be. */
  release(): void {
    this.#held.resolve();
  }

  /** Refuses connections from now on. */
  async goDown(): Promise<void> {
    this.#listener.close();
    for (const connection of this.#connections) closeConnection(connection);
    await this.#serving;
  }

  /** Takes connections again. */
  comeUp(): void {
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: this.#port });
    this.#serving = this.#accept();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.release();
    await this.goDown();
  }

  async #accept(): Promise<void> {
    const served: Promise<void>[] = [];
    for await (const connection of this.#listener) {
      this.#connections.add(connection);
      served.push(this.#serve(connection));
    }
    await Promise.all(served);
  }

  /** One request a connection, as some proxies do it. */
  async #serve(connection: Deno.TcpConn): Promise<void> {
    try {
      const head = await readHead(connection);
      if (head === null) return;
      this.requests++;
      for (const { requests, resolve } of this.#waiting) if (this.requests >= requests) resolve();
      const fault = this.#faults.shift();
      if (fault === "cut in the body") return;
      const body = await readBody(connection, head);
      if (fault === "held") await this.#held.promise;
      if (typeof fault === "object") return await answer(connection, fault);
      const response = await fetch(this.#target + head.path, { method: "POST", headers: head.headers, body });
      const text = await response.text();
      if (fault !== "answer lost") await answer(connection, { status: response.status, body: text });
    } catch (error) {
      if (!isDisconnect(error)) throw error;
    } finally {
      this.#connections.delete(connection);
      closeConnection(connection);
    }
  }
}

interface Head {
  readonly path: string;
  readonly headers: Headers;
  /** What came of the body together with the head. */
  readonly rest: Uint8Array;
}

/** Null when the connection ends before. */
async function readHead(connection: Deno.TcpConn): Promise<Head | null> {
  let received = new Uint8Array(0);
  for (;;) {
    const text = new TextDecoder("latin1").decode(received);
    const end = text.indexOf("\r\n\r\n");
    if (end !== -1) {
      const [requestLine = "", ...lines] = text.slice(0, end).split("\r\n");
      const headers = new Headers(lines.map((line): [string, string] => {
        const colon = line.indexOf(":");
        return [line.slice(0, colon), line.slice(colon + 1).trim()];
      }));
      return { path: requestLine.split(" ")[1] ?? "/", headers, rest: received.slice(end + 4) };
    }
    const more = await readMore(connection, received);
    if (more === null) return null;
    received = more;
  }
}

async function readBody(connection: Deno.TcpConn, { headers, rest }: Head): Promise<Uint8Array<ArrayBuffer>> {
  let body = Uint8Array.from(rest);
  const length = Number(headers.get("content-length"));
  while (body.length < length) {
    const more = await readMore(connection, body);
    if (more === null) throw new Deno.errors.ConnectionReset("the body is not complete");
    body = more;
  }
  return body;
}

async function readMore(connection: Deno.TcpConn, before: Uint8Array): Promise<Uint8Array<ArrayBuffer> | null> {
  const chunk = new Uint8Array(65_536);
  const length = await connection.read(chunk);
  if (length === null) return null;
  const joined = new Uint8Array(before.length + length);
  joined.set(before);
  joined.set(chunk.subarray(0, length), before.length);
  return joined;
}

async function answer(
  connection: Deno.TcpConn,
  { status, headers = {}, body = "" }: { status: number; headers?: Readonly<Record<string, string>>; body?: string },
): Promise<void> {
  const bytes = new TextEncoder().encode(body);
  const lines = Object.entries({ ...headers, connection: "close", "content-length": String(bytes.length) })
    .filter(([name]) => status !== 204 || name !== "content-length")
    .map(([name, value]) => `${name}: ${value}\r\n`);
  const head = new TextEncoder().encode(`HTTP/1.1 ${status} Status\r\n${lines.join("")}\r\n`);
  for (const part of [head, bytes]) {
    for (let written = 0; written < part.length;) written += await connection.write(part.subarray(written));
  }
}
