/** One request and its answer: everything that is needed only while they are under way. */

import { Expiring } from "./deadlines.ts";
import { Dial, type Dialled } from "./dial.ts";
import { type Failure, FAILURES, genericFailure, NetError, transferFailure } from "./errors.ts";
import type { HttpClient, HttpNetwork } from "./http_client.ts";
import { Http2Connection } from "./http2/connection.ts";
import type { Http2Stream, Processing, StreamObserver } from "./http2/stream.ts";
import { ExchangeResult, ExchangeTimes, failedResult } from "./http_result.ts";
import type { HttpProxy } from "./proxies.ts";
import { partsOf } from "./request_body.ts";
import { ResponseParser } from "./response_parser.ts";
import type { Socket } from "./socket.ts";
import type { HttpCompletion, HttpRequest, HttpUrl } from "./types.ts";

// Scripts find these gone from the global object.
const { performance } = globalThis;

/** A connection between exchanges: nothing but what the next exchange has to know. */
export class Connection {
  readonly socket: Socket;
  /** What any number of exchanges share at once; null with HTTP/1.1, where each has the connection to itself. */
  readonly http2: Http2Connection | null;
  readonly url: HttpUrl;
  readonly remoteIp: string;
  readonly remotePort: number;
  /** The proxy that passes plain requests on; null, as nearly always: none. */
  readonly forwarder: HttpProxy | null;
  readonly tlsVersion: string;
  readonly tlsCipherSuite: string;
  /** The next one of its client's idle, or shared, connections. */
  next: Connection | null = null;

  constructor(dialled: Dialled, url: HttpUrl, http2: Http2Connection | null) {
    this.socket = dialled.socket;
    this.http2 = http2;
    this.url = url;
    this.remoteIp = dialled.remoteIp;
    this.remotePort = dialled.remotePort;
    this.forwarder = dialled.forwarder;
    this.tlsVersion = dialled.tlsVersion;
    this.tlsCipherSuite = dialled.tlsCipherSuite;
  }

  /** Whether requests to `url` may use it. */
  serves(url: HttpUrl): boolean {
    return isSameServer(this.url, url);
  }
}

function isSameServer(a: HttpUrl, b: HttpUrl): boolean {
  return a === b || (a.port === b.port && a.secure === b.secure && a.hostname === b.hostname);
}

/**
 * - `unused`: waits in the worker's pool
 * - `dialling`: `#dial` is under way, there is no connection
 * - `waiting`: another exchange, `#leader`, dials: with HTTP/2 its connection will do for both
 * - `transferring`: `#connection` is ours, a read is under way and often a write
 * - `streaming`: `#stream` of `#connection`, which others use as well, is ours
 * - `ended`: was dropped while a read or write was under way; never used again, what still comes in is ignored
 */
type ExchangeState = "unused" | "dialling" | "waiting" | "transferring" | "streaming" | "ended";

/** Requests that a server refused unseen are sent again so often. */
const RETRY_LIMIT = 3;

/**
 * Drives one exchange. Hot: it is taken from a pool, its callbacks are made once, and reads and writes are started
 * without waiting for one another. The read comes first: if the server closed the connection while it was idle,
 * its end is seen before anything is sent.
 */
export class Exchange extends Expiring implements StreamObserver {
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
  #stream: Http2Stream | null = null;
  #leader: Exchange | null = null;
  /** Those that wait for the connection that this one makes. */
  #followers: Exchange[] = [];
  #retries = 0;
  #hasExpired = false;

