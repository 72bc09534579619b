/** One request and its answer: everything that is needed only while they are under way. */

import { Expiring } from "./deadlines.ts";
import { Dial, type Dialled } from "./dial.ts";
import { type Failure, FAILURES, genericFailure, NetError, transferFailure } from "./errors.ts";
import type { HttpClient, HttpNetwork } from "./http_client.ts";
import { ExchangeResult, ExchangeTimes, failedResult } from "./http_result.ts";
import { ResponseParser } from "./response_parser.ts";
import type { Socket } from "./socket.ts";
import type { HttpCompletion, HttpRequest, HttpUrl } from "./types.ts";

// Scripts find these gone from the global object.
const { performance } = globalThis;

/** A connection between exchanges: nothing but what the next exchange has to know. */
export class Connection {
  readonly socket: Socket;
  readonly url: HttpUrl;
  readonly remoteIp: string;
  readonly tlsVersion: string;
  readonly tlsCipherSuite: string;
  /** The next one of its client's idle connections. */
  next: Connection | null = null;

  constructor(dialled: Dialled, url: HttpUrl) {
    this.socket = dialled.socket;
    this.url = url;
    this.remoteIp = dialled.remoteIp;
    this.tlsVersion = dialled.tlsVersion;
    this.tlsCipherSuite = dialled.tlsCipherSuite;
  }

  /** Whether requests to `url` may use it. */
  serves(url: HttpUrl): boolean {
    const own = this.url;
    return own === url || (own.port === url.port && own.secure === url.secure && own.hostname === url.hostname);
  }
}

/**
 * - `unused`: waits in the worker's pool
 * - `dialling`: `#dial` is under way, there is no connection
 * - `transferring`: `#connection` is ours, a read is under way and often a write
 * - `ended`: was dropped while a read or write was under way; never used again, what still comes in is ignored
 */
type ExchangeState = "unused" | "dialling" | "transferring" | "ended";

/**
 * Drives one exchange. Hot: it is taken from a pool, its callbacks are made once, and reads and writes are started
 * without waiting for one another. The read comes first: if the server closed the connection while it was idle,
 * its end is seen before anything is sent.
 */
export class Exchange extends Expiring {
  nextInFlight: Exchange | null = null;
  previousInFlight: Exchange | null = null;

  readonly #network: HttpNetwork;
  readonly #parser: ResponseParser;
  readonly #times = new ExchangeTimes();
  #state: ExchangeState = "unused";
  #client: HttpClient | null = null;
  #request: HttpRequest | null = null;
  #completion: HttpCompletion | null = null;
  #dial: Dial | null = null;
  #connection: Connection | null = null;
  #reused = false;

  #reading = false;
  /** What is being written, null when nothing is. */
  #writing: Uint8Array | null = null;
  #bodyUnsent = false;
  #written = 0;
  #writeFailure: Failure | null = null;

  #startedAt = 0;
  #readyAt = 0;
  #sentAt = 0;
  #firstByteAt = 0;

  constructor(network: HttpNetwork) {
    super();
    this.#network = network;
    this.#parser = new ResponseParser(network.readBuffers);
  }

  /** Begins; `client` gets the exchange back with `exchangeEnded`. */
  start(client: HttpClient, request: HttpRequest, completion: HttpCompletion): void {
    const now = performance.now();
    this.#begin(client, request, completion, now);
    const connection = client.takeIdle(request.url);
    if (connection === null) this.#startDial(request.url);
    else this.#startTransfer(connection, true, now);
  }

  /** Drops everything without telling anybody. */
  drop(): void {
    this.#closeConnection();
    this.#release();
  }

  override expire(): void {
    this.#fail(FAILURES.requestTimeout);
  }

  dialled(dialled: Dialled): void {
    this.#dial = null;
    this.#times.connecting = dialled.connectingMs;
    this.#times.tlsHandshaking = dialled.tlsHandshakingMs;
    this.#startTransfer(new Connection(dialled, this.#request!.url), false, dialled.readyAt);
  }

  dialFailed(failure: Failure): void {
    this.#dial = null;
    this.#fail(failure);
  }

