/**
 * An HTTP/2 server (RFC 9113) for tests, with trailers, which `Deno.serve` has not. Not node:http2: the server of Deno 2.9 aborts the
 * process now and then when a connection ends that had requests of megabytes.
 */

import net from "node:net";
import type { Socket } from "node:net";
import tls from "node:tls";
import { encodeFields, HpackDecoder } from "./hpack.ts";
import { concat } from "./bytes.ts";

/** A request, complete. */
export interface Http2Request {
  /** By lower-case names, `:method` and its like included. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** What to do with a request: never answer, cut the connection, or answer. */
export type Http2Response = "hang" | "reset" | {
  /** With `:status`. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly trailers?: Readonly<Record<string, string>>;
};

/**
 * A server that is to be told where to listen; by TLS when it is given what TLS needs. `when` says whether requests are served once
 * they are complete, or at once, without a look at their bodies.
 */
export function createHttp2Server(
  tlsOptions: tls.TlsOptions | undefined,
  serve: (request: Http2Request) => Http2Response,
  when: "complete" | "at once" = "complete",
): net.Server {
  const accept = (socket: Socket) => void new Connection(socket, serve, when);
  if (tlsOptions === undefined) return net.createServer(accept);
  return tls.createServer({ ...tlsOptions, ALPNProtocols: ["h2"] }, accept);
}

const PREFACE = new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const FRAME_HEAD = 9;
/** The largest frame that either side may send. */
const FRAME_LIMIT = 16_384;

/** Types of frames. */
const DATA = 0;
const HEADERS = 1;
const RST_STREAM = 3;
const SETTINGS = 4;
const PING = 6;
const WINDOW_UPDATE = 8;
const CONTINUATION = 9;

/** Flags of frames. */
const ACK = 1;
const END_STREAM = 1;
const END_HEADERS = 4;
const PADDED = 8;
const PRIORITY = 32;

/** A request of which parts are still to come. */
interface OpenStream {
  block: Uint8Array;
  endsWithHeaders: boolean;
  headers: Readonly<Record<string, string>> | null;
  readonly body: Uint8Array[];
}

class Connection {
  readonly #socket: Socket;
  readonly #serve: (request: Http2Request) => Http2Response;
  readonly #when: "complete" | "at once";
  readonly #hpack = new HpackDecoder();
  readonly #streams = new Map<number, OpenStream>();
  #input = new Uint8Array(0);
  #hasPreface = false;

  constructor(socket: Socket, serve: (request: Http2Request) => Http2Response, when: "complete" | "at once") {
    this.#socket = socket;
    this.#serve = serve;
    this.#when = when;
    // A client that cuts the connection: its test looks at the client.
    socket.on("error", () => socket.destroy());
    // As servers do: an answer's frames must not wait for the client to acknowledge the first.
    socket.setNoDelay(true);
    socket.on("data", (bytes: Uint8Array) => {
      try {
        this.#receive(bytes);
      } catch {
        // Not HTTP/2, or wrong: the client gets to see what was sent, and that the connection ends.
        this.#streams.clear();
        socket.end();
      }
    });
    this.#write(frame(SETTINGS, 0, 0, new Uint8Array(0)));
  }

  #receive(bytes: Uint8Array): void {
    this.#input = concat([this.#input, bytes]);
    if (!this.#hasPreface) {
      if (this.#input.length < PREFACE.length) return;
      if (PREFACE.some((byte, i) => byte !== this.#input[i])) throw new Error("no preface");
      this.#input = this.#input.subarray(PREFACE.length);
      this.#hasPreface = true;
    }
    while (this.#input.length >= FRAME_HEAD) {
      const head = new DataView(this.#input.buffer, this.#input.byteOffset);
      const length = head.getUint32(0) >>> 8;
      if (length > FRAME_LIMIT) throw new Error(`a frame of ${length} bytes`);
      if (this.#input.length < FRAME_HEAD + length) return;
      const payload = this.#input.subarray(FRAME_HEAD, FRAME_HEAD + length);
      this.#input = this.#input.subarray(FRAME_HEAD + length);
      this.#take(head.getUint8(3), head.getUint8(4), head.getUint32(5), payload);
    }
  }

  #take(type: number, flags: number, id: number, payload: Uint8Array): void {
    switch (type) {
      case HEADERS: {
        const block = withoutPadding(payload, flags).subarray(flags & PRIORITY ? 5 : 0);
        const endsWithHeaders = (flags & END_STREAM) !== 0;
        this.#streams.set(id, { block, endsWithHeaders, headers: null, body: [] });
        if (flags & END_HEADERS) this.#endHeaders(id);
        break;
      }
      case CONTINUATION: {
        const stream = this.#stream(id);
        stream.block = concat([stream.block, payload]);
        if (flags & END_HEADERS) this.#endHeaders(id);
        break;
      }
      case DATA: {
        // The window opens again at once, so a client is held back by no more than its size, 64 KiB; but not for what nobody reads.
        if (payload.length > 0 && this.#when === "complete") {
          const increment = uint32(payload.length);
          this.#write(frame(WINDOW_UPDATE, 0, 0, increment), frame(WINDOW_UPDATE, 0, id, increment));
        }
        const stream = this.#streams.get(id);
        stream?.body.push(withoutPadding(payload, flags));
        if (stream !== undefined && flags & END_STREAM) this.#end(id);
        break;
      }
      case RST_STREAM:
        this.#streams.delete(id);
        break;
      case SETTINGS:
        if (!(flags & ACK)) this.#write(frame(SETTINGS, ACK, 0, new Uint8Array(0)));
        break;
      case PING:
        if (!(flags & ACK)) this.#write(frame(PING, ACK, 0, payload));
    }
  }

  #endHeaders(id: number): void {
    const stream = this.#stream(id);
    stream.headers = Object.fromEntries(this.#hpack.decode(stream.block));
    if (stream.endsWithHeaders || this.#when === "at once") this.#end(id);
  }

  #end(id: number): void {
    const { headers, body } = this.#stream(id);
    this.#streams.delete(id);
    if (headers === null) throw new Error("a request without headers");
    const response = this.#serve({ headers, body: concat(body) });
    if (response === "hang") return;
    if (response === "reset") {
      this.#socket.destroy();
      return;
    }
    const { body: answer = new Uint8Array(0), trailers } = response;
    const frames = [fieldsFrame(id, response.headers, answer.length === 0 && trailers === undefined)];
    if (answer.length > 0) frames.push(frame(DATA, trailers === undefined ? END_STREAM : 0, id, answer));
    if (trailers !== undefined) frames.push(fieldsFrame(id, trailers, true));
    this.#write(...frames);
  }

  #stream(id: number): OpenStream {
    const stream = this.#streams.get(id);
    if (stream === undefined) throw new Error(`no stream ${id}`);
    return stream;
  }

  #write(...frames: readonly Uint8Array[]): void {
    if (!this.#socket.destroyed) this.#socket.write(concat(frames));
  }
}

function fieldsFrame(id: number, fields: Readonly<Record<string, string>>, isEnd: boolean): Uint8Array {
  return frame(HEADERS, END_HEADERS | (isEnd ? END_STREAM : 0), id, encodeFields(fields));
}

function frame(type: number, flags: number, id: number, payload: Uint8Array): Uint8Array {
  const head = new DataView(new ArrayBuffer(FRAME_HEAD));
  head.setUint32(0, payload.length << 8 | type);
  head.setUint8(4, flags);
  head.setUint32(5, id);
  return concat([new Uint8Array(head.buffer), payload]);
}

function withoutPadding(payload: Uint8Array, flags: number): Uint8Array {
  return flags & PADDED ? payload.subarray(1, payload.length - payload[0]!) : payload;
}

function uint32(value: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, value);
  return new Uint8Array(view.buffer);
}
