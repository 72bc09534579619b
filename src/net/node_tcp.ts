/** TCP connections of `node:net`, for what Deno's own can't do: a source address of one's choice, and TLS through a proxy. */

import { connect, type Socket as NodeSocket } from "node:net";
import { dialFailure, FAILURES, genericFailure, NetError, transferFailure } from "./errors.ts";
import type { Proxy } from "./proxies.ts";
import type { HttpUrl } from "./types.ts";
import { withDeno } from "./with_deno.ts";

// Scripts find these gone from the global object.
const { TextDecoder } = globalThis;

/** What a proxy answers to CONNECT may be so long. */
const ANSWER_LIMIT_BYTES = 64 * 1024;

/**
 * Connects to an address, from `localIp` unless that is null. `signal` ends the attempt, and the connection later on.
 *
 * @throws {NetError} when that can't be done
 */
export async function connectNode(
  host: string,
  port: number,
  localIp: string | null,
  signal: AbortSignal,
): Promise<NodeSocket> {
  const socket = withDeno(() => connect({ host, port, ...localAddress(localIp) }));
  const cancel = () => socket.destroy(new Error("cancelled"));
  signal.addEventListener("abort", cancel);
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      // Stays: an error must never be without a listener.
      socket.on("error", reject);
    });
  } catch (error) {
    socket.destroy();
    throw new NetError(dialFailure(error));
  } finally {
    signal.removeEventListener("abort", cancel);
  }
  socket.setNoDelay();
  return socket;
}

/** For the options of a connection of Node's. */
export function localAddress(localIp: string | null): { readonly localAddress?: string } {
  return localIp === null ? {} : { localAddress: localIp };
}

/**
 * Makes a proxy connect to a server (RFC 9110, section 9.3.6): from then on the connection is as one to the server itself.
 *
 * @throws {NetError} when the proxy refuses, or its answer makes no sense
 */
export async function openTunnel(socket: NodeSocket, { hostname, port }: HttpUrl, proxy: Proxy): Promise<void> {
  const target = `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
  const answer = readAnswer(socket);
  socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${proxy.authorization}\r\n`);
  const { statusLine, rest } = await answer;
  const [, status, reason = ""] = /^HTTP\/1\.\d (\d{3})(?: (.*))?$/.exec(statusLine) ?? [];
  if (status === undefined) {
    throw proxyError(`malformed HTTP response ${JSON.stringify(statusLine.slice(0, 80))}`);
  }
  if (status !== "200") throw proxyError(`${status} ${reason}`.trim());
  if (rest !== "") throw proxyError("bytes after the answer to CONNECT");
}

interface Answer {
  readonly statusLine: string;
  /** What came after the head: of a refusal its body. */
  readonly rest: string;
}

/** Reads up to the end of a head. */
function readAnswer(socket: NodeSocket): Promise<Answer> {
  const decoder = new TextDecoder("latin1");
  let text = "";
  return new Promise<Answer>((resolve, reject) => {
    const onData = (chunk: Uint8Array): void => {
      text += decoder.decode(chunk);
      const headEnd = text.indexOf("\r\n\r\n");
      if (headEnd >= 0) resolve({ statusLine: text.slice(0, text.indexOf("\r\n")), rest: text.slice(headEnd + 4) });
      else if (text.length > ANSWER_LIMIT_BYTES) reject(proxyError("the answer to CONNECT is too long"));
    };
    const onEnd = (): void => reject(new NetError(text === "" ? FAILURES.endOfFile : FAILURES.unexpectedEnd));
    socket.on("data", onData).once("end", onEnd).once("close", onEnd);
    socket.once("error", (error: Error) => reject(new NetError(transferFailure("read", error))));
  }).finally(() => {
    // From here on the connection is TLS's to read.
    socket.removeAllListeners("data");
    socket.pause();
  });
}

function proxyError(what: string): NetError {
  return new NetError(genericFailure(`proxy: ${what}`));
}
