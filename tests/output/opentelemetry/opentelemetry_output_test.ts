/** The OpenTelemetry output as a whole: samples go in, a strict receiver looks at what comes out. */

import { assertEquals, assertMatch } from "@std/assert";
import { freePort } from "../../support/free_port.ts";
import { OtlpReceiver, type ReceiverOptions } from "../../support/otlp_receiver.ts";
import { OutputRun } from "../support/output_run.ts";

/** What stands after `-o` for a receiver; nothing is exported before the end unless `more` says so. */
function spec(
  { protocol }: ReceiverOptions,
  { endpoint }: { readonly endpoint: string },
  more = "exportInterval=1h",
): string {
  const transport = protocol === "grpc" ? "grpcExporter" : "httpExporter";
  return `opentelemetry=exporterProtocol=${protocol},${transport}Endpoint=${endpoint},${transport}Insecure=true,${more}`;
}

for (const protocol of ["grpc", "http/protobuf"] as const) {
  Deno.test(`${protocol}: every type of metric arrives as k6 maps it`, async () => {
    await using receiver = await OtlpReceiver.start({ protocol });
    const run = new OutputRun(spec({ protocol }, receiver, "exportInterval=1h,metricPrefix=k6_,headers=x-key=a%20b"));
    await run.output.start();
    run.add("http_reqs", [["method", "GET"]], 2);
    run.add("http_reqs", [["method", "GET"]], 3);
    run.add("vus", [], 7);
    run.add("data_sent", [], 100);
    run.add("checks", [["check", "ok"]], 1);
    run.add("checks", [["check", "ok"]], 1);
    run.add("checks", [["check", "ok"]], 0);
    run.add("http_req_duration", [["group", ""], ["name", "x"]], 5);
    run.add("http_req_duration", [["name", "x"]], 5.5);
    run.add("http_req_duration", [["name", "x"]], 20_000);
    await run.stop();

    assertEquals(receiver.violations, []);
    assertEquals(run.complaints, []);
    const [received] = receiver.accepted;
    assertEquals(received?.scope, "k6");
    assertEquals(received?.resource["service.name"], "k6");
    assertEquals(received?.resource["service.version"], "1.2.3");
    assertEquals(receiver.headers[0]?.["x-key"], "a b");
    const told = receiver.allPoints.map(({ metric, unit, kind, isInteger, attributes, value }) => ({
      ...{ metric, unit, kind, isInteger, attributes, value },
    }));
    assertEquals(told, [
      { metric: "k6_http_reqs", unit: "", kind: "sum", isInteger: false, attributes: { method: "GET" }, value: 5 },
      { metric: "k6_vus", unit: "", kind: "gauge", isInteger: false, attributes: {}, value: 7 },
      { metric: "k6_data_sent", unit: "By", kind: "sum", isInteger: false, attributes: {}, value: 100 },
      ...[{ condition: "zero", value: 1 }, { condition: "nonzero", value: 2 }].map(({ condition, value }) => ({
        ...{ metric: "k6_checks.total", unit: "", kind: "sum" as const, isInteger: true, value },
        attributes: { check: "ok", condition },
      })),
      {
        ...{ metric: "k6_http_req_duration", unit: "ms", kind: "histogram", isInteger: false },
        ...{ attributes: { name: "x" }, value: 20_010.5 },
      },
    ]);
    assertEquals(receiver.points("k6_http_req_duration")[0]?.histogram, {
      ...{ count: 3, min: 5, max: 20_000 },
      bounds: [0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10_000],
      bucketCounts: [0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
    });
  });

  Deno.test(`${protocol}: a run without samples sends nothing`, async () => {
    await using receiver = await OtlpReceiver.start({ protocol });
    const run = new OutputRun(spec({ protocol }, receiver));
    await run.output.start();
    await run.stop();
    assertEquals([receiver.connections, run.complaints], [0, []]);
  });

  Deno.test(`${protocol}: an absent receiver is told in one line and a summary`, async () => {
    const endpoint = `127.0.0.1:${freePort()}`;
    const run = new OutputRun(spec({ protocol }, { endpoint }, "exportInterval=1h,timeout=1500ms"));
    await run.output.start();
    run.add("vus", [], 7);
    await run.stop();
    assertEquals(run.complaints.length, 2);
    assertMatch(run.complaints[0]!, /^error: OpenTelemetry output: cannot export metrics to .*: connection refused$/);
    assertMatch(run.complaints[1]!, /^warn: .*1 of 1 exports to .* failed \(connection refused ×1\); .* incomplete$/);
  });
}

for (const protocol of ["grpc", "http/protobuf"] as const) {
  Deno.test(`${protocol}: nothing is lost by an outage that ends before the run does`, async () => {
    const port = freePort();
    const run = new OutputRun(spec({ protocol }, { endpoint: `127.0.0.1:${port}` }, "exportInterval=50ms"));
    await run.output.start();
    run.add("http_reqs", [], 1);
    while (run.complaints.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    run.add("http_reqs", [], 2);
    await using receiver = await OtlpReceiver.start({ protocol, port });
    await receiver.takes(2);
    run.add("http_reqs", [], 4);
    await run.stop();
    assertEquals(receiver.violations, []);
    assertEquals(receiver.points("http_reqs").map(({ value }) => value), [7]);
    assertMatch(run.complaints[0]!, /connection refused$/);
    assertMatch(run.complaints.at(-1)!, /the last one succeeded, so the totals there are complete$/);
  });
}
