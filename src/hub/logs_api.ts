/** Where local executions push their logs, in Loki's JSON. */

import { scopedRun } from "./auth.ts";
import { assertContentType, parse } from "./bodies.ts";
import { anyText, Fields, list, record } from "./fields.ts";
import { ApiError, type HubResponse, NO_CONTENT } from "./http.ts";
import type { Call, Operation } from "./operation.ts";
import { hasEnded } from "./run_status.ts";
import type { LogLine, TestRun } from "./store.ts";

/** Its operation. */
export const logOperations: readonly Operation[] = [
  { name: "logs.push", method: "POST", path: "/api/v1/push", api: "v6", answer: push },
];

async function push(call: Call): Promise<HubResponse> {
  const run = await scopedRun(call);
  assertContentType(call.request, "application/json");
  const body = new Fields(parse(new TextDecoder().decode(call.request.body)), "the body", call.deviates);
  const streams = body.required("streams", list({ description: "an object", read: (given) => given ?? undefined }));
  body.end();
  const lines = streams.flatMap((stream) => readStream(call, run, stream));
  const { limit } = call.settings.local.logs;
  // One more line says how many were left out.
  if (lines.length > limit + 1) call.deviates(`${lines.length} log lines at once, ${limit} are allowed`);
  if (lines.length === 0) call.deviates("a push without a log line");
  if (hasEnded(run)) call.deviates(`log lines of test run ${run.id}, which has ended`);
  await call.store.addLogLines(run.id, lines);
  return NO_CONTENT;
}

function readStream(call: Call, run: TestRun, given: unknown): LogLine[] {
  const fields = new Fields(given, "a stream", call.deviates);
  const labels = fields.required("stream", record(anyText));
  const values = fields.required("values", list(list(anyText)));
  fields.end();
  if (labels["test_run_id"] !== run.id) throw new ApiError(401, `the label test_run_id must be ${run.id}`);
  if (labels["level"] === undefined) call.deviates("a stream without the label level");
  const { allowedLabels, maxMessageBytes } = call.settings.local.logs;
  for (const name of Object.keys(labels)) if (!allowedLabels.includes(name)) call.deviates(`label ${name}`);
  return values.map(([atEpochNs = "", message, ...rest]) => {
    if (!/^\d+$/.test(atEpochNs) || message === undefined || rest.length > 0) {
      throw new ApiError(400, "a value must be the nanoseconds and the line");
    }
    const bytes = new TextEncoder().encode(message).length;
    if (bytes > maxMessageBytes) call.deviates(`a log line of ${bytes} bytes, ${maxMessageBytes} are allowed`);
    return { atEpochNs: BigInt(atEpochNs), message, labels };
  });
}
