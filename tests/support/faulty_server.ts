/** An HTTP/1.1 server, plain or over TLS, that breaks in the way that a request's path names. */

import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";

/** Whole answers, by the framing of their bodies. */
export const ANSWERS = {
  length: "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello",
  chunked: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nX-Sum: 1\r\n\r\n",
} as const;

/** What is no answer, by name. The connection stays open after it. */
export const GARBAGE: Readonly<Record<string, string>> = {
  "no-http": "\x00\x01\x02 what?\r\n\r\n",
  "blank": "\r\n\r\n",
  "old-version": "HTTP/0.9 200 OK\r\n\r\n",
  "long-status": "HTTP/1.1 2000 OK\r\n\r\n",
  "negative-length": "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
  "two-lengths": "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
  "list-of-lengths": "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello",
  "no-colon": "HTTP/1.1 200 OK\r\nnonsense\r\n\r\n",
  "bad-chunk-size": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nhello\r\n",
  "long-chunk": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nhello\r\n0\r\n\r\n",
  "huge-chunk": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
  "unknown-coding": "HTTP/1.1 200 OK\r\nTransfer-Encoding: rot13\r\n\r\n",
  "switch": "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
};

/**
 * Listens on a free loopback port until it is disposed of:
 *
 *     /ok                  a whole answer               /garbage/NAME        one of `GARBAGE`
 *     /cut/ANSWER/N        N bytes of it, then the end  /extra               an answer and more bytes
 *     /reset/ANSWER/N      the same, then a reset       /leave               an answer, then the end
 *     /stall/ANSWER/N      the same, then nothing       /interim             interim answers without end
 *     /more                an answer, later another one
 *                                                       /head                a head without end
 */
export class FaultyServer implements AsyncDisposable {
  connections = 0;
  /** How many answers that nobody asked for have been sent. */
  unasked = 0;
  readonly url: string;
  readonly #server: Server;
  readonly #open: ReadonlySet<Socket>;

  private constructor(scheme: string, server: Server, open: ReadonlySet<Socket>) {
    this.#server = server;
    this.#open = open;
    this.url = `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** By TLS when it is given a certificate and a key; then connections can't be reset. */
  static async start(tls?: TlsOptions): Promise<FaultyServer> {
    const open = new Set<Socket>();
    const accept = (socket: Socket) => {
      socket.setNoDelay();
      running.connections++;
      open.add(socket);
      socket.on("close", () => open.delete(socket));
      socket.on("error", () => socket.destroy());
      serve(socket, running);
    };
    // `node:net`, because it can reset a connection.
    const server = tls === undefined ? createServer(accept) : createTlsServer(tls, accept);
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    const running = new FaultyServer(tls === undefined ? "http" : "https", server, open);
    return running;
  }

  /** Connections that are open at this end. */
  get openConnections(): number {
    return this.#open.size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    await new Promise<void>((closed) => this.#server.close(() => closed()));
  }
}

/** Answers each request when its head is complete; bodies are no part of these tests. */
function serve(socket: Socket, server: FaultyServer): void {
  let received = "";
  socket.setEncoding("latin1");
  socket.on("data", (text: string) => {
    received += text;
    for (let end = received.indexOf("\r\n\r\n"); end >= 0; end = received.indexOf("\r\n\r\n")) {
      const path = received.split(" ", 2)[1] ?? "";
      received = received.slice(end + 4);
      answer(socket, path, server);
    }
  });
}

function answer(socket: Socket, path: string, server: FaultyServer): void {
  const [, kind, name = "", count = ""] = path.split("/");
  const part = ANSWERS[name as keyof typeof ANSWERS]?.slice(0, Number(count)) ?? "";
  switch (kind) {
    case "cut":
      // Over TLS the end of nothing never ends, in Deno 2.9.
      if (part === "") socket.end();
      else socket.end(part, "latin1");
      return;
    case "reset":
      socket.write(part, "latin1", () => socket.resetAndDestroy());
      return;
    case "stall":
      socket.write(part, "latin1");
      return;
    case "garbage":
      socket.write(GARBAGE[name] ?? "", "latin1");
      return;
    case "extra":
      socket.write(`${ANSWERS.length} and more`, "latin1");
      return;
    case "more":
      // Not in one piece with the first one, which the client would notice at once.
      socket.write(ANSWERS.length, "latin1", () => {
        setTimeout(() => socket.write(ANSWERS.length, "latin1", () => server.unasked++), 10);
      });
      return;
    case "leave":
      socket.end(ANSWERS.length, "latin1");
      return;
    case "interim":
      return repeat(socket, "HTTP/1.1 100 Continue\r\n\r\n");
    case "head":
      socket.write("HTTP/1.1 200 OK\r\n", "latin1");
      return repeat(socket, "X: y\r\n".repeat(1000));
    default:
      socket.write(ANSWERS.length, "latin1");
  }
}

/** Until the client has had enough. */
function repeat(socket: Socket, text: string): void {
  socket.write(text, "latin1", (error) => {
    if (!error && !socket.destroyed) repeat(socket, text);
  });
}
