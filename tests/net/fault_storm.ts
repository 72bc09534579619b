/**
 * `deno run -A --v8-flags=--expose-gc tests/net/fault_storm.ts <faults>`, or `deno task faults` for a million: one client,
 * fault after fault, 32 at a time; prints what they left behind as a line of JSON.
 */

import { ANSWERS, FaultyServer, GARBAGE } from "../support/faulty_server.ts";
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

const paths = [
  ...Object.entries(ANSWERS).flatMap(([name, answer]) =>
    Array.from(answer, (_, i) => [`/cut/${name}/${i}`, `/reset/${name}/${i}`]).flat()
  ),
  ...Object.keys(GARBAGE).map((name) => `/garbage/${name}`),
  "/interim",
  "/stall/length/20",
  "/stall/chunked/70",
];

if (import.meta.main) {
  // deno-lint-ignore no-console
  console.log(JSON.stringify(await storm(Number(Deno.args[0]))));
}

/** Sends that many requests that fail. */
async function storm(faults: number): Promise<FaultStormResult> {
  await using server = await FaultyServer.start();
  using client = new TestClient();
  await failTimes(client, server, Math.min(WARM_UP, faults));
  const heapBefore = await usedBytes(client, server);
  const filesBefore = openFiles();
  const startedAt = performance.now();
  await failTimes(client, server, faults);
  const seconds = (performance.now() - startedAt) / 1000;
  const heapGrowthBytes = await usedBytes(client, server) - heapBefore;
  return {
    faults,
    openConnections: server.openConnections,
    newFiles: openFiles() - filesBefore,
    heapGrowthBytes,
    seconds,
  };
}

async function failTimes(client: TestClient, server: FaultyServer, faults: number): Promise<void> {
  let next = 0;
  const one = async () => {
    while (next < faults) {
      const path = paths[next++ % paths.length]!;
      const failed = await client.send(server.url + path, { timeoutMs: path.startsWith("/stall") ? 5 : 30_000 });
      if (failed.errorCode === 0) throw new Error(`${path} did not fail`);
      const { error } = await client.send(`${server.url}/ok`, { timeoutMs: 30_000 });
      if (error !== "") throw new Error(`the request after ${path}: ${error}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
}

/** What is in use when nothing is under way and no connection is open. */
async function usedBytes({ client }: TestClient, server: FaultyServer): Promise<number> {
  client.closeIdle();
  const giveUpAt = performance.now() + 20_000;
  while (server.openConnections > 0 && performance.now() < giveUpAt) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  (globalThis as unknown as { gc(): void }).gc();
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}

function openFiles(): number {
  try {
    return Array.from(Deno.readDirSync("/proc/self/fd")).length;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}
