/** Remote-write endpoints that fail: the run takes its time and no more, each cause is told once, the exit code is the test's. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { freePort } from "../support/free_port.ts";
import { type Answer, RemoteWriteReceiver } from "../support/remote_write_receiver.ts";
import { consoleMessages, logEntries, runSuccessfully, summaryCount } from "./support/k6d.ts";

/** Twenty iterations a second for a second, whatever becomes of the metrics. */
const SCRIPT = `
export const options = {
  scenarios: { steady: { executor: "constant-arrival-rate", rate: 20, duration: "1s", preAllocatedVUs: 2 } },
};
export default function () {}
export function teardown() { console.log("torn down"); }`;

interface FailingEndpoint {
  readonly name: string;
  /** Given to every request; nobody listens without it. */
  readonly answer?: Answer;
  /** Whether the endpoint is an https server whose certificate nobody vouches for. */
  readonly isUntrusted?: boolean;
  readonly says: RegExp;
}

const FAILING_ENDPOINTS: readonly FailingEndpoint[] = [
  { name: "answers 400", answer: { status: 400, body: "out of order sample" }, says: /400.*out of order sample/ },
  { name: "answers 401", answer: 401, says: /401/ },
  { name: "answers 404", answer: 404, says: /404/ },
  { name: "answers 429", answer: 429, says: /429/ },
  { name: "answers 500", answer: { status: 500, body: "disk full" }, says: /500.*disk full/ },
  { name: "hangs", answer: "hang", says: /no answer|time/ },
  { name: "closes the connection", answer: "reset", says: /hang up|reset|closed/ },
  { name: "can't be trusted", isUntrusted: true, says: /certificate is self-signed/ },
  { name: "is not there", says: /refused/ },
];

Deno.test("a remote-write endpoint that fails is told once a cause and costs the test nothing", async () => {
  // At the same time, as they mostly wait.
  await Promise.all(FAILING_ENDPOINTS.map(assertHarmless));
});

Deno.test("a series that an endpoint refuses is named and left out, and all others arrive", async () => {
  await using receiver = new RemoteWriteReceiver({ refuses: ({ labels }) => labels["kind"] === "37" });
  const result = await runSuccessfully({
    files: `
      import { Counter } from "k6/metrics";
      const items = new Counter("items");
      export const options = { iterations: 1 };
      export default function () {
        for (let kind = 0; kind < 100; kind++) items.add(kind, { kind: String(kind) });
      }`,
    args: ["run", "script.js", "--quiet", "--out", "prometheus-rw"],
    env: { K6_PROMETHEUS_RW_SERVER_URL: receiver.url },
  });
  assertEquals(receiver.violations, []);
  const values = receiver.samples("k6_items_total").filter(({ value }) => !Number.isNaN(value));
  assertEquals(
    values.map(({ value }) => value).toSorted((a, b) => a - b),
    Array.from({ length: 100 }, (_, kind) => kind).filter((kind) => kind !== 37),
  );
  const complaints = logEntries(result.stderr).map(({ msg }) => msg ?? "");
  assertEquals(complaints.length, 2, result.stderr);
  assertMatch(complaints[0]!, /refuses k6_items_total\{.*kind="37".*left out from now on: HTTP 400: bad series/);
  assertMatch(complaints[1]!, /^1 series left out: /);
});

async function assertHarmless({ name, answer, isUntrusted = false, says }: FailingEndpoint): Promise<void> {
  await using receiver = new RemoteWriteReceiver();
  if (answer !== undefined) receiver.answer(...Array.from({ length: 1000 }, () => answer));
  await using untrusted = Deno.serve(
    { hostname: "127.0.0.1", port: 0, cert: pem("certificate"), key: pem("key"), onListen() {} },
    () => new Response(null, { status: 204 }),
  );
  const url = new URL(answer === undefined ? `http://127.0.0.1:${freePort()}/write` : receiver.url);
  if (isUntrusted) url.href = `https://127.0.0.1:${untrusted.addr.port}/write`;
  url.username = "robot";
  url.password = "topsecret";
  const result = await runSuccessfully({
    files: SCRIPT,
    args: ["run", "script.js", "--quiet", "--out", "prometheus-rw"],
    env: {
      K6_PROMETHEUS_RW_SERVER_URL: url.href,
      K6_PROMETHEUS_RW_PUSH_INTERVAL: "200ms",
      K6_PROMETHEUS_RW_TIMEOUT: "2s",
    },
  });
  const log = `an endpoint that ${name}: ${result.stderr}`;
  assertEquals(consoleMessages(result), ["torn down"], log);
  const iterations = summaryCount(result, "iterations");
  assert(iterations === 20 || iterations === 21, `an endpoint that ${name}: ${result.stdout}`);
  const complaints = logEntries(result.stderr).filter(({ source }) => source !== "console").map(({ msg }) => msg ?? "");
  assertMatch(complaints[0] ?? "", says, log);
  // What failed, and what that means in the end.
  assert(complaints.length <= 2, log);
  assertMatch(complaints.at(-1) ?? "", /^the last values of \d+ series are missing: nothing was stored/, log);
  assertEquals(new Set(complaints).size, complaints.length, log);
  assert(!result.stderr.includes("topsecret"), log);
  assert(result.durationMs < 25_000, `${result.durationMs} ms with ${log}`);
}

function pem(name: string): string {
  return Deno.readTextFileSync(new URL(`../output/prometheus/testdata/${name}.pem`, import.meta.url));
}
