/** What can go wrong in an exchange: k6's error codes and words, and what Deno's and Node's errors mean in them. */

// Scripts find these gone from the global object.
const { Deno } = globalThis;

/** The numbers that k6 gives to failures (its documentation, "Error codes"). */
export const ERROR_CODES = {
  generic: 1000,
  nonTcp: 1010,
  invalidUrl: 1020,
  requestTimeout: 1050,
  dns: 1100,
  noSuchHost: 1101,
  blockedIp: 1110,
  blockedHostname: 1111,
  tcp: 1200,
  brokenPipe: 1201,
  unknownErrno: 1202,
  dial: 1210,
  dialTimeout: 1211,
  dialRefused: 1212,
  dialUnknownErrno: 1213,
  resetByPeer: 1220,
  tls: 1300,
  notTls: 1301,
  unknownAuthority: 1310,
  hostnameMismatch: 1311,
  http2: 1600,
  http2GoAway: 1610,
  http2Stream: 1630,
  http2Connection: 1650,
  decompression: 1701,
} as const;

/** One failure in k6's terms: the number for `error_code`, the words for `error`. */
export interface Failure {
  readonly code: number;
  readonly text: string;
}

/** A failure that is thrown. */
export class NetError extends Error implements Failure {
  override name = "NetError";
  readonly code: number;

  constructor(failure: Failure) {
    super(failure.text);
    this.code = failure.code;
  }

  get text(): string {
    return this.message;
  }
}

/** Failures whose words are always the same. */
export const FAILURES = {
  requestTimeout: { code: ERROR_CODES.requestTimeout, text: "request timeout" },
  mismatchedAddresses: { code: ERROR_CODES.dial, text: "dial: mismatched local address type" },
  dialTimeout: { code: ERROR_CODES.dialTimeout, text: "dial: i/o timeout" },
  noSuchHost: { code: ERROR_CODES.noSuchHost, text: "lookup: no such host" },
  lookupTimeout: { code: ERROR_CODES.dns, text: "lookup: i/o timeout" },
  blockedIp: { code: ERROR_CODES.blockedIp, text: "ip is blacklisted" },
  blockedHostname: { code: ERROR_CODES.blockedHostname, text: "hostname is blocked" },
  endOfFile: { code: ERROR_CODES.generic, text: "EOF" },
  unexpectedEnd: { code: ERROR_CODES.generic, text: "unexpected EOF" },
  notTls: { code: ERROR_CODES.notTls, text: "tls: first record does not look like a TLS handshake" },
  unknownAuthority: { code: ERROR_CODES.unknownAuthority, text: "x509: unknown authority" },
  hostnameMismatch: { code: ERROR_CODES.hostnameMismatch, text: "x509: certificate doesn't match hostname" },
  notInForce: { code: ERROR_CODES.tls, text: "x509: certificate has expired or is not yet valid" },
  clientClosed: { code: ERROR_CODES.generic, text: "the client is closed" },
} as const satisfies Record<string, Failure>;

/** A failure of k6's code 1000 with words of its own, as all malformed answers are. */
export function genericFailure(text: string): Failure {
  return { code: ERROR_CODES.generic, text };
}

/** What an error of a name lookup means. */
export function lookupFailure(error: unknown): Failure {
  // A name that can't be asked for, for example with a label of 64 characters, does not exist either.
  const malformed = error instanceof Error && /^proto error: .*label/i.test(error.message);
  if (error instanceof Deno.errors.NotFound || malformed) return FAILURES.noSuchHost;
  if (error instanceof Deno.errors.TimedOut) return FAILURES.lookupTimeout;
  return { code: ERROR_CODES.dns, text: `lookup: ${textOf(error).replace(/^proto error: (io error: )?/, "")}` };
}

/** What an error of a TCP connect means. */
export function dialFailure(error: unknown): Failure {
  const errno = errnoOf(error);
  if (errno === "ECONNREFUSED") return { code: ERROR_CODES.dialRefused, text: "dial: connection refused" };
  if (errno === "ETIMEDOUT") return FAILURES.dialTimeout;
  if (errno === "ECONNRESET") return { code: ERROR_CODES.resetByPeer, text: "dial: connection reset by peer" };
  if (isOfBind(error)) {
    return { code: ERROR_CODES.dialUnknownErrno, text: "dial: bind: cannot assign requested address" };
  }
  if (errno !== "") return { code: ERROR_CODES.dialUnknownErrno, text: `dial: ${textOf(error)}` };
  return { code: ERROR_CODES.dial, text: `dial: ${textOf(error)}` };
}

/** What an error of a read or a write on a connected socket means. */
export function transferFailure(operation: "read" | "write", error: unknown): Failure {
  const errno = errnoOf(error);
  if (errno === "ECONNRESET") return { code: ERROR_CODES.resetByPeer, text: `${operation}: connection reset by peer` };
  if (errno === "EPIPE") return { code: ERROR_CODES.brokenPipe, text: `${operation}: broken pipe` };
  if (errno === "ETIMEDOUT") return { code: ERROR_CODES.tcp, text: `${operation}: i/o timeout` };
  // The second one is what Deno's own TLS throws.
  const isTls = errno.startsWith("ERR_SSL_") || error instanceof Deno.errors.InvalidData;
  if (isTls) return { code: ERROR_CODES.tls, text: `tls: ${textOf(error)}` };
  if (errno !== "") return { code: ERROR_CODES.unknownErrno, text: `${operation}: ${textOf(error)}` };
  return genericFailure(`${operation}: ${textOf(error)}`);
}

/** What an error during a TLS handshake means, the verification of the certificate included. */
export function tlsFailure(error: unknown): Failure {
  const code = errnoOf(error);
  if (UNKNOWN_AUTHORITY.has(code)) return FAILURES.unknownAuthority;
  switch (code) {
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return FAILURES.hostnameMismatch;
    case "ERR_SSL_WRONG_VERSION_NUMBER":
      return FAILURES.notTls;
    case "CERT_HAS_EXPIRED":
    case "CERT_NOT_YET_VALID":
      return FAILURES.notInForce;
    case "ECONNRESET":
      // What Node says of any end within a handshake; Deno doesn't tell a reset from it.
      return textOf(error).startsWith("client network socket disconnected")
        ? FAILURES.endOfFile
        : transferFailure("read", error);
    case "EPIPE":
      return transferFailure("read", error);
    default:
      return { code: ERROR_CODES.tls, text: `tls: ${textOf(error)}` };
  }
}

/** A server chose a cipher suite that it should not. */
export function cipherSuiteFailure(suite: string): Failure {
  return { code: ERROR_CODES.tls, text: `tls: the server chose ${suite}, which tlsCipherSuites doesn't allow` };
}

/** Verification results that mean: no chain to a trusted root. */
const UNKNOWN_AUTHORITY: ReadonlySet<string> = new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);

/** The system's name of an error (`ECONNRESET`), or empty. */
function errnoOf(error: unknown): string {
  if (!(error instanceof Error)) return "";
  // Over Deno's own TLS it comes without a code.
  if (error instanceof Deno.errors.ConnectionReset) return "ECONNRESET";
  return "code" in error && typeof error.code === "string" ? error.code : "";
}

/** Whether it was the source address that failed: Node's errors name the call. */
function isOfBind(error: unknown): boolean {
  return error instanceof Error && "syscall" in error && error.syscall === "bind";
}

/** An error's own words as a part of ours: lower case, without what Deno adds around them. */
function textOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const text = message.replace(/^proto error: (?:io error: )?| \((?:os error \d+|SSL routines:.*)\)$/g, "");
  return text.charAt(0).toLowerCase() + text.slice(1);
}