  #begin(client: HttpClient, request: HttpRequest, completion: HttpCompletion, startedAt: number): void {
    this.#client = client;
    this.#request = request;
    this.#completion = completion;
    this.#startedAt = startedAt;
    this.#readyAt = 0;
    this.#sentAt = 0;
    this.#firstByteAt = 0;
    this.#written = 0;
    this.#writeFailure = null;
    this.#times.connecting = 0;
    this.#times.tlsHandshaking = 0;
    if (request.timeoutMs > 0) this.#network.deadlines.add(this, startedAt, request.timeoutMs);
    client.exchangeStarted(this);
  }

  #startDial(url: HttpUrl): void {
    this.#state = "dialling";
    this.#dial = new Dial(this.#network.dialer, url, this);
  }

  #startTransfer(connection: Connection, reused: boolean, readyAt: number): void {
    const request = this.#request!;
    this.#state = "transferring";
    this.#connection = connection;
    this.#reused = reused;
    this.#readyAt = readyAt;
    this.#parser.start(request.method === "HEAD", request.discardBody);
    this.#bodyUnsent = this.#network.encoder.needsBody(request);
    this.#read();
    this.#write(this.#network.encoder.encode(request));
  }

  #read(): void {
    this.#reading = true;
    this.#connection!.socket.read(this.#parser.window()).then(this.#onRead, this.#onReadError);
  }

  #write(bytes: Uint8Array): void {
    this.#writing = bytes;
    this.#connection!.socket.write(bytes).then(this.#onWritten, this.#onWriteError);
  }

  readonly #onWritten = (count: number): void => {
    const bytes = this.#writing!;
    this.#writing = null;
    if (this.#state !== "transferring") return;
    this.#written += count;
    this.#client!.bytesSent += count;
    if (count < bytes.length) {
      this.#write(bytes.subarray(count));
    } else if (this.#bodyUnsent) {
      this.#bodyUnsent = false;
      this.#write(this.#request!.body!);
    } else {
      this.#sentAt = performance.now();
    }
  };

  /** The read decides: an answer may be there even though the request could not be sent to its end. */
  readonly #onWriteError = (error: unknown): void => {
    this.#writing = null;
    if (this.#state === "transferring") this.#writeFailure = transferFailure("write", error);
  };

  readonly #onRead = (count: number | null): void => {
    this.#reading = false;
    if (this.#state !== "transferring") return;
    if (count === null || count === 0) return this.#onEndOfStream();
    this.#client!.bytesReceived += count;
    if (this.#firstByteAt === 0) this.#firstByteAt = performance.now();
    try {
      if (!this.#parser.advance(count)) return this.#read();
    } catch (error) {
      return this.#fail(failureOf(error));
    }
    this.#succeed();
  };

  readonly #onReadError = (error: unknown): void => {
    this.#reading = false;
    if (this.#state !== "transferring") return;
    this.#onBroken(transferFailure("read", error));
  };

  #onEndOfStream(): void {
    try {
      this.#parser.endOfStream();
    } catch (error) {
      return this.#onBroken(failureOf(error));
    }
    this.#succeed();
  }

  /** The connection ended before the answer did. */
  #onBroken(failure: Failure): void {
    if (this.#mayRetry()) this.#retry();
    else this.#fail(this.#parser.started ? failure : this.#writeFailure ?? failure);
  }

  /** Go's rule: on a connection that was idle, when nothing came back and sending twice does no harm or nothing was sent. */
  #mayRetry(): boolean {
    if (!this.#reused || this.#parser.started) return false;
    return IDEMPOTENT.has(this.#request!.method) || (this.#written === 0 && !this.#request!.url.secure);
  }

  /** Does the same with another exchange, as reads or writes of this one may still be under way, and a new connection. */
  #retry(): void {
    const client = this.#client!;
    const request = this.#request!;
    const completion = this.#completion!;
    const startedAt = this.#startedAt;
    this.drop();
    const exchange = this.#network.takeExchange();
    exchange.#begin(client, request, completion, startedAt);
    exchange.#startDial(request.url);
  }

  #succeed(): void {
    const parser = this.#parser;
    const connection = this.#connection!;
    this.#stopClock();
    const result = new ExchangeResult(
      this.#times,
      parser.status,
      parser.minorVersion === 1 ? "HTTP/1.1" : `HTTP/1.${parser.minorVersion}`,
      parser.head,
      parser.hasSetCookie,
      parser.hasContentEncoding,
      parser.body,
      connection.remoteIp,
      connection.url.port,
      connection.tlsVersion,
      connection.tlsCipherSuite,
      0,
      "",
    );
    if (parser.keepAlive && this.#sentAt > 0 && !this.#network.settings.noConnectionReuse) {
      this.#connection = null;
      this.#client!.giveIdle(connection);
    } else {
      this.#closeConnection();
    }
    const completion = this.#completion!;
    this.#release();
    completion.httpDone(result);
  }

  #fail(failure: Failure): void {
    this.#stopClock();
    const result = failedResult(this.#times, this.#connection, failure);
    const completion = this.#completion!;
    this.drop();
    completion.httpDone(result);
  }

  /** Sets all timings but those of the dial. An exchange that never got a connection has none, as in k6. */
  #stopClock(): void {
    const times = this.#times;
    const endedAt = performance.now();
    times.endedAtEpochMs = performance.timeOrigin + endedAt;
    const readyAt = this.#readyAt === 0 ? endedAt : this.#readyAt;
    const sentAt = this.#sentAt !== 0 ? this.#sentAt : this.#firstByteAt !== 0 ? this.#firstByteAt : endedAt;
    const firstByteAt = this.#firstByteAt === 0 ? endedAt : this.#firstByteAt;
    times.blocked = this.#readyAt === 0 ? 0 : readyAt - this.#startedAt;
    times.sending = Math.max(0, sentAt - readyAt);
    times.waiting = Math.max(0, firstByteAt - sentAt);
    times.receiving = endedAt - firstByteAt;
  }

  /** The one place where an exchange ends a connection or the making of one. */
  #closeConnection(): void {
    this.#dial?.cancel();
    this.#dial = null;
    this.#connection?.socket.close();
    this.#connection = null;
  }

  /** Leaves the client, and goes back to the pool unless a read or write is still under way. */
  #release(): void {
    this.#network.deadlines.remove(this);
    this.#client!.exchangeEnded(this);
    this.#client = null;
    this.#request = null;
    this.#completion = null;
    if (this.#reading || this.#writing !== null) {
      this.#state = "ended";
      this.#parser.forget();
      return;
    }
    if (this.#state === "transferring") this.#parser.release();
    this.#state = "unused";
    this.#network.giveExchange(this);
  }
}

/** Methods that Go's client sends again by itself. */
const IDEMPOTENT: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);

function failureOf(error: unknown): Failure {
  return error instanceof NetError ? error : genericFailure(String(error));
}
