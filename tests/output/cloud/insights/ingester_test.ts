/** The service's protocol, against a strict receiver over TLS. */

import { assertEquals, assertMatch } from "@std/assert";
import type { AddressInfo } from "node:net";
import { GrpcIngester, type IngesterRefusal } from "../../../../src/output/cloud/insights/ingester.ts";
import { type TracedBatch, TracedRequests } from "../../../../src/output/cloud/insights/traced_requests.ts";
import { makeCertificate } from "../../../net/certificate.ts";
import { InsightsReceiver } from "../../../support/cloud/insights_receiver.ts";
import { freePort } from "../../../support/free_port.ts";
import { createHttp2Server } from "../../../support/http2_server.ts";
import { RequestSamples, traced, traceIdOf } from "./request_samples.ts";

/** Long enough for any machine. */
const TIMEOUT_MS = 20_000;

const { certificate, key } = await makeCertificate("insights", "DNS:localhost,IP:127.0.0.1");
const body = messageOf(1).body;

/** A message that tells of so many requests, with trace ids from 7 on. */
function messageOf(count: number): TracedBatch {
  const samples = new RequestSamples();
  const requests = new TracedRequests(samples.registry.series, "123");
  const made = Array.from({ length: count }, (_, i) => ({ metadata: traced(traceIdOf(7 + i)) }));
  for (const batch of samples.of(...made)) requests.addSamples(batch);
  requests.close();
  return requests.take()!;
}

/** A client that trusts the receiver and closes with its scope. */
class Client implements Disposable {
  readonly #ingester: GrpcIngester;

  constructor(host: string, { token = "t" as string | null, caCertificate = certificate as string | null } = {}) {
    this.#ingester = new GrpcIngester({ host, testRunId: "123", token, version: "1.2.3", tls: { caCertificate } });
  }

  create(timeoutMs = TIMEOUT_MS, signal = new AbortController().signal, message = body) {
    return this.#ingester.create(message, timeoutMs, signal);
  }

  async createInVain(): Promise<IngesterRefusal> {
    const answer = await this.create();
    if (answer.kind === "taken") throw new Error("it was taken");
    return answer;
  }

  [Symbol.dispose](): void {
    this.#ingester.close();
  }
}

Deno.test("messages are taken, over one TLS connection, with the token and the run's id", async () => {
  await using receiver = await InsightsReceiver.start({ token: "t", tls: { cert: certificate, key } });
  using client = new Client(receiver.endpoint);
  assertEquals([await client.create(), await client.create()], [{ kind: "taken" }, { kind: "taken" }]);
  assertEquals([receiver.violations, receiver.connections], [[], 1]);
  assertEquals(receiver.metadata.map(({ traceId }) => traceId), [traceIdOf(7), traceIdOf(7)]);
});

Deno.test("a message may be as large as messages become", async () => {
  await using receiver = await InsightsReceiver.start({ token: "t", tls: { cert: certificate, key } });
  using client = new Client(receiver.endpoint);
  const large = messageOf(3000);
  assertEquals(await client.create(undefined, undefined, large.body), { kind: "taken" });
  assertEquals([receiver.violations, receiver.metadata.length], [[], large.requests]);
});

Deno.test("without a token there is no such header", async () => {
  await using receiver = await InsightsReceiver.start({ token: "t", tls: { cert: certificate, key } });
  using client = new Client(receiver.endpoint, { token: null });
  await client.create();
  assertEquals(receiver.violations, ["header authorization: undefined instead of Token t"]);
});

Deno.test("what may pass is told from what concerns one message, and from what concerns all", async () => {
  await using receiver = await InsightsReceiver.start({ token: "t", tls: { cert: certificate, key } });
  using client = new Client(receiver.endpoint);
  for (
    const [answer, kind, cause] of [
      [{ code: 2 }, "busy", "UNKNOWN"],
      [{ code: 4 }, "busy", "DEADLINE_EXCEEDED"],
      [{ code: 13 }, "busy", "INTERNAL"],
      [{ code: 14 }, "busy", "UNAVAILABLE"],
      [{ status: 502 }, "busy", "UNAVAILABLE"],
      [{ code: 3 }, "refused", "INVALID_ARGUMENT"],
      [{ code: 8 }, "refused", "RESOURCE_EXHAUSTED"],
      [{ code: 7 }, "unwelcome", "PERMISSION_DENIED"],
      [{ code: 16 }, "unwelcome", "UNAUTHENTICATED"],
      [{ status: 404 }, "unwelcome", "UNIMPLEMENTED"],
      ["reset", "unreachable", "connection closed"],
    ] as const
  ) {
    receiver.answer(answer);
    const refusal = await client.createInVain();
    assertEquals([refusal.kind, refusal.cause], [kind, cause], JSON.stringify(answer));
  }
  assertEquals(await client.create(), { kind: "taken" });
});

Deno.test("a service that does not answer is left after the timeout, and when the run has no more time", async () => {
  await using receiver = await InsightsReceiver.start({ token: "t", tls: { cert: certificate, key } });
  receiver.answer("hang", "hang");
  using client = new Client(receiver.endpoint);
  assertEquals(await client.create(100), { kind: "unreachable", cause: "no answer in time", detail: "" });
  const end = new AbortController();
  const sent = client.create(TIMEOUT_MS, end.signal);
  end.abort();
  assertMatch(JSON.stringify(await sent), /unreachable.*before the end of the run/);
});

Deno.test("a host without a service, without TLS, with an old TLS and one that isn't trusted are named", async () => {
  using nobody = new Client(`127.0.0.1:${freePort()}`);
  assertEquals(await nobody.createInVain(), { kind: "unreachable", cause: "connection refused", detail: "" });

  await using plain = await InsightsReceiver.start({ token: "t" });
  using client = new Client(plain.endpoint);
  assertEquals(await client.createInVain(), {
    kind: "unreachable",
    cause: "the server does not speak TLS",
    detail: "the service must have TLS 1.3",
  });

  const old = createHttp2Server({ cert: certificate, key, maxVersion: "TLSv1.2" }, () => "hang");
  await new Promise<void>((resolve) => old.listen(0, "127.0.0.1", resolve));
  using modern = new Client(`127.0.0.1:${(old.address() as AddressInfo).port}`);
  const { cause } = await modern.createInVain();
  assertEquals(cause, "the server does not offer TLS 1.3, the least version that is set");
  await new Promise<void>((resolve) => old.close(() => resolve()));

  await using stranger = await InsightsReceiver.start({ token: "t", tls: { cert: certificate, key } });
  using careful = new Client(stranger.endpoint, { caCertificate: null });
  assertEquals((await careful.createInVain()).cause, "the server's certificate is self-signed");
});
