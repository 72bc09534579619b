/** What the HTTP client needs of a connection, and the two kinds of it: Deno's own TCP connections and Node's, for all with TLS. */

import type { Socket as NodeSocket } from "node:net";

/** A connected byte stream. A `Deno.Conn` is one as it is, so that plain HTTP pays for no layer between. */
export interface Socket {
  /** Reads what there is, at least one byte; null at the end of the stream. At most one read at a time. */
  read(buffer: Uint8Array): Promise<number | null>;
  /** Writes a part of the bytes, at least one; tells how many. */
  write(bytes: Uint8Array): Promise<number>;
  /** Ends reads and writes that are under way, too. */
  close(): void;
  /**
   * Whether it is of no use any more while it is idle: the peer has closed, or has sent what nobody asked for. A socket
   * that notices only when it reads leaves it out.
   */
  readonly isSpent?: boolean;
}

/** Takes what comes from a socket as soon as it comes. */
export interface SocketListener {
  chunk(bytes: Uint8Array): void;
  /** The end of the stream, or its failure. */
  ended(error: Error | null): void;
}

/** A socket that may also be handed to a listener, as HTTP/2 needs it. */
export interface ListeningSocket extends Socket {
  /** From now on `listener` gets what comes, in place of `read`; at once what has come already. */
  listen(listener: SocketListener): void;
  /** Writes all of `bytes`, then calls `done`, never from within. */
  send(bytes: Uint8Array, done: (error?: Error | null) => void): void;
}

/** Bytes that may wait in a `NodeStream` before it stops reading. */
const BACKLOG_LIMIT_BYTES = 64 * 1024;

/** Bytes that are written at a time: over TLS all of them are encrypted, and kept, before the first one leaves. */
const WRITE_LIMIT_BYTES = 256 * 1024;

/** A connection of Node's: a plain one, or one of `node:tls` after its handshake. */
export class NodeStream implements ListeningSocket {
  readonly #socket: NodeSocket;
  #backlog: Uint8Array[] = [];
  #backlogBytes = 0;
  #reader: { buffer: Uint8Array; resolve(count: number | null): void; reject(error: Error): void } | null = null;
  #listener: SocketListener | null = null;
  #error: Error | null = null;
  #ended = false;

  constructor(socket: NodeSocket) {
    this.#socket = socket;
    socket.on("data", (chunk: Uint8Array) => this.#receive(chunk));
    socket.on("error", (error: Error) => this.#end(error));
    socket.on("end", () => this.#end(null));
    socket.on("close", () => this.#end(null));
    // A tunnel's was paused when it was handed over.
    if (socket.isPaused()) socket.resume();
  }

  get isSpent(): boolean {
    return this.#ended || this.#backlogBytes > 0;
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
    const part = bytes.length > WRITE_LIMIT_BYTES ? bytes.subarray(0, WRITE_LIMIT_BYTES) : bytes;
    return new Promise((resolve, reject) => {
      this.#socket.write(part, (error) => {
        if (error) reject(error);
        else resolve(part.length);
      });
    });
  }

  listen(listener: SocketListener): void {
    this.#listener = listener;
    const backlog = this.#backlog;
    this.#backlog = [];
    this.#backlogBytes = 0;
    if (this.#socket.isPaused()) this.#socket.resume();
    for (const chunk of backlog) listener.chunk(plain(chunk));
    if (this.#ended) listener.ended(this.#error);
  }

  send(bytes: Uint8Array, done: (error?: Error | null) => void): void {
    this.#socket.write(bytes, done);
  }

  close(): void {
    this.#socket.destroy();
    this.#end(null);
  }

  #receive(chunk: Uint8Array): void {
    if (this.#listener !== null) return this.#listener.chunk(plain(chunk));
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
    this.#listener?.ended(error);
    const reader = this.#reader;
    this.#reader = null;
    if (error === null) reader?.resolve(null);
    else reader?.reject(error);
  }
}

/** The same bytes without the ways of Node's Buffer, whose `slice` doesn't copy. */
function plain(chunk: Uint8Array): Uint8Array {
  return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
}
