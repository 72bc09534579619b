/** Follows a run's log: a WebSocket that tells all lines from a time on, and then each as it comes. */

import { credentials } from "./auth.ts";
import { ApiError, type HubRequest } from "./http.ts";
import type { Call } from "./operation.ts";
import type { ByteStream } from "./server.ts";
import type { LogLine, TestRun } from "./store.ts";
import { ServerWebSocket } from "./web_socket.ts";

/** Whether a request asks for this. */
export function isTail({ method, path }: HubRequest): boolean {
  return method === "GET" && path === "/api/v1/tail";
}

/** Makes the connection a WebSocket and resolves to null. Throws an `ApiError`. */
export async function tailLogs(call: Call, connection: ByteStream): Promise<null> {
  const run = await tailedRun(call);
  const start = call.request.query.get("start") ?? "0";
  if (!/^\d+$/.test(start)) throw new ApiError(400, "start must be nanoseconds since 1970");
  if (call.request.headers.has("sec-websocket-protocol")) call.deviates("Sec-WebSocket-Protocol is set");
  await follow(call, run, BigInt(start), ServerWebSocket.accept(call.request, connection));
  return null;
}

/** A message that tells of lines. */
export function tailMessage(lines: readonly LogLine[]): string {
  const streams = Map.groupBy(lines, ({ labels }) => JSON.stringify(labels)).values().map((ofStream) => ({
    stream: ofStream[0]?.labels,
    values: ofStream.map(({ atEpochNs, message }) => [String(atEpochNs), message]),
  }));
  return JSON.stringify({ streams: [...streams] });
}

async function tailedRun(call: Call): Promise<TestRun> {
  const account = await call.store.account(credentials(call, "token"));
  if (account === undefined) throw new ApiError(401, "the token is invalid");
  const [, id = ""] = /^\{test_run_id="([^"]*)"\}$/.exec(call.request.query.get("query") ?? "") ?? [];
  if (call.request.headers.get("x-k6testrun-id") !== id) call.deviates("X-K6testrun-Id is not the run of the query");
  const run = await call.store.testRun(id);
  if (run === undefined || run.stackId !== account.stackId) throw new ApiError(404, `there is no test run ${id}`);
  return run;
}

/** Lines that come while those of before are looked up are told after them, once. */
async function follow({ store }: Call, run: TestRun, fromEpochNs: bigint, socket: ServerWebSocket): Promise<void> {
  let waiting: LogLine[] | null = [];
  store.followLogLines(run.id, (lines) => {
    if (waiting === null) socket.send(tailMessage(lines));
    else waiting.push(...lines);
  }, socket.closed);
  const earlier = await store.logLines(run.id, fromEpochNs);
  const lines = new Set([...earlier, ...waiting]);
  waiting = null;
  if (lines.size > 0) socket.send(tailMessage([...lines]));
}
