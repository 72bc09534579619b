/** Tunnels of SOCKS proxies, version 5 (RFC 1928), with a user and a password where they are given (RFC 1929). */

import type { Socket as NodeSocket } from "node:net";
import { ipFamily, isIpAddress, parseIp } from "./ip_address.ts";
import type { SocksProxy } from "./proxies.ts";
import { proxyError, TunnelAnswers } from "./tunnel_answers.ts";
import type { HttpUrl } from "./types.ts";

// Scripts find these gone from the global object.
const { TextEncoder } = globalThis;

const VERSION = 5;
const USER_VERSION = 1;
const CONNECT = 1;
const RESERVED = 0;

const enum Method {
  none = 0,
  user = 2,
}

const enum AddressType {
  ipv4 = 1,
  name = 3,
  ipv6 = 4,
}

/**
 * Makes a proxy connect to a server, whose name it looks up itself: from then on the connection is as one to the server.
 *
 * @throws {NetError} when the proxy refuses, or its answers make no sense
 */
export async function openSocksTunnel(
  socket: NodeSocket,
  { hostname, port }: Pick<HttpUrl, "hostname" | "port">,
  { username, password }: SocksProxy,
): Promise<void> {
  const address = addressOf(hostname);
  const hasUser = username !== "" || password !== "";
  const answers = new TunnelAnswers(socket);
  socket.write(Uint8Array.of(VERSION, ...(hasUser ? [2, Method.none, Method.user] : [1, Method.none])));
  const method = (await nextAnswer(answers, 2))[1];
  if (method === Method.user && hasUser) {
    socket.write(Uint8Array.of(USER_VERSION, ...shortText("user", username), ...shortText("password", password)));
    const [, status] = await answers.next(lengthOf(2));
    if (status !== 0) throw proxyError("SOCKS: it refuses the user or the password");
  } else if (method !== Method.none) {
    throw proxyError(hasUser ? "SOCKS: it accepts no user and password" : "SOCKS: it asks for a user and a password");
  }
  socket.write(Uint8Array.of(VERSION, CONNECT, RESERVED, ...address, port >> 8, port & 255));
  const reply = (await nextAnswer(answers, replyLength))[1]!;
  if (reply !== 0) throw proxyError(`SOCKS: ${REPLIES[reply] ?? `error ${reply}`}`);
  answers.release();
}

/** The texts of RFC 1928, section 6. */
const REPLIES: readonly (string | undefined)[] = [
  "succeeded",
  "general failure",
  "connection not allowed by its rules",
  "network unreachable",
  "host unreachable",
  "connection refused",
  "time to live expired",
  "command not supported",
  "address type not supported",
];

/** An answer that begins with the version. */
async function nextAnswer(answers: TunnelAnswers, length: number | typeof replyLength): Promise<Uint8Array> {
  const answer = await answers.next((bytes) => {
    // What speaks another protocol may never send as much as is waited for.
    if (bytes.length > 0 && bytes[0] !== VERSION) return 1;
    return typeof length === "number" ? lengthOf(length)(bytes) : length(bytes);
  });
  if (answer[0] !== VERSION) throw proxyError("it doesn't speak SOCKS, version 5");
  return answer;
}

function lengthOf(length: number): (bytes: Uint8Array) => number | null {
  return (bytes) => bytes.length < length ? null : length;
}

/** Version, reply, reserved, the address that the proxy connects from, its port. */
function replyLength(bytes: Uint8Array): number | null {
  // After a failure some end here, and nobody needs the rest.
  if (bytes.length >= 2 && bytes[1] !== 0) return 2;
  if (bytes.length < 5) return null;
  const length = bytes[3] === AddressType.ipv4 ? 10 : bytes[3] === AddressType.ipv6 ? 22 : 7 + bytes[4]!;
  return bytes.length < length ? null : length;
}

/** Type and address of a server. */
function addressOf(hostname: string): number[] {
  if (!isIpAddress(hostname)) return [AddressType.name, ...shortText("host name", hostname)];
  const family = ipFamily(hostname);
  const number = parseIp(hostname);
  const bytes = Array.from(
    { length: family === 4 ? 4 : 16 },
    (_, index) => Number((number >> BigInt(8 * index)) & 255n),
  );
  return [family === 4 ? AddressType.ipv4 : AddressType.ipv6, ...bytes.reverse()];
}

/** A text with its length before it. */
function shortText(what: string, text: string): number[] {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length > 255) throw proxyError(`SOCKS: a ${what} can have 255 bytes only`);
  return [bytes.length, ...bytes];
}
