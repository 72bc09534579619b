/** From a URL to a connected socket: look up the name, connect, and for `https` shake hands and verify. */

import type { Buffer } from "node:buffer";
import type { Socket as NodeSocket } from "node:net";
import nodeTls, {
  checkServerIdentity,
  connect,
  type ConnectionOptions,
  createSecureContext,
  type PeerCertificate,
  type SecureContext,
  TLSSocket,
} from "node:tls";
import { AddressRules } from "./address_rules.ts";
import { type Deadlines, Expiring } from "./deadlines.ts";
import {
  cipherSuiteFailure,
  dialFailure,
  type Failure,
  FAILURES,
  genericFailure,
  NetError,
  tlsFailure,
} from "./errors.ts";
import { openHttpTunnel } from "./http_tunnel.ts";
import { ipFamily, isIpAddress, plainIp } from "./ip_address.ts";
import { secureLogged } from "./logged_tls.ts";
import { connectNode, localAddress } from "./node_tcp.ts";
import { type HttpProxy, Proxies, type Proxy } from "./proxies.ts";
import { Resolver } from "./resolver.ts";
import { type ListeningSocket, NodeStream, type Socket } from "./socket.ts";
import { openSocksTunnel } from "./socks_tunnel.ts";
import type { ClientCertificate, HttpRequest, HttpUrl, NetSettings } from "./types.ts";
import { withDeno } from "./with_deno.ts";

// Scripts find these gone from the global object.
const { AbortController, Deno, performance } = globalThis;

/** Missing in Deno's types of Node. Sets the roots of all contexts that have none of their own. */
const { setDefaultCACertificates } = nodeTls as typeof nodeTls & { setDefaultCACertificates(pems: string[]): void };

/** A fresh connection, and how long it took. */
export interface Dialled {
  readonly socket: Socket;
  /** The same socket when both sides agreed on HTTP/2, else null. */
  readonly http2Socket: ListeningSocket | null;
  readonly remoteIp: string;
  readonly remotePort: number;
  /** The proxy that passes plain requests on; null without one, and for tunnels. */
  readonly forwarder: HttpProxy | null;
  /** `tls1.2`, `tls1.3`; empty without TLS, and where its secrets are logged. */
  readonly tlsVersion: string;
  readonly tlsCipherSuite: string;
  readonly connectingMs: number;
  readonly tlsHandshakingMs: number;
  /** When it could be used, in `performance.now()`'s milliseconds. */
  readonly readyAt: number;
}

/** Is told the outcome of a dial, exactly once unless it is cancelled, never from within the constructor. */
export interface DialObserver {
  dialled(connection: Dialled): void;
  dialFailed(failure: Failure): void;
}

/** An address to connect to. */
interface Endpoint {
  readonly ip: string;
  readonly port: number;
}

/**
 * A connection to a proxy that stands for one to the server, or takes the requests that the proxy passes on. Times are
 * `performance.now()`'s milliseconds.
 */
interface ProxyConnection {
  readonly socket: NodeSocket;
  readonly connectedAt: number;
  /** The same as `connectedAt` without TLS to the proxy. */
  readonly securedAt: number;
  readonly readyAt: number;
}

/** What all dials of a worker share. */
export class Dialer {
  readonly settings: NetSettings;
  readonly deadlines: Deadlines;
  /** Attempts that were cancelled and are not at their end. */
  readonly abandoned = new Set<Dial>();
  readonly #resolver: Resolver;
  readonly #rules: AddressRules | null;
  readonly #proxies: Proxies | null;
  /** By the client certificate in them, null standing for none. */
  readonly #secureContexts = new Map<ClientCertificate | null, SecureContext>();
  /** The last session of each server, when sessions are to be resumed. */
  readonly #sessions: Map<string, Buffer> | null;
  /** Whether the runtime knows the roots already, so that contexts need not hold them. */
  readonly #hasDefaultRoots: boolean;

  constructor(settings: NetSettings, deadlines: Deadlines) {
    this.settings = settings;
    this.deadlines = deadlines;
    const resumes = settings.tls?.resumesSessions === true;
    this.#sessions = resumes ? new Map() : null;
    // Not in a context of our own: the runtime resumes none of those with roots in them.
    this.#hasDefaultRoots = settings.caCerts.length === 0 || resumes;
    if (resumes && settings.caCerts.length > 0) setDefaultCACertificates(certificatesIn(settings.caCerts));
    this.#resolver = new Resolver(settings.dns);
    this.#rules = settings.addressRules === undefined ? null : new AddressRules(settings.addressRules);
    this.#proxies = settings.proxies === undefined ? null : new Proxies(settings.proxies);
  }

