/** TLS before a plain server, for tests. */

import { closeConnection, isDisconnect } from "./connections.ts";

/** Listens on a free loopback port until it is disposed of; passes what comes inside of TLS on to another port. */
export class TlsFront implements AsyncDisposable {
  connections = 0;
  readonly #listener: Deno.TlsListener;
  readonly #open = new Set<Deno.Conn>();
  readonly #serving: Promise<void>;

  /** `port`: of the plain server. */
  constructor(port: number, { certificate, key }: { readonly certificate: string; readonly key: string }) {
    this.#listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert: certificate, key });
    this.#serving = this.#accept(port);
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#open) closeConnection(connection);
    await this.#serving;
  }

  async #accept(port: number): Promise<void> {
    const served: Promise<void>[] = [];
    for await (const outside of this.#listener) {
      this.connections++;
      served.push(this.#serve(outside, port));
    }
    await Promise.all(served);
  }

  async #serve(outside: Deno.Conn, port: number): Promise<void> {
    const inside = await Deno.connect({ hostname: "127.0.0.1", port });
    this.#open.add(outside).add(inside);
    await Promise.all([pass(outside, inside), pass(inside, outside)]);
    this.#open.delete(outside);
    this.#open.delete(inside);
  }
}

/** Passes bytes on until either end closes, then closes both. */
async function pass(from: Deno.Conn, to: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(65_536);
  try {
    for (let count = await from.read(buffer); count !== null; count = await from.read(buffer)) {
      for (let sent = 0; sent < count;) sent += await to.write(buffer.subarray(sent, count));
    }
  } catch (error) {
    // Whoever drops a connection doesn't say goodbye.
    if (!isDisconnect(error) && !(error instanceof Deno.errors.UnexpectedEof)) throw error;
  } finally {
    closeConnection(from);
    closeConnection(to);
  }
}
