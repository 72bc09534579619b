/** Tunnels of HTTP proxies: CONNECT (RFC 9110, section 9.3.6). */

import type { Socket as NodeSocket } from "node:net";
import type { HttpProxy } from "./proxies.ts";
import { proxyError, TunnelAnswers } from "./tunnel_answers.ts";
import type { HttpUrl } from "./types.ts";

// Scripts find these gone from the global object.
const { TextDecoder } = globalThis;

/**
 * Makes a proxy connect to a server: from then on the connection is as one to the server itself.
 *
 * @throws {NetError} when the proxy refuses, or its answer makes no sense
 */
export async function openHttpTunnel(
  socket: NodeSocket,
  { hostname, port }: Pick<HttpUrl, "hostname" | "port">,
  { authorization }: HttpProxy,
): Promise<void> {
  const target = `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
  const answers = new TunnelAnswers(socket);
  socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${authorization}\r\n`);
  const head = new TextDecoder("latin1").decode(await answers.next(headLength));
  const statusLine = head.slice(0, head.indexOf("\r\n"));
  const [, status, reason = ""] = /^HTTP\/1\.\d (\d{3})(?: (.*))?$/.exec(statusLine) ?? [];
  if (status === undefined) {
    throw proxyError(`malformed HTTP response ${JSON.stringify(statusLine.slice(0, 80))}`);
  }
  // Before the end of the body that tells more, if there is one.
  if (status !== "200") throw proxyError(`${status} ${reason}`.trim());
  answers.release();
}

function headLength(bytes: Uint8Array): number | null {
  for (let end = bytes.indexOf(LF, 3); end >= 0; end = bytes.indexOf(LF, end + 1)) {
    if (bytes[end - 1] === CR && bytes[end - 2] === LF && bytes[end - 3] === CR) return end + 1;
  }
  return null;
}

const CR = 13;
const LF = 10;