  /** Ends what is left of cancelled attempts. */
  close(): void {
    for (const dial of this.abandoned) dial.abandon();
  }

  /**
   * The proxy for a URL, null when it is called directly.
   *
   * @throws {NetError} when the URL's host is blocked, or the proxy can't be used
   */
  proxyOf(url: HttpUrl): Proxy | null {
    const proxy = this.#proxies?.of(url) ?? null;
    const rules = this.#rules;
    if (proxy === null || rules === null) return proxy;
    // Whatever stands between: it must not be called.
    rules.checkName(url.hostname);
    if (isIpAddress(url.hostname)) rules.check(url.hostname);
    return proxy;
  }

  /** Whether requests to a URL are passed on by `forwarder`. */
  isForwarded(url: HttpUrl, forwarder: HttpProxy): boolean {
    try {
      return !url.secure && this.proxyOf(url) === forwarder;
    } catch (error) {
      // Who dials is told why.
      if (error instanceof NetError) return false;
      throw error;
    }
  }

  /**
   * Where to connect to for a URL: its proxy, if there is one, else its server. What fails does so later, not at once.
   *
   * @throws {NetError} when that isn't allowed or the name can't be resolved
   */
  async route(url: HttpUrl): Promise<{ readonly proxy: Proxy | null; readonly endpoint: Endpoint }> {
    const proxy = this.proxyOf(url);
    const { hostname, port } = proxy ?? url;
    const rules = this.#rules;
    if (rules === null) return { proxy, endpoint: { ip: await this.#resolver.lookup(hostname, port), port } };
    const fixed = rules.fixedAddress(hostname, port);
    // An address that may be a blocked one is not even connected to.
    const ip = fixed === null ? await this.#resolver.lookup(hostname, rules.blocksAddresses ? null : port) : fixed.ip;
    rules.check(ip);
    return { proxy, endpoint: { ip, port: fixed?.port ?? port } };
  }

  /** Whether connections with TLS may come to speak HTTP/2. */
  get offersHttp2(): boolean {
    return this.settings.tls?.http2 !== false;
  }

  /** The session that a new connection to a server may go on with. */
  sessionFor({ hostname, port }: HttpUrl): Buffer | undefined {
    return this.#sessions?.get(`${hostname}:${port}`);
  }

  /** Remembers the sessions that a server offers on a connection, as far as they are wanted. */
  keepSessions({ hostname, port }: HttpUrl, socket: TLSSocket): void {
    const sessions = this.#sessions;
    if (sessions === null) return;
    const keep = (session: Buffer): void => {
      if (sessions.size >= REMEMBERED_SESSIONS) sessions.clear();
      sessions.set(`${hostname}:${port}`, session);
    };
    socket.on("session", keep);
    // With TLS 1.2 it came within the handshake.
    const session = socket.getProtocol() === "TLSv1.2" ? socket.getSession() : undefined;
    if (session !== undefined) keep(session);
  }

  /** What connections to a server have in common; undefined means the runtime's defaults, among them its roots. */
  secureContext(hostname: string): SecureContext | undefined {
    const { caCerts, tls } = this.settings;
    const own = tls?.clientCertificates?.find(({ domains }) => isFor(domains, hostname)) ?? null;
    const hasRoots = this.#hasDefaultRoots;
    if (own === null && hasRoots && tls?.minVersion === undefined && tls?.maxVersion === undefined) {
      return undefined;
    }
    const known = this.#secureContexts.get(own);
    if (known !== undefined) return known;
    const context = withDeno(() =>
      createSecureContext({
        ...(hasRoots ? {} : { ca: [...caCerts] }),
        ...(own === null ? {} : { cert: own.certificate, key: own.key }),
        ...(tls?.minVersion === undefined ? {} : { minVersion: NODE_VERSIONS[tls.minVersion] }),
        ...(tls?.maxVersion === undefined ? {} : { maxVersion: NODE_VERSIONS[tls.maxVersion] }),
      })
    );
    this.#secureContexts.set(own, context);
    return context;
  }
}

const REMEMBERED_SESSIONS = 1024;

const NODE_VERSIONS = { "tls1.2": "TLSv1.2", "tls1.3": "TLSv1.3" } as const;

function isFor(domains: readonly string[], hostname: string): boolean {
  return domains.length === 0 || domains.some((domain) => {
    const name = domain.toLowerCase();
    return name.startsWith("*.") ? hostname.replace(/^[^.]*/, "*") === name : hostname === name;
  });
}

/** Given as the reason, because `abort()` would make a `DOMException`, which is gone from the global object. */
const CANCELLED = new Error("the attempt to connect was cancelled");

/**
 * How long a plain connection that nobody wants any more may still come about. `Deno.connect` of Deno 2.9 leaves a socket
 * open for ever when it is cancelled just as it succeeds, so that is done when it won't succeed any more.
 */
const LINGER_MS = 1000;

/** One attempt to connect. */
export class Dial extends Expiring {
  readonly #dialer: Dialer;
  readonly #url: HttpUrl;
  readonly #http1Only: boolean;
  readonly #localIp: string | null;
  readonly #observer: DialObserver;
  readonly #cancelled = new AbortController();
  /** Ends a plain attempt, some time after it was cancelled. */
  readonly #abandoned = new AbortController();
  #isConnecting = false;

  /** For a request; `localIp`: the address to connect from; null: the system's choice. */
  constructor(
    dialer: Dialer,
    { url, http1Only }: Pick<HttpRequest, "url" | "http1Only">,
    localIp: string | null,
    observer: DialObserver,
  ) {
    super();
    this.#dialer = dialer;
    this.#url = url;
    this.#http1Only = http1Only;
    this.#localIp = localIp;
    this.#observer = observer;
    dialer.deadlines.add(this, performance.now(), dialer.settings.dialTimeoutMs);
    this.#run();
  }

  /** Gives up: the observer is not told, and a connection that is made nevertheless is closed. */
  cancel(): void {
    const { deadlines, abandoned } = this.#dialer;
    deadlines.remove(this);
    this.#cancelled.abort(CANCELLED);
    if (!this.#isConnecting) return;
    deadlines.add(this, performance.now(), LINGER_MS);
    abandoned.add(this);
  }

  /** Ends what is left of a cancelled attempt. */
  abandon(): void {
    this.#dialer.abandoned.delete(this);
    this.#abandoned.abort(CANCELLED);
  }

  override expire(): void {
    if (this.#cancelled.signal.aborted) return this.abandon();
    this.cancel();
    this.#observer.dialFailed(FAILURES.dialTimeout);
  }

  async #run(): Promise<void> {
    const signal = this.#cancelled.signal;
    let dialled: Dialled;
    try {
      const url = this.#url;
      const { proxy, endpoint } = await this.#dialer.route(url);
      signal.throwIfAborted();
      if (this.#localIp !== null && isOtherFamily(this.#localIp, endpoint.ip)) {
        throw new NetError(FAILURES.mismatchedAddresses);
      }
      if (!url.secure) dialled = await this.#connect(endpoint, proxy, signal);
      else if (this.#logsSecrets(proxy)) dialled = await this.#connectLogged(endpoint, signal);
      else dialled = await this.#connectTls(endpoint, proxy, signal);
      if (signal.aborted) return dialled.socket.close();
    } catch (error) {
      this.#dialer.deadlines.remove(this);
      // Nobody waits any more for what a cancelled dial ran into.
      if (signal.aborted) return;
      return this.#observer.dialFailed(error instanceof NetError ? error : genericFailure(String(error)));
    }
    this.#observer.dialled(dialled);
  }

  async #connect(endpoint: Endpoint, proxy: Proxy | null, signal: AbortSignal): Promise<Dialled> {
    const { ip, port } = endpoint;
    const startedAt = performance.now();
    if (proxy !== null && (proxy.secure || proxy.kind === "socks5")) {
      const { socket, connectedAt, securedAt, readyAt } = await this.#connectProxy(endpoint, proxy, signal);
      return {
        socket: new NodeStream(socket),
        http2Socket: null,
        remoteIp: ip,
        remotePort: port,
        forwarder: proxy.kind === "http" ? proxy : null,
        ...(socket instanceof TLSSocket ? tlsFacts(socket) : NO_TLS),
        connectingMs: connectedAt - startedAt,
        tlsHandshakingMs: securedAt - connectedAt,
        readyAt,
      };
    }
    const localIp = this.#localIp;
    const socket = localIp === null
      ? await this.#connectDeno(ip, port)
      : new NodeStream(await connectNode(ip, port, localIp, signal));
    const readyAt = performance.now();
    this.#dialer.deadlines.remove(this);
    return {
      socket,
      http2Socket: null,
      remoteIp: ip,
      remotePort: port,
      forwarder: proxy,
      ...NO_TLS,
      connectingMs: readyAt - startedAt,
      tlsHandshakingMs: 0,
      readyAt,
    };
  }

  #logsSecrets(proxy: Proxy | null): boolean {
    return this.#dialer.settings.tls?.logsSecrets === true && proxy === null && this.#localIp === null;
  }

  async #connectLogged({ ip, port }: Endpoint, signal: AbortSignal): Promise<Dialled> {
    const { settings } = this.#dialer;
    const startedAt = performance.now();
    const tcp = await this.#connectDeno(ip, port);
    const connectedAt = performance.now();
    this.#dialer.deadlines.remove(this);
    const target = { hostname: this.#url.hostname, caCerts: settings.caCerts, protocols: this.#protocols };
    const { socket, isHttp2, readyAt } = await secureLogged(tcp, target, signal);
    return {
      socket,
      http2Socket: isHttp2 ? socket : null,
      remoteIp: ip,
      remotePort: port,
      forwarder: null,
      ...NO_TLS,
      connectingMs: connectedAt - startedAt,
      tlsHandshakingMs: readyAt - connectedAt,
      readyAt,
    };
  }

  /** What is offered by ALPN. */
  get #protocols(): string[] {
    return this.#dialer.offersHttp2 && !this.#http1Only ? ["h2", "http/1.1"] : ["http/1.1"];
  }

  /** A connection of Deno's own, which costs the least. */
  async #connectDeno(hostname: string, port: number): Promise<Deno.TcpConn> {
    this.#isConnecting = true;
    try {
      const socket = await Deno.connect({ hostname, port, signal: this.#abandoned.signal });
      // A request with a long body is two writes: the second must not wait for the first one's acknowledgement.
      socket.setNoDelay();
      return socket;
    } catch (error) {
      throw new NetError(dialFailure(error));
    } finally {
      this.#isConnecting = false;
      this.#dialer.abandoned.delete(this);
    }
  }

  async #connectProxy({ ip, port }: Endpoint, proxy: Proxy, signal: AbortSignal): Promise<ProxyConnection> {
    const tcp = await connectNode(ip, port, this.#localIp, signal);
    const connectedAt = performance.now();
    this.#dialer.deadlines.remove(this);
    // What speaks over it ends with it.
    const cancel = () => tcp.destroy(CANCELLED);
    signal.addEventListener("abort", cancel);
    try {
      signal.throwIfAborted();
      const socket = proxy.secure ? await this.#secureProxy(tcp, proxy.hostname) : tcp;
      const securedAt = proxy.secure ? performance.now() : connectedAt;
      if (proxy.kind === "socks5") await openSocksTunnel(socket, this.#url, proxy);
      else if (this.#url.secure) await openHttpTunnel(socket, this.#url, proxy);
      return { socket, connectedAt, securedAt, readyAt: performance.now() };
    } catch (error) {
      tcp.destroy();
      throw error;
    } finally {
      signal.removeEventListener("abort", cancel);
    }
  }

  async #secureProxy(tcp: NodeSocket, hostname: string): Promise<TLSSocket> {
    const socket = withDeno(() => connect({ socket: tcp, ALPNProtocols: ["http/1.1"], ...this.#tlsOptions(hostname) }));
    try {
      await handshake(socket);
      this.#verify(socket, hostname);
      return socket;
    } catch (error) {
      socket.destroy();
      if (error instanceof NetError) throw new NetError({ code: error.code, text: `proxy: ${error.text}` });
      throw error;
    }
  }

  async #connectTls(endpoint: Endpoint, proxy: Proxy | null, signal: AbortSignal): Promise<Dialled> {
    const { ip, port } = endpoint;
    const { hostname } = this.#url;
    const tlsOptions = this.#tlsOptions(hostname);
    const session = this.#dialer.sessionFor(this.#url);
    const startedAt = performance.now();
    const tunnel = proxy === null ? null : await this.#connectProxy(endpoint, proxy, signal);
    const socket = withDeno(() =>
      connect({
        ...(tunnel === null ? { host: ip, port, ...localAddress(this.#localIp) } : { socket: tunnel.socket }),
        ALPNProtocols: this.#protocols,
        ...tlsOptions,
        ...(session === undefined ? {} : { session }),
      })
    );
    const cancel = () => {
      socket.destroy(new Error("cancelled"));
      tunnel?.socket.destroy();
    };
    signal.addEventListener("abort", cancel);
    try {
      // It may have been given up just as the tunnel was there.
      signal.throwIfAborted();
      const connectedAt = tunnel?.connectedAt ?? await connected(socket);
      const handshakeStartedAt = tunnel?.readyAt ?? connectedAt;
      const proxyHandshakeMs = tunnel === null ? 0 : tunnel.securedAt - tunnel.connectedAt;
      // Like Go's dialer: its timeout is for the TCP connection, only the request's own one covers the handshake.
      this.#dialer.deadlines.remove(this);
      await handshake(socket);
      const readyAt = performance.now();
      this.#verify(socket, hostname);
      const facts = tlsFacts(socket);
      this.#checkCipherSuite(facts);
      // Only now: whoever resumes a session is not verified again.
      this.#dialer.keepSessions(this.#url, socket);
      const stream = new NodeStream(socket);
      return {
        socket: stream,
        http2Socket: socket.alpnProtocol === "h2" ? stream : null,
        remoteIp: ip,
        remotePort: port,
        forwarder: null,
        ...facts,
        connectingMs: connectedAt - startedAt,
        tlsHandshakingMs: proxyHandshakeMs + readyAt - handshakeStartedAt,
        readyAt,
      };
    } catch (error) {
      socket.destroy();
      tunnel?.socket.destroy();
      throw error;
    } finally {
      signal.removeEventListener("abort", cancel);
    }
  }

  /**
   * `node:tls` because it alone can skip verification for one connection and tells version and cipher. It is told
   * never to reject, so that verification is ours: k6 reports a wrong name before an unknown authority.
   */
  #tlsOptions(hostname: string): ConnectionOptions {
    const secureContext = this.#dialer.secureContext(hostname);
    return {
      rejectUnauthorized: false,
      ...(isIpAddress(hostname) ? {} : { servername: hostname }),
      ...(secureContext === undefined ? {} : { secureContext }),
    };
  }

  /** @throws {NetError} when the other side's certificate isn't good, unless nobody is to look */
  #verify(socket: TLSSocket, hostname: string): void {
    if (this.#dialer.settings.insecureSkipTlsVerify) return;
    const certificate = socket.getPeerCertificate();
    // As Go does first; Deno calls an old certificate one of an unknown authority.
    if (!isInForce(certificate)) throw new NetError(FAILURES.notInForce);
    const mismatch = checkServerIdentity(hostname, certificate);
    if (mismatch !== undefined) throw new NetError(tlsFailure(mismatch));
    if (!socket.authorized) throw new NetError(tlsFailure(authorizationError(socket)));
  }

  /** The runtime offers all of its suites. What the list forbids must not be used nevertheless; TLS 1.3's are all allowed. */
  #checkCipherSuite({ tlsVersion, tlsCipherSuite }: TlsFacts): void {
    const allowed = this.#dialer.settings.tls?.cipherSuites;
    if (allowed === undefined || tlsVersion !== "tls1.2" || allowed.has(tlsCipherSuite)) return;
    throw new NetError(cipherSuiteFailure(tlsCipherSuite));
  }
}

type TlsFacts = Pick<Dialled, "tlsVersion" | "tlsCipherSuite">;

const NO_TLS = { tlsVersion: "", tlsCipherSuite: "" } as const;

function tlsFacts(socket: TLSSocket): TlsFacts {
  return {
    tlsVersion: (socket.getProtocol() ?? "").toLowerCase().replace("tlsv", "tls"),
    tlsCipherSuite: socket.getCipher()?.standardName ?? "",
  };
}

function isOtherFamily(localIp: string, ip: string): boolean {
  return ipFamily(plainIp(localIp)) !== ipFamily(plainIp(ip));
}

/** Each certificate of PEM texts, as the runtime wants its default roots. */
function certificatesIn(texts: readonly string[]): string[] {
  return texts.flatMap((text) => text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []);
}

/** Resolves with the time of the TCP connection. */
function connected(socket: TLSSocket): Promise<number> {
  return new Promise<number>((resolve, reject) => {
    socket.once("connect", () => {
      socket.setNoDelay();
      resolve(performance.now());
    });
    // Stays: an error must never be without a listener.
    socket.on("error", reject);
  }).catch((error) => {
    throw new NetError(dialFailure(error));
  });
}

/** Resolves once the TLS handshake is done. */
function handshake(socket: TLSSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("secureConnect", resolve);
    // Stays: an error must never be without a listener.
    socket.on("error", (error) => reject(new NetError(tlsFailure(error))));
    socket.once("close", () => reject(new NetError(FAILURES.endOfFile)));
  });
}

function isInForce({ valid_from, valid_to }: PeerCertificate): boolean {
  const now = Date.now();
  return Date.parse(valid_from) <= now && now <= Date.parse(valid_to);
}

/** Why a certificate wasn't accepted, as an error whose `code` says it; Node declares an error and gives a code. */
function authorizationError(socket: TLSSocket): Error {
  const reason: unknown = socket.authorizationError;
  if (reason instanceof Error) return reason;
  return Object.assign(new Error(`the certificate can't be verified (${String(reason)})`), { code: String(reason) });
}
