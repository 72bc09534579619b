/** Where results are pushed: metric sets in protobuf with snappy, or in JSON with gzip. */

import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { uncompress } from "snappyjs";
import { ownRun, runOfPath, tokenAccount } from "./auth.ts";
import { assertContentType } from "./bodies.ts";
import { ApiError, type HubRequest, type HubResponse } from "./http.ts";
import { type MetricSet, MetricSetError } from "./metric_set.ts";
import { readJsonMetricSet } from "./metric_set_json.ts";
import { readProtobufMetricSet } from "./metric_set_protobuf.ts";
import { brokenRules } from "./metric_set_rules.ts";
import type { Call, Operation } from "./operation.ts";
import { hasEnded, statusOf } from "./run_status.ts";
import type { TestRun } from "./store.ts";

/** Its operation. */
export const metricsOperations: readonly Operation[] = [
  { name: "v2.pushMetrics", method: "POST", path: "/v2/metrics/:id", api: "v1", answer: pushMetrics },
];

/** The most that a push may grow to when it is unpacked. */
const MAX_BYTES = 64 * 1024 * 1024;

const gunzipAsync = promisify(gunzip);

/** By the account's token, or by that of the run itself. */
async function pushMetrics(call: Call): Promise<HubResponse> {
  const { request, deviates } = call;
  const run = await runOf(call);
  const version = request.headers.get("k6-metrics-protocol-version");
  if (version !== "2.0") deviates(`K6-Metrics-Protocol-Version ${version}`);
  const set = await readPush(request);
  for (const rule of brokenRules(set, { testRunId: run.id, ...terms(call, run) })) deviates(rule);
  if (set.testRunId !== run.id) throw new ApiError(400, `the metrics are of test run ${set.testRunId}`);
  if (hasEnded(run)) deviates(`metrics of test run ${run.id}, which has ended`);
  else if (statusOf(run).type === "created") deviates(`metrics of test run ${run.id}, which has not begun`);
  await call.store.addMetrics(set);
  return { status: 202 };
}

async function runOf(call: Call): Promise<TestRun> {
  const isScoped = call.request.headers.get("authorization")?.startsWith("Bearer ") ?? false;
  return isScoped ? await ownRun(call) : await runOfPath(call, await tokenAccount(call));
}

function terms({ settings }: Call, { kind }: TestRun) {
  return kind === "local" ? settings.local : settings;
}

/** Reads the body of a push by its headers. Throws an `ApiError`. */
export async function readPush(request: HubRequest): Promise<MetricSet> {
  const { headers, body } = request;
  const encoding = headers.get("content-encoding");
  try {
    if (headers.get("content-type")?.startsWith("application/json")) {
      const ungzip = (packed: Uint8Array) => gunzipAsync(packed, { maxOutputLength: MAX_BYTES });
      return readJsonMetricSet(await unpacked(encoding, "gzip", body, ungzip));
    }
    assertContentType(request, "application/x-protobuf");
    // A plain array, because snappyjs gives back what it was given.
    const unsnap = (packed: Uint8Array) => uncompress(Uint8Array.from(packed), MAX_BYTES);
    return readProtobufMetricSet(await unpacked(encoding, "snappy", body, unsnap));
  } catch (error) {
    if (error instanceof MetricSetError) throw new ApiError(400, `invalid metrics: ${error.message}`);
    throw error;
  }
}

/** The body as it was before it was packed; clients may leave that out. */
async function unpacked(
  encoding: string | null,
  wanted: "gzip" | "snappy",
  body: Uint8Array,
  unpack: (packed: Uint8Array) => Uint8Array | Promise<Uint8Array>,
): Promise<Uint8Array> {
  if (encoding === null || encoding === "identity") return body;
  if (encoding !== wanted) throw new ApiError(415, `Content-Encoding ${encoding} instead of ${wanted}`);
  try {
    return await unpack(body);
  } catch (error) {
    throw new ApiError(400, `invalid ${wanted}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
