import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { TracedRequests } from "../../../../src/output/cloud/insights/traced_requests.ts";
import {
  decodeRequestMetadatas,
  type ReceivedRequestMetadata,
} from "../../../support/cloud/request_metadata_decoder.ts";
import { ANY_TEXTS } from "../../support/texts.ts";
import { END_MS, type MadeRequest, RequestSamples, TAGS, traced, traceIdOf } from "./request_samples.ts";

const ID = traceIdOf(0xabc);

/** What the messages of these requests say. */
function told(requests: readonly MadeRequest[], testRunId = "123"): ReceivedRequestMetadata[] {
  const samples = new RequestSamples();
  const collected = new TracedRequests(samples.registry.series, testRunId);
  for (const batch of samples.of(...requests)) collected.addSamples(batch);
  collected.close();
  const batch = collected.take();
  if (batch === null) return [];
  const received = decodeRequestMetadatas(batch.body);
  assertEquals(received.length, batch.requests);
  return received;
}

Deno.test("a request with a trace id is told once, with its times and labels", () => {
  assertEquals(told([{}, { metadata: traced(ID), tags: { ...TAGS, group: "::shop" } }, {}]), [{
    traceId: ID,
    startNs: 1_700_000_001_000_000_000n,
    endNs: 1_700_000_001_200_000_000n,
    testRunId: "123",
    scenario: "default",
    group: "::shop",
    url: "order",
    method: "GET",
    status: 200,
  }]);
});

Deno.test("other metadata and empty trace ids are nothing to tell of", () => {
  assertEquals(told([{ metadata: [["vu", "1"]] }, { metadata: traced("") }]), []);
});

Deno.test("requests of several virtual users keep their trace ids apart", () => {
  const requests = [1, 2, 1, 3].map((number) => ({ metadata: [["iter", "0"], ...traced(traceIdOf(number))] as const }));
  assertEquals(told(requests).map(({ traceId }) => Number(`0x${traceId}`)), [1, 2, 1, 3]);
});

Deno.test("a request without an answer has the status 0", () => {
  const [received] = told([{ metadata: traced(ID), tags: { ...TAGS, status: "0" } }]);
  assertEquals(received?.status, 0);
  const { status: _, ...tags } = TAGS;
  assertEquals(told([{ metadata: traced(ID), tags }])[0]?.status, 0);
});

Deno.test("the test run's id is a number of 64 bits, and is left out when it is none", () => {
  const largest = "9223372036854775807";
  assertEquals(told([{ metadata: traced(ID) }], largest)[0]?.testRunId, largest);
  for (const id of ["9223372036854775808", "run-1", ""]) {
    assertThrows(() => told([{ metadata: traced(ID) }], id), Error, "is of no test run");
  }
});

const anyRequest = fc.record({
  id: fc.nat({ max: 5 }),
  durationMs: fc.double({ min: 0, max: 60_000, noNaN: true }),
  endEpochMs: fc.double({ min: END_MS, max: 4e12, noNaN: true }),
  name: fc.constantFrom(...ANY_TEXTS, "order"),
  group: fc.constantFrom(...ANY_TEXTS, ""),
  status: fc.constantFrom(0, 200, 404),
});

Deno.test("what is written is read back, to the microsecond", () => {
  fc.assert(fc.property(fc.array(anyRequest, { minLength: 1, maxLength: 20 }), (requests) => {
    const received = told(requests.map(({ id, name, group, status, ...times }) => ({
      ...times,
      metadata: traced(traceIdOf(id)),
      tags: { ...TAGS, name, group, status: String(status) },
    })));
    assertEquals(received.length, requests.length);
    received.forEach((each, index) => {
      const { id, name, group, status, durationMs, endEpochMs } = requests[index]!;
      assertEquals(each.traceId, traceIdOf(id));
      assertEquals([each.url, each.group, each.status], [name.toWellFormed(), group.toWellFormed(), status]);
      assertEquals(each.endNs, BigInt(Math.round(endEpochMs * 1000)) * 1000n);
      assertEquals(each.startNs, BigInt(Math.round((endEpochMs - durationMs) * 1000)) * 1000n);
    });
  }));
});

Deno.test("messages are of a limited size and number; what has no room is counted", () => {
  const samples = new RequestSamples();
  const requests = new TracedRequests(samples.registry.series, "1", { batchBytes: 200, batches: 2 });
  const batches = samples.of(...Array.from({ length: 10 }, (_, number) => ({ metadata: traced(traceIdOf(number)) })));
  for (const batch of batches) requests.addSamples(batch);
  const sizes = [requests.complete, requests.waiting, requests.leftOut];
  assertEquals(sizes, [2, 6, 4]);
  const first = requests.take()!;
  assertEquals([first.requests, decodeRequestMetadatas(first.body).map(({ traceId }) => Number(`0x${traceId}`))], [
    3,
    [0, 1, 2],
  ]);
  for (const batch of samples.of({ metadata: traced(ID) })) requests.addSamples(batch);
  requests.close();
  assertEquals([requests.take()?.requests, requests.take()?.requests, requests.take()], [3, 1, null]);
});

Deno.test("what is forgotten is not told", () => {
  const samples = new RequestSamples();
  const requests = new TracedRequests(samples.registry.series, "1");
  for (const batch of samples.of({ metadata: traced(ID) })) assertEquals(requests.addSamples(batch), true);
  for (const batch of samples.of({})) assertEquals(requests.addSamples(batch), false);
  requests.clear();
  requests.close();
  assertEquals([requests.waiting, requests.take()], [0, null]);
});
