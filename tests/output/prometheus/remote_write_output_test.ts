import { assert, assertEquals } from "@std/assert";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { readConfig } from "../../../src/output/prometheus/config.ts";
import { sigV4Authorization } from "../../../src/output/prometheus/sigv4.ts";
import { TransportError } from "../../../src/output/http_client.ts";
import { HttpTransport } from "../../../src/output/prometheus/transport.ts";
import { prometheus, testWithPrograms, victoriaMetrics } from "../../support/debian.ts";
import { freePort } from "../../support/free_port.ts";
import type { MetricsServer } from "../../support/metrics_server.ts";
import { startPrometheus } from "../../support/prometheus.ts";
import { RemoteWriteReceiver } from "../../support/remote_write_receiver.ts";
import { STALE_BITS } from "../../support/write_request_decoder.ts";
import { startVictoriaMetrics } from "../../support/victoria_metrics.ts";
import { OutputRun } from "../support/output_run.ts";

for (const name of ["prometheus-rw", "experimental-prometheus-rw", "output-prometheus-remote", "xk6-prometheus-rw"]) {
  Deno.test(`-o ${name} sends valid requests to the endpoint and ends its series`, async () => {
    await using receiver = new RemoteWriteReceiver();
    const run = new OutputRun(`${name}=url=${receiver.url},pushInterval=10ms,trendStats=p(95),count`);
    await run.output.start();
    run.add("http_reqs", [["method", "GET"], ["my-tag", "ü"]], 1);
    run.add("http_req_duration", [["method", "GET"]], 250);
    await receiver.received(1);
    run.add("http_reqs", [["method", "GET"], ["my-tag", "ü"]], 2);
    await run.stop();
    assertEquals(receiver.violations, []);
    const requests = receiver.samples("k6_http_reqs_total");
    assertEquals(requests.map(({ value }) => value), [1, 3, NaN]);
    assertEquals(requests[0]?.labels, { method: "GET", my_tag: "ü" });
    assertEquals(requests[2]?.bits, STALE_BITS);
    assertEquals(receiver.samples("k6_http_req_duration_p95")[0]?.value, 0.25);
    assertEquals(receiver.samples("k6_http_req_duration_count")[0]?.value, 1);
    // A slow machine may well need longer for a request than the push interval of this test.
    assertEquals(run.complaints.filter((line) => !line.includes("longer than the push interval")), []);
  });
}

Deno.test("one connection serves all requests", async () => {
  await using receiver = new RemoteWriteReceiver();
  const run = new OutputRun(`prometheus-rw=url=${receiver.url},batchSize=1`);
  await run.output.start();
  for (let i = 0; i < 5; i++) run.add("iterations", [["i", String(i)]], 1);
  await run.stop();
  assertEquals(receiver.requests, 10);
  assertEquals(receiver.connections, 1);
});

Deno.test("the user's headers and basic authentication go together", async () => {
  await using receiver = new RemoteWriteReceiver();
  const run = new OutputRun(`prometheus-rw=url=${receiver.url},headers.X-Scope-OrgID=7,username=ü,password=p:w`);
  await run.output.start();
  run.add("iterations", [], 1);
  await run.stop();
  assertEquals(receiver.headers[0]?.get("x-scope-orgid"), "7");
  assertEquals(receiver.headers[0]?.get("authorization"), `Basic ${new TextEncoder().encode("ü:p:w").toBase64()}`);
});

Deno.test("a bearer token is sent as such", async () => {
  await using receiver = new RemoteWriteReceiver();
  const run = new OutputRun(`prometheus-rw=url=${receiver.url},bearerToken=abc`);
  await run.output.start();
  run.add("iterations", [], 1);
  await run.stop();
  assertEquals(receiver.headers[0]?.get("authorization"), "Bearer abc");
});

