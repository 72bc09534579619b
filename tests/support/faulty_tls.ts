/** A TLS server behind a proxy that breaks what the server sends: cut off, reset, stalled or garbled after any byte. */

import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import type { Certificate } from "../net/certificate.ts";

/** What becomes of a connection once `after` bytes of the server's have passed. */
export interface TlsFault {
  readonly how: "end" | "reset" | "stall" | "garbage";
  readonly after: number;
  /** What is sent in the server's place; for `garbage`. */
  readonly bytes?: Uint8Array;
}

/** A fatal alert of TLS 1.2's form, as servers send it in answer to a ClientHello. */
export function alert(description: number): Uint8Array {
  return Uint8Array.of(0x15, 3, 3, 0, 2, 2, description);
}

/** Listens on a free loopback port until it is disposed of; answers each request with `answer` over TLS. */
export class FaultyTlsServer implements AsyncDisposable {
  readonly port: number;
  /** Asked for each connection; null: it works. */
  faultOf: () => TlsFault | null = () => null;
  /** Bytes that the server has sent on the connection that was closed last. */
  lastSentBytes = 0;
  readonly #front: Server;
  readonly #back: Deno.TlsListener;
  readonly #open = new Set<Socket>();

  private constructor(front: Server, back: Deno.TlsListener) {
    this.#front = front;
    this.#back = back;
    this.port = (front.address() as AddressInfo).port;
  }

  static async start(
    { certificate: cert, key }: Certificate,
    answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
  ): Promise<FaultyTlsServer> {
    const back = Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert, key });
    const front = createServer({ noDelay: true }, (socket) => running.#forward(socket));
    await new Promise<void>((listening) => front.listen(0, "127.0.0.1", listening));
    const running = new FaultyTlsServer(front, back);
    running.#serve(new TextEncoder().encode(answer));
    return running;
  }

  /** Connections that are open at this end. */
  get openConnections(): number {
    return this.#open.size;
  }

  /** Ends all connections without TLS's goodbye. */
  endAll(): void {
    for (const socket of this.#open) socket.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    this.#back.close();
    await new Promise<void>((closed) => this.#front.close(() => closed()));
  }

  #forward(client: Socket): void {
    const fault = this.faultOf();
    const server = connect({ host: "127.0.0.1", port: this.#back.addr.port, noDelay: true });
    this.#open.add(client);
    let passed = 0;
    let isBroken = false;
    const forward = (chunk: Uint8Array): void => {
      if (isBroken) return;
      const left = fault === null ? Infinity : fault.after - passed;
      passed += Math.min(chunk.length, left);
      if (chunk.length <= left && passed !== fault?.after) return void client.write(chunk);
      isBroken = true;
      breakOff(client, fault!, chunk.subarray(0, left));
    };
    server.on("data", forward).on("end", () => client.end()).on("error", () => client.destroy());
    client.on("data", (chunk: Uint8Array) => {
      server.write(chunk);
      if (fault?.after === 0) forward(new Uint8Array(0));
    });
    client.on("end", () => server.end()).on("error", () => client.destroy());
    client.on("close", () => {
      this.lastSentBytes = passed;
      this.#open.delete(client);
      server.destroy();
    });
  }

  async #serve(answer: Uint8Array): Promise<void> {
    for (;;) {
      try {
        this.#answer(await this.#back.accept(), answer);
      } catch (error) {
        if (error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted) return;
        throw error;
      }
    }
  }

  async #answer(connection: Deno.TlsConn, answer: Uint8Array): Promise<void> {
    try {
      const buffer = new Uint8Array(65536);
      while (await connection.read(buffer) !== null) {
        for (let sent = 0; sent < answer.length;) sent += await connection.write(answer.subarray(sent));
      }
    } catch (error) {
      // Broken on purpose, or the client has had enough.
      if (!(error instanceof Error)) throw error;
    } finally {
      connection.close();
    }
  }
}

function breakOff(client: Socket, { how, bytes }: TlsFault, rest: Uint8Array): void {
  switch (how) {
    case "end":
      client.end(rest);
      return;
    case "reset":
      // An empty write would never call back.
      if (rest.length === 0) client.resetAndDestroy();
      else client.write(rest, () => client.resetAndDestroy());
      return;
    case "stall":
      client.write(rest);
      return;
    case "garbage":
      client.write(rest);
      client.write(bytes ?? new Uint8Array(20_000).fill(0x2a));
  }
}
