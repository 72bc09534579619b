import { assertEquals } from "@std/assert";
import http2 from "node:http2";
import { makeCertificate } from "../net/certificate.ts";
import { InsightsReceiver } from "../support/cloud/insights_receiver.ts";
import { RequestMetadatasType } from "../support/cloud/request_metadata_decoder.ts";

const PATH = "/k6.cloud.insights.proto.v1.ingester.IngesterService/BatchCreateRequestMetadatas";

const METADATA = {
  traceId: "0123456789abcdef0123456789abcdef",
  startTimeUnixNano: "1700000001000000000",
  endTimeUnixNano: "1700000001200000000",
  testRunLabels: { id: "123", scenario: "default", group: "::order" },
  httpLabels: { url: "order", method: "GET", statusCode: 200 },
};

Deno.test("the metadata of traced requests are taken over TLS 1.3", async () => {
  const { certificate, key } = await makeCertificate("insights", "IP:127.0.0.1");
  await using receiver = await InsightsReceiver.start({ token: "t", tls: { cert: certificate, key } });
  const headers = await call(`https://${receiver.endpoint}`, METADATA, {}, certificate);
  assertEquals(headers["grpc-status"], "0");
  await receiver.takes(1);
  assertEquals(receiver.violations, []);
  assertEquals(receiver.metadata, [{
    traceId: METADATA.traceId,
    startNs: 1700000001000000000n,
    endNs: 1700000001200000000n,
    testRunId: "123",
    scenario: "default",
    group: "::order",
    url: "order",
    method: "GET",
    status: 200,
  }]);
});

const bad:
  readonly (readonly [what: string, change: object, headers: Readonly<Record<string, string>>, violation: string])[] = [
    ["another token", {}, { authorization: "Bearer t" }, "header authorization: Bearer t instead of Token t"],
    ["another run", {}, { "x-k6testrun-id": "9" }, "header x-k6testrun-id: 9 instead of 123"],
    ["a short trace id", { traceId: "abc" }, {}, `trace id "abc"`],
    ["no labels", { httpLabels: undefined }, {}, `${METADATA.traceId} has no labels`],
    [
      "an end before the start",
      { endTimeUnixNano: "1" },
      {},
      `${METADATA.traceId} lasts from 1700000001000000000 to 1`,
    ],
    ["no run", { testRunLabels: {} }, {}, `${METADATA.traceId} is of no test run`],
    ["no method", { httpLabels: { url: "a" } }, {}, `${METADATA.traceId} is of  "a"`],
  ];

for (const [what, change, headers, violation] of bad) {
  Deno.test(`metadata are a violation with ${what}`, async () => {
    await using receiver = await InsightsReceiver.start({ token: "t" });
    await call(`http://${receiver.endpoint}`, { ...METADATA, ...change }, headers);
    assertEquals(receiver.violations, [violation]);
  });
}

Deno.test("the receiver answers as scripted", async () => {
  await using receiver = await InsightsReceiver.start({ token: "t" });
  receiver.answer({ code: 14 }, { status: 502 });
  const base = `http://${receiver.endpoint}`;
  assertEquals((await call(base, METADATA))["grpc-status"], "14");
  assertEquals((await call(base, METADATA))[":status"], 502);
  assertEquals((await call(base, METADATA))["grpc-status"], "0");
  assertEquals([receiver.calls, receiver.metadata.length, receiver.violations.length], [3, 1, 0]);
});

/** Resolves to the answer's headers and trailers. */
async function call(
  base: string,
  metadata: object,
  change: Readonly<Record<string, string>> = {},
  ca?: string,
): Promise<http2.IncomingHttpHeaders> {
  const message = RequestMetadatasType.encode(
    RequestMetadatasType.fromObject({ requests: [{ requestMetadata: metadata }] }),
  )
    .finish();
  const frame = new Uint8Array(5 + message.length);
  new DataView(frame.buffer).setUint32(1, message.length);
  frame.set(message, 5);
  const session = http2.connect(base, ca === undefined ? {} : { ca });
  const headers = { "x-k6testrun-id": "123", authorization: "Token t", ...change };
  const stream = session.request({
    ":method": "POST",
    ":path": PATH,
    "content-type": "application/grpc",
    te: "trailers",
    ...headers,
  });
  let received: http2.IncomingHttpHeaders = {};
  stream.on("response", (given) => received = { ...received, ...given });
  stream.on("trailers", (given) => received = { ...received, ...given });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  stream.on("error", reject);
  stream.on("close", resolve);
  stream.resume();
  stream.end(frame);
  await promise;
  session.close();
  return received;
}
