/** Stands between an output and its target: lets bytes through, holds them up, or cuts the way off. */

import { closeConnection, isDisconnect } from "../../support/connections.ts";

/** What a test does to the way. */
export interface Gate {
  /** From now on bytes are taken in, and wait. */
  hold(): void;
  /** Bytes flow again. */
  release(): void;
  /** Resolves once bytes have come, whether they wait or not. */
  reached(): Promise<void>;
  /** Cuts the way off; what was on it is lost. */
  cut(): void;
}

/** What gates have in common. */
class Way {
  #open: Promise<void> = Promise.resolve();
  #release = (): void => {};
  readonly #reached = Promise.withResolvers<void>();

  hold(): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#open = promise;
    this.#release = resolve;
  }

  release(): void {
    this.#release();
  }

  reached(): Promise<void> {
    return this.#reached.promise;
  }

  /** Resolves when bytes may go on. */
  async pass(): Promise<void> {
    this.#reached.resolve();
    await this.#open;
  }
}

/** A port of its own in front of a server's. */
export class TcpGate extends Way implements Gate, AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #target: number;
  readonly #connections = new Set<Deno.Conn>();
  readonly #accepting: Promise<void>;
  #isCut = false;

  /** `target` is the server's port on the loopback interface. */
  constructor(target: number) {
    super();
    this.#target = target;
    this.#accepting = this.#accept();
  }

  get port(): number {
    return (this.#listener.addr as Deno.NetAddr).port;
  }

  cut(): void {
    this.#isCut = true;
    for (const connection of this.#connections) closeConnection(connection);
    this.release();
  }

  /** Makes the way anew. */
  mend(): void {
    this.#isCut = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#listener.close();
    await this.#accepting;
  }

  async #accept(): Promise<void> {
    const served: Promise<void>[] = [];
    for await (const connection of this.#listener) {
      if (this.#isCut) closeConnection(connection);
      else served.push(this.#serve(connection));
    }
    await Promise.all(served);
  }

  async #serve(client: Deno.Conn): Promise<void> {
    const server = await Deno.connect({ hostname: "127.0.0.1", port: this.#target });
    this.#connections.add(client).add(server);
    await Promise.all([this.#pump(client, server), this.#pump(server, client)]);
    this.#connections.delete(client);
    this.#connections.delete(server);
  }

  /** Hands on what `from` sends until either side ends. */
  async #pump(from: Deno.Conn, to: Deno.Conn): Promise<void> {
    try {
      for await (const chunk of from.readable) {
        await this.pass();
        for (let rest = chunk; rest.length > 0;) rest = rest.subarray(await to.write(rest));
      }
    } catch (error) {
      if (!isDisconnect(error)) throw error;
    }
    closeConnection(from);
    closeConnection(to);
  }
}

/** A pipe in the file system, and what was written to it. */
export class PipeGate extends Way implements Gate, AsyncDisposable {
  readonly path: string;
  readonly #chunks: Uint8Array<ArrayBuffer>[] = [];
  readonly #folder: string;
  #reading: Promise<void> = Promise.resolve();
  #isCut = false;

  private constructor(folder: string, name: string) {
    super();
    this.#folder = folder;
    this.path = `${folder}/${name}`;
  }

  static async create(name: string): Promise<PipeGate> {
    const gate = new PipeGate(await Deno.makeTempDir({ prefix: "k6d-gate-" }), name);
    const { success } = await new Deno.Command("mkfifo", { args: [gate.path] }).output();
    if (!success) throw new Error(`mkfifo ${gate.path} failed`);
    return gate;
  }

  /** Begins to read; ends when the writer closes the pipe. */
  open(): void {
    this.#reading = this.#read();
  }

  cut(): void {
    this.#isCut = true;
    this.release();
  }

  /** All that was written, once the writer has closed the pipe. */
  async text(): Promise<string> {
    await this.#reading;
    return await new Blob(this.#chunks).text();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.release();
    await this.#reading;
    await Deno.remove(this.#folder, { recursive: true });
  }

  async #read(): Promise<void> {
    using reader = await Deno.open(this.path);
    for (;;) {
      const chunk = new Uint8Array(262_144);
      const read = await reader.read(chunk);
      if (read === null) return;
      await this.pass();
      if (this.#isCut) return;
      this.#chunks.push(chunk.slice(0, read));
    }
  }
}
