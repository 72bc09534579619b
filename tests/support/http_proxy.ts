/** An HTTP proxy for tests: forwards plain requests and opens tunnels. */

import http from "node:http";
import type https from "node:https";
import net, { type AddressInfo } from "node:net";

/** A server on a free port until it is disposed of. */
export class ListeningServer implements AsyncDisposable {
  readonly #server: http.Server | https.Server;

  private constructor(server: http.Server | https.Server) {
    this.#server = server;
  }

  /** Resolves when it listens. */
  static async of(server: http.Server | https.Server): Promise<ListeningServer> {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new ListeningServer(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** An HTTP proxy on a free port that takes every host for the one target. */
export class HttpProxy implements AsyncDisposable {
  /** Who was let through where to. */
  readonly seen: string[] = [];
  connections = 0;
  /** No tunnel to anywhere. */
  refuses = false;
  readonly #tunnels = new Set<net.Socket>();
  #listening: ListeningServer | null = null;

  /** Resolves when it listens. */
  static async to(port: number): Promise<HttpProxy> {
    const proxy = new HttpProxy();
    const server = http.createServer((request, response) => proxy.#forward(request, response, port));
    server.on("connection", () => proxy.connections++);
    server.on("connect", (request, socket) => proxy.#tunnel(request, socket as net.Socket, port));
    proxy.#listening = await ListeningServer.of(server);
    return proxy;
  }

  get port(): number {
    return this.#listening?.port ?? 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#tunnels) socket.destroy();
    await this.#listening?.[Symbol.asyncDispose]();
  }

  #note({ headers }: http.IncomingMessage, host: string): void {
    this.seen.push(`${headers["proxy-authorization"]} to ${host}`);
  }

  #forward(request: http.IncomingMessage, response: http.ServerResponse, port: number): void {
    const url = new URL(request.url ?? "");
    this.#note(request, url.hostname);
    const { method, headers } = request;
    const options = { host: "127.0.0.1", port, path: url.pathname + url.search, method, headers };
    const onward = http.request(options, (answer) => answer.pipe(response));
    request.pipe(onward);
  }

  #tunnel(request: http.IncomingMessage, socket: net.Socket, port: number): void {
    if (this.refuses) {
      socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
      return;
    }
    this.#note(request, request.url?.split(":")[0] ?? "");
    const onward = net.connect(port, "127.0.0.1");
    for (const end of [socket, onward]) {
      this.#tunnels.add(end);
      end.on("error", () => end.destroy());
      end.on("close", () => this.#tunnels.delete(end));
    }
    socket.write("HTTP/1.1 200 Connected\r\n\r\n");
    socket.pipe(onward);
    onward.pipe(socket);
  }
}
