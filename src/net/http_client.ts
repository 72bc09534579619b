/** The HTTP client: what a worker shares (`HttpNetwork`) and what each virtual user has of its own (`HttpClient`). */

import { Deadlines } from "./deadlines.ts";
import { Dialer } from "./dial.ts";
import { FAILURES } from "./errors.ts";
import { type Connection, Exchange } from "./exchange.ts";
import { ASSUMED_STREAM_LIMIT } from "./http2/connection.ts";
import { RequestFields } from "./http2/request_fields.ts";
import { type ExchangeResult, ExchangeTimes, failedResult } from "./http_result.ts";
import { Outbox } from "./outbox.ts";
import type { HttpProxy } from "./proxies.ts";
import { RateLimiter } from "./rate_limiter.ts";
import { ReadBuffers } from "./read_buffers.ts";
import { RequestEncoder } from "./request_encoder.ts";
import type { HttpCompletion, HttpRequest, HttpUrl, NetSettings } from "./types.ts";

// Scripts find these gone from the global object.
const { performance, queueMicrotask } = globalThis;

/** Servers whose protocol is remembered. */
const REMEMBERED_SERVERS = 10_000;

/** What is remembered of servers that speak HTTP/1.1. */
const HTTP_1_LIMIT = 0;

/** Exchanges that are kept for later: more than a worker usually has in flight. */
const POOLED_EXCHANGES = 1024;

/** What all clients of a worker share: settings, names, trusted roots, buffers, deadlines. One per worker. */
export class HttpNetwork {
  readonly settings: NetSettings;
  readonly deadlines = new Deadlines();
  readonly dialer: Dialer;
  readonly readBuffers = new ReadBuffers();
  readonly encoder: RequestEncoder;
  readonly outbox = new Outbox();
  readonly requestFields = new RequestFields();
  /** Null, as nearly always: requests leave at once. */
  readonly limiter: RateLimiter | null;
  readonly #exchanges: Exchange[] = [];
  /** How many requests servers take at once on a connection, by `host:port`, as far as they have told. */
  readonly #streamLimits = new Map<string, number>();

  constructor(settings: NetSettings) {
    this.settings = settings;
    this.dialer = new Dialer(settings, this.deadlines);
    this.encoder = new RequestEncoder(settings.noConnectionReuse);
    this.limiter = settings.rateLimit === undefined ? null : new RateLimiter(settings.rateLimit);
  }

  /** Stops the timers and what is left of cancelled dials. Close the clients first. */
  close(): void {
    this.limiter?.close();
    this.dialer.close();
    this.deadlines.close();
  }

  /** How many requests to `url` may come to share a connection; 1 at first only where they can't. */
  streamLimit(url: HttpUrl): number {
    if (!url.secure || !this.dialer.offersHttp2 || this.settings.noConnectionReuse) return 1;
    return this.#streamLimits.get(serverOf(url)) ?? ASSUMED_STREAM_LIMIT;
  }

