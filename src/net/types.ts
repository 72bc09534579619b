/** What the HTTP client takes and gives. `net/` knows nothing of k6 but the numbers of its error codes. */

import type { AddressRuleSettings } from "./address_rules.ts";
import type { ProxySettings } from "./proxies.ts";
import type { RateLimitSettings } from "./rate_limiter.ts";
import type { RequestBody } from "./request_body.ts";
import type { DnsSettings } from "./resolver.ts";

/** A parsed absolute URL, cut into what a request needs. Cacheable: immutable. */
export interface HttpUrl {
  readonly href: string;
  readonly secure: boolean;
  /** Host name, in lower case, or IP address as dialled and as named in SNI; IPv6 without brackets. */
  readonly hostname: string;
  readonly port: number;
  /** Value of the Host header, the name as it was written: port left out when it is the scheme's default. */
  readonly host: string;
  /** Path and query, at least `/`; without fragment. */
  readonly target: string;
  /** Decoded credentials of `user:password@`, or empty. */
  readonly username: string;
  readonly password: string;
}

/** One request, ready for the wire. */
export interface HttpRequest {
  readonly method: string;
  readonly url: HttpUrl;
  /** All header lines, each `Name: value\r\n`, Host and Content-Length included; no request line, no closing blank line. */
  readonly headers: string;
  readonly body: RequestBody | null;
  /** For the whole exchange with connecting and body; 0 means none. */
  readonly timeoutMs: number;
  /** Read the body off the wire but don't keep it. */
  readonly discardBody: boolean;
  /** Never go by HTTP/2: for what needs a connection to itself, such as NTLM, which authenticates connections. */
  readonly http1Only: boolean;
}

/** Milliseconds, with fractions, taken at the socket. */
export interface HttpTimings {
  readonly blocked: number;
  readonly connecting: number;
  readonly tlsHandshaking: number;
  readonly sending: number;
  readonly waiting: number;
  readonly receiving: number;
}

/** What came of one request: an answer (`errorCode` 0) or a failure (`status` 0, `errorCode` as in k6's table). */
export interface HttpResult extends HttpTimings {
  readonly status: number;
  /** As sent, for example `OK`; may be empty. With HTTP/2, which sends none, the usual one. */
  readonly statusText: string;
  /** `HTTP/2.0`, `HTTP/1.1` or `HTTP/1.0`; empty after a failure without an answer. */
  readonly proto: string;
  /** Names as they came, values trimmed, in order, flat: name, value, name, value, … */
  readonly rawHeaders: readonly string[];
  /** Whether the answer has these headers, noted while parsing: without them nobody need look at `rawHeaders`. */
  readonly hasSetCookie: boolean;
  readonly hasContentEncoding: boolean;
  /** Null when discarded, when the answer has none by definition, or after a failure. May be a view into a larger buffer. */
  readonly body: Uint8Array | null;
  readonly remoteIp: string;
  readonly remotePort: number;
  /** `tls1.2`, `tls1.3`; empty without TLS. */
  readonly tlsVersion: string;
  readonly tlsCipherSuite: string;
  /** k6's error code (1000 … 1701), 0 when an answer came. */
  readonly errorCode: number;
  /** The failure in k6's words, for example `dial: connection refused`; empty when an answer came. */
  readonly error: string;
  /** When the exchange ended. */
  readonly endedAtEpochMs: number;
}

/** Is told the outcome of a request, exactly once, never from within `send`. */
export interface HttpCompletion {
  httpDone(result: HttpResult): void;
}

/** Settings that all clients of a worker share. */
export interface NetSettings {
  readonly insecureSkipTlsVerify: boolean;
  /** Close each connection after its exchange. */
  readonly noConnectionReuse: boolean;
  /** All trusted roots, PEM; empty: Mozilla's. */
  readonly caCerts: readonly string[];
  readonly dialTimeoutMs: number;
  /** Absent: as without any settings. */
  readonly tls?: TlsSettings;
  /** Absent: every name is looked up, every address allowed. */
  readonly addressRules?: AddressRuleSettings;
  /** Absent: nothing goes through a proxy. */
  readonly proxies?: ProxySettings;
  /** Absent: as many requests as there are. */
  readonly rateLimit?: RateLimitSettings;
  /** Absent: as k6 does it by default. */
  readonly dns?: DnsSettings;
}

/** How connections with TLS are made. What is absent is left to the runtime. */
export interface TlsSettings {
  /** Whether HTTP/2 is offered; absent: it is. */
  readonly http2?: boolean;
  /** Whether a connection may go on with the session of an earlier one to its server; absent: it doesn't. */
  readonly resumesSessions?: boolean;
  readonly minVersion?: TlsVersion;
  readonly maxVersion?: TlsVersion;
  /** Names that a server may choose with TLS 1.2, as IANA has them; absent: all. */
  readonly cipherSuites?: ReadonlySet<string>;
  /** Whether secrets go to the file that `SSLKEYLOGFILE` names; then the other settings but `http2` must be absent. */
  readonly logsSecrets?: boolean;
  /** Of those for a server the first one counts. */
  readonly clientCertificates?: readonly ClientCertificate[];
}

/** A version of TLS that the runtime has. */
export type TlsVersion = "tls1.2" | "tls1.3";

/** A certificate that servers get to see when they ask for one. */
export interface ClientCertificate {
  /** PEM, with those that lead to an authority. */
  readonly certificate: string;
  /** PEM, not encrypted. */
  readonly key: string;
  /** Names of the servers that it is for, where `*.` stands for one label; empty: all. */
  readonly domains: readonly string[];
}
