/**
 * TLS of `Deno.startTls`, for runs with `SSLKEYLOGFILE`: it writes its secrets to that file, which `node:tls` doesn't. In
 * exchange it tells neither version nor cipher suite, and can't be told of options; see docs/design/http2.md.
 */

import { FAILURES, NetError, tlsFailure } from "./errors.ts";
import type { ListeningSocket, SocketListener } from "./socket.ts";

// Scripts find these gone from the global object.
const { Deno, performance } = globalThis;

/** What is read at a time for HTTP/2: a record of TLS. */
const READ_BYTES = 16 * 1024;

/** Whom to expect, and whom to trust. */
export interface LoggedTlsTarget {
  /** The name for SNI and for the certificate's check, or an address. */
  readonly hostname: string;
  /** Roots beside Mozilla's, PEM. */
  readonly caCerts: readonly string[];
  readonly protocols: readonly string[];
}

/** A connection after its handshake. Its time is in `performance.now()`'s milliseconds. */
export interface LoggedTls {
  readonly socket: ListeningSocket;
  readonly isHttp2: boolean;
  readonly readyAt: number;
}

/**
 * Shakes hands on a fresh connection, which is closed when that fails. `signal` ends the attempt.
 *
 * @throws {NetError} when that can't be done
 */
export async function secureLogged(
  tcp: Deno.TcpConn,
  { hostname, caCerts, protocols }: LoggedTlsTarget,
  signal: AbortSignal,
): Promise<LoggedTls> {
  const connection = await Deno.startTls(tcp, { hostname, caCerts: [...caCerts], alpnProtocols: [...protocols] });
  const socket = new DenoTlsStream(connection);
  const cancel = () => socket.close();
  signal.addEventListener("abort", cancel);
  if (signal.aborted) cancel();
  try {
    const { alpnProtocol } = await connection.handshake();
    return { socket, isHttp2: alpnProtocol === "h2", readyAt: performance.now() };
  } catch (error) {
    socket.close();
    throw new NetError(handshakeFailure(error));
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}

function handshakeFailure(error: unknown) {
  if (error instanceof Deno.errors.UnexpectedEof) return FAILURES.endOfFile;
  const text = error instanceof Error ? error.message : "";
  const [, failure] = MEANINGS.find(([words]) => words.test(text)) ?? [];
  return failure ?? tlsFailure(error);
}

/** What rustls says, in k6's terms. */
const MEANINGS = [
  [/UnknownIssuer|BadSignature/, FAILURES.unknownAuthority],
  [/not valid for (?:any )?name|NotValidForName/, FAILURES.hostnameMismatch],
  [/certificate expired|not valid yet|: (?:Expired|NotValidYet)/, FAILURES.notInForce],
  [/corrupt message of type InvalidContentType/, FAILURES.notTls],
] as const;

/**
 * A `Deno.TlsConn` that ends as connections of `node:tls` do, and does what HTTP/2 asks of a socket. One that is closed
 * within its handshake stays open in the runtime until the server answers or leaves.
 */
class DenoTlsStream implements ListeningSocket {
  readonly #connection: Deno.TlsConn;
  #isClosed = false;

  constructor(connection: Deno.TlsConn) {
    this.#connection = connection;
  }

  read(buffer: Uint8Array): Promise<number | null> {
    return this.#connection.read(buffer).catch((error) => {
      // An end without TLS's goodbye.
      if (error instanceof Deno.errors.UnexpectedEof) return null;
      throw error;
    });
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#connection.write(bytes);
  }

  async listen(listener: SocketListener): Promise<void> {
    let failure: Error | null = null;
    try {
      while (!this.#isClosed) {
        // Its own each time: the listener may keep parts of what it gets.
        const buffer = new Uint8Array(READ_BYTES);
        const count = await this.read(buffer);
        if (count === null) break;
        listener.chunk(buffer.subarray(0, count));
      }
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
    }
    listener.ended(failure);
  }

  send(bytes: Uint8Array, done: (error?: Error | null) => void): void {
    this.#writeAll(bytes).then(() => done(), done);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#connection.close();
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    for (let sent = 0; sent < bytes.length;) sent += await this.#connection.write(bytes.subarray(sent));
  }
}