  #reading = false;
  /** What is being written, null when nothing is. */
  #writing: Uint8Array | null = null;
  /** How many parts of the body are to be written after what is being written. */
  #unsentParts = 0;
  /** Whether the connection is to be closed whatever the answer says. */
  #isLast = false;
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
    this.#findConnection(now);
  }

  /** Whether it makes a connection to `url` that has room for one more request; one takes up to `streamLimit`. */
  isDialling(url: HttpUrl, streamLimit: number): boolean {
    if (this.#state !== "dialling" || this.#followers.length + 1 >= streamLimit) return false;
    const request = this.#request!;
    return !request.http1Only && isSameServer(request.url, url);
  }

  /** Drops everything without telling anybody. */
  drop(): void {
    this.#closeConnection();
    this.#release();
  }

  override expire(): void {
    this.#hasExpired = true;
    this.#fail(FAILURES.requestTimeout);
  }

  dialled(dialled: Dialled): void {
    this.#dial = null;
    this.#times.connecting = dialled.connectingMs;
    this.#times.tlsHandshaking = dialled.tlsHandshakingMs;
    const network = this.#network;
    const { url, http1Only } = this.#request!;
    const { http2Socket } = dialled;
    const followers = this.#takeFollowers();
    if (url.secure && network.dialer.offersHttp2 && !http1Only) network.learnProtocol(url, http2Socket !== null);
    const http2 = http2Socket === null
      ? null
      : new Http2Connection(http2Socket, this.#client!, network.readBuffers, network.streamLimit(url));
    const connection = new Connection(dialled, url, http2);
    if (http2 === null) {
      this.#startTransfer(connection, false, dialled.readyAt);
    } else {
      this.#startStream(connection, false, dialled.readyAt);
      if (network.settings.noConnectionReuse) http2.retire();
      else this.#client!.share(connection);
    }
    for (const follower of followers) follower.#findConnection(dialled.readyAt);
    // Only now: what has come already may end requests, and their completions begin or drop others.
    if (http2 !== null) http2Socket!.listen(http2);
  }

  dialFailed(failure: Failure): void {
    this.#dial = null;
    // All are over before the first one's completion may begin something new.
    const failed = [this, ...this.#takeFollowers()].map((exchange) => exchange.#endWith(failure));
    for (const { completion, result } of failed) completion.httpDone(result);
  }

  /** Hot. */
  streamDone(): void {
    const connection = this.#connection!;
    const stream = this.#stream!;
    this.#leaveStream(stream);
    this.#stopClock();
    const result = new ExchangeResult(
      this.#times,
      stream.status,
      "HTTP/2.0",
      stream.fields,
      stream.hasSetCookie,
      stream.hasContentEncoding,
      stream.body,
      connection.remoteIp,
      connection.remotePort,
      connection.tlsVersion,
      connection.tlsCipherSuite,
      0,
      "",
    );
    this.#connection = null;
    this.#deliver(result);
  }

  streamFailed(failure: Failure, processing: Processing): void {
    this.#leaveStream(this.#stream!);
    if (this.#mayRetryStream(processing)) this.#retry();
    else this.#fail(failure);
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
    this.#hasExpired = false;
    this.#retries = 0;
    this.#times.connecting = 0;
    this.#times.tlsHandshaking = 0;
    if (request.timeoutMs > 0) this.#network.deadlines.add(this, startedAt, request.timeoutMs);
    client.exchangeStarted(this);
  }

  /** Goes on with a connection that is there, waits for one that is being made where that may do, or makes one. */
  #findConnection(now: number): void {
    const client = this.#client!;
    const request = this.#request!;
    const { url } = request;
    const mayShare = url.secure && !request.http1Only;
    const shared = mayShare ? client.findShared(url) : null;
    if (shared !== null) return this.#startStream(shared, true, now);
    const idle = client.takeIdle(url);
    if (idle !== null) return this.#startTransfer(idle, true, now);
    const streamLimit = mayShare ? this.#network.streamLimit(url) : 1;
    const leader = streamLimit > 1 ? client.findDialling(url, streamLimit) : null;
    if (leader === null) return this.#startDial(request);
    this.#state = "waiting";
    this.#leader = leader;
    leader.#followers.push(this);
  }

  #takeFollowers(): Exchange[] {
    const followers = this.#followers;
    if (followers.length > 0) this.#followers = [];
    for (const follower of followers) follower.#leader = null;
    return followers;
  }

  #startDial(request: HttpRequest): void {
    this.#state = "dialling";
    this.#dial = new Dial(this.#network.dialer, request, this.#client!.localIp, this);
  }

  #startTransfer(connection: Connection, reused: boolean, readyAt: number): void {
    const request = this.#request!;
    this.#state = "transferring";
    this.#connection = connection;
    this.#reused = reused;
    this.#readyAt = readyAt;
    this.#parser.start(request.method === "HEAD", request.discardBody);
    const { encoder } = this.#network;
    this.#unsentParts = encoder.partsAfterHead(request);
    this.#read();
    this.#write(
      connection.forwarder === null ? encoder.encode(request) : encoder.encodeForProxy(request, connection.forwarder),
    );
    this.#isLast = encoder.closesConnection;
  }

  #startStream(connection: Connection, reused: boolean, readyAt: number): void {
    const request = this.#request!;
    this.#state = "streaming";
    this.#connection = connection;
    this.#reused = reused;
    this.#readyAt = readyAt;
    const { fields, closesConnection } = this.#network.requestFields.of(request);
    const http2 = connection.http2!;
    this.#stream = http2.open(fields, request, this);
    if (closesConnection) http2.retire();
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
    } else if (this.#unsentParts > 0) {
      this.#write(partsOf(this.#request!.body!).at(-this.#unsentParts--)!);
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
    if (this.#written === 0 && this.#isUnasked()) return this.#onUnasked(count);
    if (this.#firstByteAt === 0) this.#firstByteAt = performance.now();
    try {
      if (!this.#parser.advance(count)) return this.#read();
    } catch (error) {
      return this.#fail(failureOf(error));
    }
    this.#succeed();
  };

  /** Whether what has been read was there before the request was sent. Sockets that read on while idle know by themselves. */
  #isUnasked(): boolean {
    return this.#reused && this.#connection!.socket.isSpent === undefined;
  }

  /** As in Go, no answer to anything; but that the server had waited long enough says that it will read no more. */
  #onUnasked(count: number): void {
    const isGoodbye = this.#parser.begins(count, REQUEST_TIMEOUT);
    if (isGoodbye || IDEMPOTENT.has(this.#request!.method)) this.#retry();
    else this.#fail(genericFailure("Unsolicited response received on idle HTTP channel"));
  }

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

  /** What the server has not seen may be sent again; otherwise as with HTTP/1.1. */
  #mayRetryStream(processing: Processing): boolean {
    if (processing === "none") return this.#retries < RETRY_LIMIT;
    return processing === "unknown" && this.#reused && this.#retries === 0 && IDEMPOTENT.has(this.#request!.method);
  }

  /** Does the same with another exchange, as reads or writes of this one may still be under way, and another connection. */
  #retry(): void {
    const client = this.#client!;
    const request = this.#request!;
    const completion = this.#completion!;
    const startedAt = this.#startedAt;
    const retries = this.#retries + 1;
    const isStream = this.#state === "streaming";
    this.drop();
    const exchange = this.#network.takeExchange();
    exchange.#begin(client, request, completion, startedAt);
    exchange.#retries = retries;
    if (isStream) exchange.#findConnection(performance.now());
    else exchange.#startDial(request);
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
      connection.remotePort,
      connection.tlsVersion,
      connection.tlsCipherSuite,
      0,
      "",
    );
    if (parser.keepAlive && this.#sentAt > 0 && !this.#isLast && !this.#network.settings.noConnectionReuse) {
      this.#connection = null;
      this.#client!.giveIdle(connection);
    } else {
      this.#closeConnection();
    }
    this.#deliver(result);
  }

  #deliver(result: ExchangeResult): void {
    const client = this.#client!;
    const completion = this.#completion!;
    const { http1Only } = this.#request!;
    this.#release();
    // NTLM authenticates the connection: its next request must find it before any other one does.
    if (http1Only) completion.httpDone(result);
    else this.#network.outbox.add(client, completion, result);
  }

  #fail(failure: Failure): void {
    const followers = this.#takeFollowers();
    const { completion, result } = this.#endWith(failure);
    if (followers.length > 0) {
      const now = performance.now();
      for (const follower of followers) follower.#findConnection(now);
    }
    completion.httpDone(result);
  }

  /** Ends with a failure; who is to be told of it, and what. */
  #endWith(failure: Failure): { readonly completion: HttpCompletion; readonly result: ExchangeResult } {
    if (this.#stream !== null) this.#takeTimes(this.#stream);
    this.#stopClock();
    const result = failedResult(this.#times, this.#connection, failure);
    const completion = this.#completion!;
    this.drop();
    return { completion, result };
  }

  #leaveStream(stream: Http2Stream): void {
    this.#takeTimes(stream);
    this.#stream = null;
  }

  #takeTimes(stream: Http2Stream): void {
    this.#sentAt = stream.sentAt;
    this.#firstByteAt = stream.firstByteAt;
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

  /** The one place where an exchange ends its stream, its connection or the making of one. */
  #closeConnection(): void {
    const connection = this.#connection;
    this.#dial?.cancel();
    this.#dial = null;
    this.#connection = null;
    if (connection === null) return;
    const stream = this.#stream;
    this.#stream = null;
    if (connection.http2 === null) connection.socket.close();
    else if (stream === null) return;
    else if (this.#hasExpired) connection.http2.giveUp(stream);
    else connection.http2.cancel(stream);
  }

  /** Leaves the client, and goes back to the pool unless a read or write is still under way. */
  #release(): void {
    this.#network.deadlines.remove(this);
    this.#takeFollowers();
    const leader = this.#leader;
    if (leader !== null) leader.#followers.splice(leader.#followers.indexOf(this), 1);
    this.#leader = null;
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

/** How an answer begins by which servers end connections that were idle for too long. */
const REQUEST_TIMEOUT = /^HTTP\/1\.\d 408/;

function failureOf(error: unknown): Failure {
  return error instanceof NetError ? error : genericFailure(String(error));
}
