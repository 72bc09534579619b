/** The cloud is told which requests had trace ids: exactly those of the script, and nothing without any. */

import { assertEquals, assertMatch } from "@std/assert";
import { makeCertificate } from "../net/certificate.ts";
import { ACCOUNT, ContractServer } from "../support/cloud/contract_server.ts";
import { InsightsReceiver } from "../support/cloud/insights_receiver.ts";
import { startTarget } from "../support/target.ts";
import { logEntries, runSuccessfully } from "./support/k6d.ts";

const { certificate, key } = await makeCertificate("insights", "IP:127.0.0.1");

/** A cloud with its receiver of traced requests, and the variables with which a run finds both. */
class Cloud implements AsyncDisposable {
  readonly env: Readonly<Record<string, string>>;

  private constructor(readonly server: ContractServer, readonly receiver: InsightsReceiver) {
    this.env = {
      K6_CLOUD_HOST: server.origin,
      K6_CLOUD_TOKEN: ACCOUNT.token,
      K6_CLOUD_TRACES_HOST: receiver.endpoint,
      SSL_CERT_FILE: "authority.pem",
    };
  }

  static async start(): Promise<Cloud> {
    const server = await ContractServer.start();
    const receiver = await InsightsReceiver.start({ token: ACCOUNT.token, tls: { cert: certificate, key } });
    return new Cloud(server, receiver);
  }

  /** Runs a script against a target that it finds in `__ENV.TARGET`. */
  async run(script: string) {
    await using target = startTarget();
    return await runSuccessfully({
      files: { "script.js": script, "authority.pem": certificate },
      args: ["run", "--out", "cloud", "script.js"],
      env: { ...this.env, TARGET: target.url },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.receiver[Symbol.asyncDispose]();
    await this.server[Symbol.asyncDispose]();
  }
}

const TRACED = `
import http from "k6/http";
import exec from "k6/execution";
import { group } from "k6";

export const options = {
  scenarios: { shoppers: { executor: "per-vu-iterations", vus: 2, iterations: 3, maxDuration: "20s" } },
};

const metadata = exec.vu.metrics.metadata;
const traceId = (request) => [__VU, __ITER, request].map((part) => String(part).padStart(4, "0")).join("").padEnd(32, "a");

export default async function () {
  http.get(__ENV.TARGET + "/json");
  metadata.trace_id = traceId(1);
  group("shop", () => http.get(__ENV.TARGET + "/json", { tags: { name: "text" } }));
  const sent = http.asyncRequest("POST", __ENV.TARGET + "/echo", "x", { tags: { name: "echo" } });
  delete metadata.trace_id;
  await sent;
  metadata.trace_id = traceId(2);
  http.get(__ENV.TARGET + "/status/404", { tags: { name: "missing" } });
  delete metadata.trace_id;
  http.get(__ENV.TARGET + "/json");
}
`;

Deno.test("the cloud is told exactly of the requests that had a trace id", async () => {
  await using cloud = await Cloud.start();
  const beganMs = Date.now();
  const { stdout } = await cloud.run(TRACED);
  const endedMs = Date.now();
  const { receiver, server } = cloud;
  assertEquals([receiver.violations, server.violations], [[], []]);
  assertEquals(receiver.connections, 1);
  const testRunId = /\/runs\/(\d+)/.exec(stdout)?.[1];
  const told = receiver.metadata.map(({ startNs, endNs, ...labels }) => {
    const [startMs, endMs] = [startNs, endNs].map((ns) => Number(ns / 1_000_000n));
    assertEquals(startMs! >= beganMs - 1 && endMs! <= endedMs + 1, true, `${startMs} to ${endMs}`);
    return JSON.stringify(labels);
  });
  const expected = [1, 2].flatMap((vu) =>
    [0, 1, 2].flatMap((iteration) =>
      [
        { request: 1, group: "::shop", url: "text", method: "GET", status: 200 },
        { request: 1, group: "", url: "echo", method: "POST", status: 200 },
        { request: 2, group: "", url: "missing", method: "GET", status: 404 },
      ].map(({ request, group, url, method, status }) => {
        const traceId = [vu, iteration, request].map((part) => String(part).padStart(4, "0")).join("").padEnd(32, "a");
        return JSON.stringify({ traceId, testRunId, scenario: "shoppers", group, url, method, status });
      })
    )
  );
  assertEquals(told.toSorted(), expected.toSorted());
});

Deno.test("without trace ids nobody is called", async () => {
  await using cloud = await Cloud.start();
  await cloud.run(TRACED.replaceAll(/metadata\.trace_id = .*/g, ""));
  assertEquals([cloud.receiver.connections, cloud.server.violations], [0, []]);
});

Deno.test("a service that refuses the token costs a warning, and nothing else", async () => {
  await using cloud = await Cloud.start();
  cloud.receiver.answer({ code: 16 });
  const { stderr } = await cloud.run(TRACED);
  const warnings = logEntries(stderr).filter(({ msg }) => msg?.includes("trace ids")).map(({ msg }) => msg);
  assertEquals(warnings.length, 1, stderr);
  assertMatch(warnings[0]!, /which requests had trace ids \(UNAUTHENTICATED: scripted\), and does not try again/);
  assertEquals([cloud.receiver.calls, cloud.server.violations], [1, []]);
});
