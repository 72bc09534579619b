/** A TCP server that answers each connection as a test scripts it, and a one-call client for the tests. */

import { HttpClient, HttpNetwork } from "../../src/net/http_client.ts";
import type { HttpRequest, HttpResult, NetSettings } from "../../src/net/types.ts";
import { parseHttpUrl } from "../../src/net/url.ts";
import { isDisconnect } from "../support/connections.ts";

/** One connection as the server's script sees it. */
export interface Peer {
  /** Reads up to and including the next blank line; null when the client closed. */
  head(): Promise<string | null>;
  /** Reads so many bytes of a body. */
  body(length: number): Promise<string>;
  send(text: string): Promise<void>;
  /** Resolves when the client has closed. */
  closed(): Promise<void>;
}

/** A running server. */
export interface RawServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Connections accepted so far. */
  readonly connections: number;
}

/** Serves each connection with `script`, which is told how many came before; afterwards it is closed. */
export function startRawServer(script: (peer: Peer, index: number) => Promise<void>): RawServer {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.Conn>();
  const running: Promise<void>[] = [];
  let connections = 0;
  const serve = async (conn: Deno.Conn, index: number) => {
    open.add(conn);
    try {
      await script(makePeer(conn), index);
    } catch (error) {
      if (!isDisconnect(error)) throw error;
    } finally {
      if (open.delete(conn)) conn.close();
    }
  };
  const accepting = (async () => {
    for await (const conn of listener) running.push(serve(conn, connections++));
  })();
  return {
    url: `http://127.0.0.1:${listener.addr.port}`,
    port: listener.addr.port,
    get connections() {
      return connections;
    },
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const conn of open) {
        open.delete(conn);
        conn.close();
      }
      await accepting;
      await Promise.all(running);
    },
  };
}

/** Serves every connection's requests with the same bytes. */
export function startFixedServer(answer: string): RawServer {
  return startRawServer(async (peer) => {
    while (await peer.head() !== null) await peer.send(answer);
  });
}

export const DEFAULT_SETTINGS: NetSettings = {
  insecureSkipTlsVerify: false,
  noConnectionReuse: false,
  caCerts: [],
  dialTimeoutMs: 30_000,
};

/** A worker's network with one client; disposing closes both. */
export class TestClient implements Disposable {
  readonly network: HttpNetwork;
  readonly client: HttpClient;

  constructor(settings: Partial<NetSettings> = {}) {
    this.network = new HttpNetwork({ ...DEFAULT_SETTINGS, ...settings });
    this.client = new HttpClient(this.network);
  }

  send(url: string, overrides: Partial<HttpRequest> = {}): Promise<HttpResult> {
    return new Promise((httpDone) => this.client.send(makeRequest(url, overrides), { httpDone }));
  }

  [Symbol.dispose](): void {
    this.client.close();
    this.network.close();
  }
}

export function makeRequest(url: string, overrides: Partial<HttpRequest> = {}): HttpRequest {
  const parsed = parseHttpUrl(url);
  const length = overrides.body ? `Content-Length: ${overrides.body.length}\r\n` : "";
  return {
    method: "GET",
    url: parsed,
    headers: `Host: ${parsed.host}\r\n${length}`,
    body: null,
    timeoutMs: 10_000,
    discardBody: false,
    http1Only: false,
    ...overrides,
  };
}

/** A result's body as text; null stays null. */
export function bodyText(result: HttpResult): string | null {
  return result.body === null ? null : new TextDecoder().decode(result.body);
}

function makePeer(conn: Deno.Conn): Peer {
  let buffered = "";
  const chunk = new Uint8Array(65536);
  const fill = async (): Promise<boolean> => {
    const count = await conn.read(chunk);
    // Not by a TextDecoder: what they call latin1 is windows-1252.
    if (count !== null) buffered += String.fromCharCode(...chunk.subarray(0, count));
    return count !== null;
  };
  const take = (length: number): string => {
    const taken = buffered.slice(0, length);
    buffered = buffered.slice(length);
    return taken;
  };
  return {
    async head() {
      while (!buffered.includes("\r\n\r\n")) if (!await fill()) return null;
      return take(buffered.indexOf("\r\n\r\n") + 4);
    },
    async body(length) {
      while (buffered.length < length) if (!await fill()) break;
      return take(length);
    },
    async send(text) {
      const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
      for (let sent = 0; sent < bytes.length;) sent += await conn.write(bytes.subarray(sent));
    },
    async closed() {
      while (await fill());
    },
  };
}