Deno.test("requests are signed for AWS", async () => {
  await using receiver = new RemoteWriteReceiver();
  const run = new OutputRun(
    `prometheus-rw=url=${receiver.url},sigV4Region=eu-west-1,sigV4AccessKey=AK,sigV4SecretKey=SK`,
  );
  await run.output.start();
  run.add("iterations", [], 1);
  await run.stop();
  const authorization = receiver.headers[0]?.get("authorization") ?? "";
  assert(/^AWS4-HMAC-SHA256 Credential=AK\/\d{8}\/eu-west-1\/aps\/aws4_request, /.test(authorization), authorization);
  const signed = "content-encoding;content-length;content-type;host;x-amz-content-sha256;x-amz-date;" +
    "x-prometheus-remote-write-version";
  assert(authorization.includes(`SignedHeaders=${signed}, Signature=`), authorization);
  // What was signed is what came.
  const headers = signed.split(";").map((name) => [name, receiver.headers[0]?.get(name) ?? ""] as const);
  const { "x-amz-date": date, "x-amz-content-sha256": payloadHash } = Object.fromEntries(headers);
  const scope = { accessKey: "AK", secretKey: "SK", region: "eu-west-1", service: "aps" };
  const request = { method: "POST", path: "/api/v1/write", query: "", headers, payloadHash: payloadHash! };
  assertEquals(sigV4Authorization(request, scope, date!), authorization);
});

for (const answer of ["reset", "garbage", 500] as const) {
  Deno.test(`after ${answer} the same series arrive with the next attempt`, async () => {
    await using receiver = new RemoteWriteReceiver();
    receiver.answer(answer, answer);
    const run = new OutputRun(`prometheus-rw=${receiver.url}`);
    await run.output.start();
    run.add("iterations", [], 3);
    await run.stop();
    assertEquals(receiver.samples("k6_iterations_total").map(({ value }) => value), [3, NaN]);
    assertEquals(receiver.violations, []);
    // A slow machine may well need longer for a request than the push interval of this test.
    assertEquals(run.complaints.filter((line) => !line.includes("longer than the push interval")), []);
  });
}

Deno.test("a refusal is reported with the receiver's words and what to do, without secrets", async () => {
  await using receiver = new RemoteWriteReceiver();
  receiver.answer({ status: 401, body: "no such\nuser" });
  const url = receiver.url.replace("http://", "http://user:topsecret@");
  const run = new OutputRun(`prometheus-rw=${url}`);
  await run.output.start();
  run.add("iterations", [], 3);
  await run.stop();
  assertEquals(run.complaints, [
    `error: Failed to send the time series data to ${receiver.url}: HTTP 401: no such user; check the user name and password or token`,
    `warn: the last values of 1 series are missing: nothing was stored at ${receiver.url}; failed requests: HTTP 401 ×1`,
  ]);
});

Deno.test("an absent receiver is reported as such", async () => {
  const config = readConfig({
    name: "prometheus-rw",
    argument: `http://127.0.0.1:${freePort()}/w`,
    env: {},
    options: {},
    collectors: {},
    features: [],
  });
  const transport = new HttpTransport(config, "1");
  assertEquals(await failure(transport), "connection refused");
});

Deno.test("a hanging receiver is given up after the time for one request", async () => {
  await using receiver = new RemoteWriteReceiver();
  receiver.answer("hang");
  const config = readConfig({
    name: "prometheus-rw",
    argument: receiver.url,
    env: {},
    options: {},
    collectors: {},
    features: [],
  });
  const transport = new HttpTransport(config, "1");
  assertEquals(await failure(transport, 50), "no answer in time");
});

