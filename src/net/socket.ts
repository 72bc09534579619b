/** What the HTTP client needs of a connection, and the two kinds of it: Deno's own TCP connection and TLS on top of `node:tls`. */

import type { TLSSocket } from "node:tls";

/** A connected byte stream. A `Deno.Conn` is one as it is, so that plain HTTP pays for no layer between. */
export interface Socket {
  /** Reads what there is, at least one byte; null at the end of the stream. At most one read at a time. */
  read(buffer: Uint8Array): Promise<number | null>;
  /** Writes a part of the bytes, at least one; tells how many. */
  write(bytes: Uint8Array): Promise<number>;
  /** Ends reads and writes that are under way, too. */
  close(): void;
  /** Whether the peer is known to have closed; a socket that notices only when it reads leaves it out. */
  readonly ended?: boolean;
}

/** Bytes that may wait in a `TlsSocket` before it stops reading. */
const BACKLOG_LIMIT_BYTES = 64 * 1024;

/** A `node:tls` connection after its handshake. */
export class TlsSocket implements Socket {
  readonly #socket: TLSSocket;
  #backlog: Uint8Array[] = [];
  #backlogBytes = 0;
  #reader: { buffer: Uint8Array; resolve(count: number | null): void; reject(error: Error): void } | null = null;
  #error: Error | null = null;
  #ended = false;

  constructor(socket: TLSSocket) {
    this.#socket = socket;
    socket.on("data", (chunk: Uint8Array) => this.#receive(chunk));
    socket.on("error", (error: Error) => this.#end(error));
    socket.on("end", () => this.#end(null));
    socket.on("close", () => this.#end(null));
  }

  get ended(): boolean {
    return this.#ended;
  }

  read(buffer: Uint8Array): Promise<number | null> {
    if (this.#backlogBytes > 0) return Promise.resolve(this.#takeBacklog(buffer));
    if (this.#error !== null) return Promise.reject(this.#error);
    if (this.#ended) return Promise.resolve(null);
    return new Promise((resolve, reject) => {
      this.#reader = { buffer, resolve, reject };
    });
  }

  write(bytes: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#socket.write(bytes, (error) => {
        if (error) reject(error);
        else resolve(bytes.length);
      });
    });
  }

  close(): void {
    this.#socket.destroy();
    this.#end(null);
  }

  #receive(chunk: Uint8Array): void {
    this.#backlog.push(chunk);
    this.#backlogBytes += chunk.length;
    const reader = this.#reader;
    if (reader !== null) {
      this.#reader = null;
      reader.resolve(this.#takeBacklog(reader.buffer));
    }
    if (this.#backlogBytes > BACKLOG_LIMIT_BYTES) this.#socket.pause();
  }

  #takeBacklog(buffer: Uint8Array): number {
    let filled = 0;
    while (filled < buffer.length && this.#backlogBytes > 0) {
      const chunk = this.#backlog[0]!;
      const count = Math.min(chunk.length, buffer.length - filled);
      buffer.set(count === chunk.length ? chunk : chunk.subarray(0, count), filled);
      filled += count;
      this.#backlogBytes -= count;
      if (count === chunk.length) this.#backlog.shift();
      else this.#backlog[0] = chunk.subarray(count);
    }
    if (this.#backlogBytes <= BACKLOG_LIMIT_BYTES && this.#socket.isPaused()) this.#socket.resume();
    return filled;
  }

  #end(error: Error | null): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    const reader = this.#reader;
    this.#reader = null;
    if (error === null) reader?.resolve(null);
    else reader?.reject(error);
  }
}