  /** Remembers what a server speaks when it is asked for HTTP/2, too. */
  learnProtocol(url: HttpUrl, isHttp2: boolean): void {
    if (!isHttp2) this.learnStreamLimit(url, HTTP_1_LIMIT);
    else if (this.#streamLimits.get(serverOf(url)) === HTTP_1_LIMIT) this.#streamLimits.delete(serverOf(url));
  }

  /** Remembers how many requests a server takes at once on a connection. */
  learnStreamLimit(url: HttpUrl, limit: number): void {
    if (this.#streamLimits.size >= REMEMBERED_SERVERS) this.#streamLimits.clear();
    this.#streamLimits.set(serverOf(url), limit);
  }

  takeExchange(): Exchange {
    return this.#exchanges.pop() ?? new Exchange(this);
  }

  giveExchange(exchange: Exchange): void {
    if (this.#exchanges.length < POOLED_EXCHANGES) this.#exchanges.push(exchange);
  }
}

/**
 * The client of one virtual user, with its own kept-alive connections. Small on purpose: thousands of them, each
 * with a connection, share a process; all that only a request in flight needs is in `Exchange`.
 */
export class HttpClient {
  /** Bytes written to sockets since the owner last set it to 0, with heads; over TLS those inside of it. */
  bytesSent = 0;
  /** Bytes read from sockets since the owner last set it to 0, with heads; over TLS those inside of it. */
  bytesReceived = 0;
  /** The address that connections are made from; null: the system's choice. */
  readonly localIp: string | null;
  readonly #network: HttpNetwork;
  /** The one that was used last comes first. */
  #idle: Connection | null = null;
  /** HTTP/2 connections, each for any number of requests at once; the newest comes first. */
  #shared: Connection | null = null;
  #inFlight: Exchange | null = null;
  #closed = false;

  constructor(network: HttpNetwork, localIp: string | null = null) {
    this.localIp = localIp;
    this.#network = network;
  }

  /** Sends a request on a connection that is there or a new one. Any number may be in flight. */
  send(request: HttpRequest, completion: HttpCompletion): void {
    const { limiter } = this.#network;
    if (limiter === null) this.sendNow(request, completion);
    else limiter.send(this, request, completion);
  }

  /** Does so whatever the limit of requests per second says. */
  sendNow(request: HttpRequest, completion: HttpCompletion): void {
    if (this.#closed) queueMicrotask(() => completion.httpDone(closedResult()));
    else this.#network.takeExchange().start(this, request, completion);
  }

  /** Drops what is in flight: sockets are closed, or streams of HTTP/2 reset; no completion is called. */
  abort(): void {
    this.#network.limiter?.forget(this);
    this.#network.outbox.forget(this);
    while (this.#inFlight !== null) this.#inFlight.drop();
  }

  /** Closes the connections that wait for a request. */
  closeIdle(): void {
    let connection = this.#idle;
    this.#idle = null;
    for (; connection !== null; connection = connection.next) connection.socket.close();
    let shared = this.#shared;
    this.#shared = null;
    for (; shared !== null; shared = shared.next) shared.http2!.retire();
  }

  /** Ends everything; later requests fail. */
  close(): void {
    this.#closed = true;
    this.abort();
    this.closeIdle();
  }

  /** For `Exchange`: the idle connection to `url` that was used last, or null. */
  takeIdle(url: HttpUrl): Connection | null {
    let previous: Connection | null = null;
    let connection = this.#idle;
    while (connection !== null) {
      const next = connection.next;
      const isSpent = connection.socket.isSpent === true;
      if (!isSpent && !connection.serves(url) && !this.#leadsTo(url, connection.forwarder)) {
        previous = connection;
      } else {
        if (previous === null) this.#idle = next;
        else previous.next = next;
        connection.next = null;
        if (!isSpent) return connection;
        connection.socket.close();
      }
      connection = next;
    }
    return null;
  }

  /** Whether a connection is one to a proxy that passes requests to `url` on: it does so for any server. */
  #leadsTo(url: HttpUrl, forwarder: HttpProxy | null): boolean {
    return forwarder !== null && this.#network.dialer.isForwarded(url, forwarder);
  }

  /** For `Exchange`: keeps a connection whose exchange is complete. */
  giveIdle(connection: Connection): void {
    connection.next = this.#idle;
    this.#idle = connection;
  }

  /** For `Exchange`: the connection to `url` that takes another request beside those under way, or null. */
  findShared(url: HttpUrl): Connection | null {
    let previous: Connection | null = null;
    for (let connection = this.#shared; connection !== null; connection = connection.next) {
      if (connection.http2!.isEnded) {
        if (previous === null) this.#shared = connection.next;
        else previous.next = connection.next;
      } else {
        if (connection.serves(url)) {
          if (connection.http2!.hasRoom) return connection;
          this.#network.learnStreamLimit(url, Math.max(1, connection.http2!.streamLimit));
        }
        previous = connection;
      }
    }
    return null;
  }

  /** For `Exchange`: keeps a connection for any number of requests. */
  share(connection: Connection): void {
    connection.next = this.#shared;
    this.#shared = connection;
  }

  /** For `Exchange`: one that makes a connection to `url` with room for another request, or null. */
  findDialling(url: HttpUrl, streamLimit: number): Exchange | null {
    for (let exchange = this.#inFlight; exchange !== null; exchange = exchange.nextInFlight) {
      if (exchange.isDialling(url, streamLimit)) return exchange;
    }
    return null;
  }

  /** For `Exchange`: is in flight from now on. */
  exchangeStarted(exchange: Exchange): void {
    exchange.previousInFlight = null;
    exchange.nextInFlight = this.#inFlight;
    if (this.#inFlight !== null) this.#inFlight.previousInFlight = exchange;
    this.#inFlight = exchange;
  }

  /** For `Exchange`: is no longer in flight. */
  exchangeEnded(exchange: Exchange): void {
    if (exchange.previousInFlight === null) this.#inFlight = exchange.nextInFlight;
    else exchange.previousInFlight.nextInFlight = exchange.nextInFlight;
    if (exchange.nextInFlight !== null) exchange.nextInFlight.previousInFlight = exchange.previousInFlight;
    exchange.nextInFlight = null;
    exchange.previousInFlight = null;
  }
}

function serverOf({ hostname, port }: HttpUrl): string {
  return `${hostname}:${port}`;
}

function closedResult(): ExchangeResult {
  const times = new ExchangeTimes();
  times.endedAtEpochMs = performance.timeOrigin + performance.now();
  return failedResult(times, null, FAILURES.clientClosed);
}
