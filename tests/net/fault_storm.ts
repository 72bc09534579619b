/**
 * `deno run -A --v8-flags=--expose-gc tests/net/fault_storm.ts <faults> [http2]`, or `deno task faults` for a million and,
 * with HTTP/2, 100,000: fault after fault, 32 at a time; prints what they left behind as a line of JSON.
 */

import { ANSWERS, FaultyServer, GARBAGE } from "../support/faulty_server.ts";
import { alert, FaultyTlsServer, type TlsFault } from "../support/faulty_tls.ts";
import { makeCertificate } from "./certificate.ts";
import { HTTP2_FAULTS } from "./http2/faults.ts";
import { answer, type FrameServer, startFrameServer } from "./http2/frame_server.ts";
import { TestClient } from "./raw_server.ts";

/** What many faults left behind. */
export interface FaultStormResult {
  /** Requests that failed; as many were sent that succeeded. */
  readonly faults: number;
  /** Connections that the server still holds after the client closed its idle ones. */
  readonly openConnections: number;
  /** Open files of the process, beyond those after the first faults; 0 where /proc is missing. */
  readonly newFiles: number;
  /** Of the JavaScript heap and array buffers, since the first faults. */
  readonly heapGrowthBytes: number;
  readonly seconds: number;
}

const WARM_UP = 2_000;
const AT_ONCE = 32;

const http1Paths = [
  ...Object.entries(ANSWERS).flatMap(([name, answer]) =>
    Array.from(answer, (_, i) => [`/cut/${name}/${i}`, `/reset/${name}/${i}`]).flat()
  ),
  ...Object.keys(GARBAGE).map((name) => `/garbage/${name}`),
  "/interim",
  "/stall/length/20",
  "/stall/chunked/70",
];

const http2Paths = [...Object.keys(HTTP2_FAULTS).map((_, i) => `/${i}`), "/stall"];

/** In the greeting, the certificate, the last message of the handshake. */
const TLS_FAULTS: readonly TlsFault[] = [
  ...[0, 3, 60, 128, 400, 700].flatMap((after) =>
    (["end", "reset", "garbage"] as const).map((how) => ({ how, after }))
  ),
  { how: "stall", after: 200 },
  ...[40, 48, 80].map((description) => ({ how: "garbage", after: 0, bytes: alert(description) } as const)),
];

if (import.meta.main) {
  // deno-lint-ignore no-console
  console.log(JSON.stringify(await storm(Number(Deno.args[0]), Deno.args[1] === "http2")));
}

/** Sends that many requests that fail. */
async function storm(faults: number, isHttp2: boolean): Promise<FaultStormResult> {
  await using server = isHttp2 ? await startFaultyHttp2Server() : await FaultyServer.start();
  await using tls = await FaultyTlsServer.start(await makeCertificate("localhost", "IP:127.0.0.1"));
  let nextTlsFault = 0;
  tls.faultOf = () => TLS_FAULTS[nextTlsFault++ % TLS_FAULTS.length]!;
  const paths = isHttp2 ? http2Paths : withTls(http1Paths, `https://127.0.0.1:${tls.port}/`);
  // What ends a connection of HTTP/2 ends all of its requests: those that go on at once have clients of their own.
  using stack = new DisposableStack();
  const clients = Array.from(
    { length: isHttp2 ? AT_ONCE : 1 },
    // Where HTTP/2 is offered all would wait for the handshake that stalls.
    () => stack.use(new TestClient({ insecureSkipTlsVerify: true, tls: { http2: isHttp2 } })),
  );
  await failTimes(clients, server, paths, Math.min(WARM_UP, faults));
  const heapBefore = await usedBytes(clients, server);
  const filesBefore = openFiles();
  const startedAt = performance.now();
  await failTimes(clients, server, paths, faults);
  const seconds = (performance.now() - startedAt) / 1000;
  const heapGrowthBytes = await usedBytes(clients, server) - heapBefore;
  return {
    faults,
    openConnections: server.openConnections + tls.openConnections,
    newFiles: openFiles() - filesBefore,
    heapGrowthBytes,
    seconds,
  };
}

/** Every 40th one fails in its handshake, which takes that much longer. */
function withTls(paths: readonly string[], url: string): string[] {
  return paths.flatMap((path, i) => i % 40 === 0 ? [url, path] : [path]);
}

/** `/ok`, `/stall`, or the number of a fault. */
async function startFaultyHttp2Server(): Promise<FrameServer> {
  const faults = Object.values(HTTP2_FAULTS);
  const server = await startFrameServer((connection, id, _index, path) => {
    // The server's memory is this process's, too.
    server.connections.length = 0;
    if (path === "/ok") connection.send(answer(id));
    else if (path !== "/stall") faults[Number(path.slice(1))]!(connection, id);
  });
  return server;
}

async function failTimes(
  clients: readonly TestClient[],
  server: FaultyServer | FrameServer,
  paths: readonly string[],
  faults: number,
): Promise<void> {
  let next = 0;
  const one = async (client: TestClient) => {
    while (next < faults) {
      const path = paths[next++ % paths.length]!;
      const url = path.startsWith("https:") ? path : server.url + path;
      const failed = await client.send(url, { timeoutMs: timeoutOf(path) });
      if (failed.errorCode === 0) throw new Error(`${path} did not fail`);
      const { error } = await client.send(`${server.url}/ok`, { timeoutMs: 30_000 });
      if (error !== "") throw new Error(`the request after ${path}: ${error}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => one(clients[i % clients.length]!)));
}

/** A handshake should get somewhere before it is given up. */
function timeoutOf(path: string): number {
  return path.startsWith("/stall") ? 5 : path.startsWith("https:") ? 100 : 30_000;
}

/** What is in use when nothing is under way and no connection is open. */
async function usedBytes(clients: readonly TestClient[], server: FaultyServer | FrameServer): Promise<number> {
  for (const { client } of clients) client.closeIdle();
  const giveUpAt = performance.now() + 20_000;
  while (server.openConnections > 0 && performance.now() < giveUpAt) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  // What ends a connection is told in later turns, and some of it lives until it is collected for a second time.
  let least = Infinity;
  for (let round = 0; round < 5; round++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    (globalThis as unknown as { gc(): void }).gc();
    const { heapUsed, external } = Deno.memoryUsage();
    least = Math.min(least, heapUsed + external);
  }
  return least;
}

function openFiles(): number {
  try {
    return Array.from(Deno.readDirSync("/proc/self/fd")).length;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}
