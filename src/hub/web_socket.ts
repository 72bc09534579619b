/** The server's side of a WebSocket that only the server has something to say on (RFC 6455). */

import { createHash } from "node:crypto";
import { Buffer } from "node:buffer";
import { ApiError, type HubRequest } from "./http.ts";
import type { ByteStream } from "./server.ts";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const OPCODE = { text: 1, close: 8, ping: 9, pong: 10 } as const;

/** An open WebSocket. */
export class ServerWebSocket {
  /** Aborted when the socket is closed, by whomever. */
  readonly closed: AbortSignal;
  /** The code with which the client has closed it; null as long as it hasn't. */
  closeCode: number | null = null;
  readonly #connection: ByteStream;
  readonly #ended = new AbortController();
  #input: Uint8Array = new Uint8Array(0);

  private constructor(connection: ByteStream) {
    this.#connection = connection;
    this.closed = this.#ended.signal;
    connection.on("data", (chunk: Uint8Array) => this.#take(chunk));
    connection.on("close", () => this.#ended.abort());
    connection.on("end", () => connection.end());
  }

  /** Answers the client's handshake. Throws an `ApiError` when it is none. */
  static accept({ headers }: HubRequest, connection: ByteStream): ServerWebSocket {
    const key = headers.get("sec-websocket-key");
    if (headers.get("upgrade")?.toLowerCase() !== "websocket" || headers.get("sec-websocket-version") !== "13") {
      throw new ApiError(426, "this is for WebSockets of version 13");
    }
    if (key === null) throw new ApiError(400, "no Sec-WebSocket-Key");
    const accepted = createHash("sha1").update(key + GUID).digest("base64");
    connection.write(
      `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${accepted}\r\n\r\n`,
    );
    return new ServerWebSocket(connection);
  }

  /** Sends a message. */
  send(text: string): void {
    this.#write(OPCODE.text, new TextEncoder().encode(text));
  }

  /** Says goodbye with a code, 1001 when the server goes away. */
  close(code: number): void {
    this.#write(OPCODE.close, Uint8Array.of(code >> 8, code & 0xff));
    this.#connection.end();
  }

  /** Ends the connection without a goodbye. */
  drop(): void {
    this.#connection.destroy();
  }

  #write(opcode: number, payload: Uint8Array): void {
    if (this.closed.aborted || this.#connection.writableEnded) return;
    this.#connection.write(Buffer.concat([frameHead(opcode, payload.length), payload]));
  }

  #take(chunk: Uint8Array): void {
    this.#input = Buffer.concat([this.#input, chunk]);
    for (let frame = readFrame(this.#input); frame !== null; frame = readFrame(this.#input)) {
      this.#input = this.#input.subarray(frame.end);
      if (frame.opcode === OPCODE.ping) this.#write(OPCODE.pong, frame.payload);
      if (frame.opcode !== OPCODE.close) continue;
      this.closeCode = ((frame.payload[0] ?? 0x03) << 8) + (frame.payload[1] ?? 0xed);
      this.#write(OPCODE.close, frame.payload.subarray(0, 2));
      this.#connection.end();
    }
  }
}

function frameHead(opcode: number, length: number): Uint8Array {
  const first = 0x80 | opcode;
  if (length < 126) return Uint8Array.of(first, length);
  const head = new DataView(new ArrayBuffer(length < 65_536 ? 4 : 10));
  head.setUint8(0, first);
  head.setUint8(1, length < 65_536 ? 126 : 127);
  if (length < 65_536) head.setUint16(2, length);
  else head.setBigUint64(2, BigInt(length));
  return new Uint8Array(head.buffer);
}

/** The frame that a client's bytes begin with; null when it isn't complete. */
function readFrame(bytes: Uint8Array): { opcode: number; payload: Uint8Array; end: number } | null {
  const [first = 0, second = 0] = bytes;
  const shortLength = second & 0x7f;
  const maskAt = shortLength === 127 ? 10 : shortLength === 126 ? 4 : 2;
  if (bytes.length < maskAt) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const length = shortLength === 127
    ? Number(view.getBigUint64(2))
    : shortLength === 126
    ? view.getUint16(2)
    : shortLength;
  const at = maskAt + ((second & 0x80) === 0 ? 0 : 4);
  if (bytes.length < at + length) return null;
  const mask = bytes.subarray(maskAt, at);
  const payload = bytes.slice(at, at + length).map((byte, index) => byte ^ (mask[index & 3] ?? 0));
  return { opcode: first & 0x0f, payload, end: at + length };
}
