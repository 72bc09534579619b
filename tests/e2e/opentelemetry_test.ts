/** A script runs against a real target, and a strict OTLP receiver gets what the summary says. */

import { assertEquals, assertMatch } from "@std/assert";
import { makeCertificate } from "../net/certificate.ts";
import { freePort } from "../support/free_port.ts";
import { OtlpReceiver } from "../support/otlp_receiver.ts";
import { startTarget } from "../support/target.ts";
import { consoleMessages, K6dProcess, logEntries, runSuccessfully, summaryCount } from "./support/k6d.ts";

const SCRIPT = `
import { check } from "k6";
import http from "k6/http";
import { Counter, Gauge, Rate, Trend } from "k6/metrics";

export const options = { vus: 3, iterations: 30, tags: { testid: "e2e" } };

const items = new Counter("items");
const temperature = new Gauge("temperature");
const empty = new Rate("empty");
const size = new Trend("size");
const delay = new Trend("delay", true);

export default function () {
  const response = http.get(__ENV.TARGET + "/json", { tags: { "my-tag": 'a "quoted" ü' } });
  check(response, { "is ok": (r) => r.status === 200 });
  items.add(3, { shelf: "top" });
  empty.add(__ITER % 2 === 0);
  size.add(250);
  delay.add(12);
  temperature.add(21.5);
}
`;

for (const protocol of ["grpc", "http/protobuf"] as const) {
  Deno.test(`a receiver of ${protocol} holds what the summary says`, async () => {
    await using target = startTarget();
    const { certificate, key } = await makeCertificate("localhost", "DNS:localhost,IP:127.0.0.1");
    await using receiver = await OtlpReceiver.start({ protocol, tls: { cert: certificate, key } });
    const result = await runSuccessfully({
      files: {
        "script.js": SCRIPT,
        "ca.pem": certificate,
        "config.json": JSON.stringify({ collectors: { opentelemetry: { metricPrefix: "k6_" } } }),
      },
      args: ["run", "--config", "config.json", "-o", "opentelemetry", "script.js"],
      env: {
        TARGET: target.url,
        K6_OTEL_EXPORTER_PROTOCOL: protocol,
        K6_OTEL_GRPC_EXPORTER_ENDPOINT: receiver.endpoint,
        K6_OTEL_HTTP_EXPORTER_ENDPOINT: receiver.endpoint,
        K6_OTEL_TLS_CERTIFICATE: "ca.pem",
        OTEL_SERVICE_NAME: "shop",
      },
    });

    assertEquals(receiver.violations, []);
    assertEquals(logEntries(result.stderr).filter(({ level }) => level !== "info"), []);
    assertMatch(result.stdout, new RegExp(`output: OpenTelemetry \\(${protocol}, .*${receiver.endpoint}.*\\)`));
    assertEquals(receiver.accepted.at(-1)?.resource["service.name"], "shop");
    const sum = (metric: string) => receiver.points(metric).reduce((total, { value }) => total + value, 0);
    for (const metric of ["http_reqs", "iterations", "items"]) {
      assertEquals(sum(`k6_${metric}`), summaryCount(result, metric), metric);
    }
    const [requests] = receiver.points("k6_http_reqs");
    assertEquals(requests?.attributes["my-tag"], 'a "quoted" ü');
    assertEquals(requests?.attributes["testid"], "e2e");
    assertEquals("group" in requests!.attributes, false);
    assertEquals(receiver.points("k6_items").map(({ attributes }) => attributes["shelf"]), ["top"]);
    assertEquals(receiver.points("k6_checks.total").map(({ value }) => value), [30]);
    assertEquals(sum("k6_empty.total"), 30);
    assertEquals(receiver.points("k6_temperature").map(({ value }) => value), [21.5]);
    const [size] = receiver.points("k6_size");
    assertEquals([size?.unit, size?.value, size?.histogram?.count], ["", 30 * 250, 30]);
    assertEquals(receiver.points("k6_delay")[0]?.unit, "ms");
  });
}

Deno.test("a collector that is down costs one line and a summary, not the test", async () => {
  const result = await runSuccessfully({
    files: "export default function () {}",
    args: ["run", "--quiet", "-o", "experimental-opentelemetry", "script.js"],
    env: {
      K6_OTEL_GRPC_EXPORTER_ENDPOINT: `127.0.0.1:${freePort()}`,
      K6_OTEL_GRPC_EXPORTER_INSECURE: "true",
      K6_OTEL_TIMEOUT: "2s",
    },
  });
  const lines = logEntries(result.stderr).map(({ level, msg }) => `${level}: ${msg}`);
  assertEquals(lines.length, 3);
  assertMatch(lines[0]!, /^warning: .*"experimental-opentelemetry" is an old name/);
  assertMatch(lines[1]!, /^error: OpenTelemetry output: cannot export metrics to .*: connection refused$/);
  assertMatch(lines[2]!, /^warning: OpenTelemetry output: 1 of 1 exports .* incomplete$/);
});

Deno.test("a test that is ended by a signal exports what it has", async () => {
  await using receiver = await OtlpReceiver.start({ protocol: "grpc" });
  await using run = await K6dProcess.start({
    files: `
      import { sleep } from "k6";
      import { Counter } from "k6/metrics";
      export const options = { vus: 1, duration: "1h" };
      const reached = new Counter("reached");
      export default function () {
        reached.add(1);
        console.log("runs");
        sleep(0.05);
      }`,
    args: ["run", "--quiet", "-o", "opentelemetry", "script.js"],
    env: { K6_OTEL_GRPC_EXPORTER_ENDPOINT: receiver.endpoint, K6_OTEL_GRPC_EXPORTER_INSECURE: "true" },
  });
  await run.logged(/runs/);
  run.signal("SIGTERM");
  const result = await run.ended();
  assertEquals(result.code, 105);
  assertEquals(receiver.violations, []);
  assertEquals(receiver.points("reached").map(({ value }) => value), [consoleMessages(result).length]);
});