Deno.test("certificates are checked unless told otherwise, and TLS 1.3 is the least version by default", async () => {
  const folder = new URL("testdata/", import.meta.url);
  const [cert, key] = ["certificate.pem", "key.pem"].map((file) => Deno.readTextFileSync(new URL(file, folder)));
  const server = createServer({ cert, key, maxVersion: "TLSv1.2" }, (request, response) => {
    request.resume();
    response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/w`;
  const transport = (settings: string) =>
    new HttpTransport(
      readConfig({
        name: "prometheus-rw",
        argument: `url=${url},${settings}`,
        env: {},
        options: {},
        collectors: {},
        features: [],
      }),
      "1",
    );
  try {
    assertEquals(await failure(transport("tlsMinVersion=1.2")), "the server's certificate is self-signed");
    assertEquals(
      await failure(transport("insecureSkipTLSVerify=true")),
      "the server does not offer TLS 1.3, the least version that is set",
    );
    assertEquals(await failure(transport("insecureSkipTLSVerify=true,tlsMinVersion=1.2")), "204");
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

testWithPrograms("Prometheus gives back what was sent", [prometheus], async (path) => {
  await using server = await startPrometheus(path!);
  await checkRoundTrip(server);
});

testWithPrograms("VictoriaMetrics gives back what was sent", [victoriaMetrics], async (path) => {
  await using server = await startVictoriaMetrics(path!);
  await checkRoundTrip(server);
});

testWithPrograms("a Prometheus without the receiver is reported with the flag it needs", [prometheus], async (path) => {
  await using server = await startPrometheus(path!, { receiver: false });
  const run = new OutputRun(`prometheus-rw=${server.writeUrl}`);
  await run.output.start();
  run.add("iterations", [], 1);
  await run.stop();
  assert(run.complaints[0]?.includes("HTTP 404") && run.complaints[0].includes("--web.enable-remote-write-receiver"));
});

/** All four kinds of metric, two flushes and the end; values, labels, timestamps and vanishing are checked by queries. */
async function checkRoundTrip(server: MetricsServer): Promise<void> {
  const run = new OutputRun(`prometheus-rw=url=${server.writeUrl},trendStats=p(95),max,count,pushInterval=1h`);
  await run.output.start();
  const tags = [["my-tag", 'ü "quoted"'], ["scenario", "default"]] as const;
  const atMs = Date.now() - 2000;
  for (let i = 1; i <= 100; i++) {
    run.add("http_reqs", tags, 1, atMs + i + 0.5);
    run.add("vus", [], i, atMs + i);
    run.add("checks", [["check", "is 200"]], i % 4 === 0 ? 0 : 1, atMs + i);
    run.add("http_req_duration", [["status", "200"]], i * 10, atMs + i);
  }
  await run.stop();
  assertEquals(run.complaints, []);

  const lastMs = atMs + 100;
  const [requests, ...others] = await server.query("k6_http_reqs_total", lastMs);
  assertEquals(others, []);
  assertEquals(requests?.value, 100);
  const { __name__: name, ...labels } = requests?.labels ?? {};
  assertEquals([name, labels], ["k6_http_reqs_total", { my_tag: 'ü "quoted"', scenario: "default" }]);
  assertEquals((await server.samples("k6_http_reqs_total")).map(({ atEpochMs }) => atEpochMs), [lastMs]);
  for (
    const [metric, value] of [
      ["k6_vus", 100],
      ['k6_checks_rate{check="is 200"}', 0.75],
      ['k6_http_req_duration_p95{status="200"}', 0.9505],
      ["k6_http_req_duration_max", 1],
      ["k6_http_req_duration_count", 100],
    ] as const
  ) {
    assertEquals((await server.query(metric, lastMs)).map((point) => point.value), [value], metric);
  }
  // The markers are one millisecond ahead of the end of the run; without them the series would show for five minutes.
  assertEquals(await server.query('{__name__=~"k6_.+"}', Date.now() + 10), []);
  assertEquals((await server.query('count({__name__=~"k6_.+"})', lastMs))[0]?.value, 6);
}

/** Why a body could not be delivered, or the status. */
async function failure(transport: HttpTransport, timeoutMs = 5000): Promise<string> {
  try {
    const format = { contentType: "application/x-protobuf", version: "0.1.0" };
    const { status } = await transport.post(new Uint8Array([0]), timeoutMs, new AbortController().signal, format);
    return String(status);
  } catch (error) {
    if (error instanceof TransportError) return error.message;
    throw error;
  } finally {
    transport.close();
  }
}
