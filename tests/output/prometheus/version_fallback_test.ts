import { assertEquals, assertMatch } from "@std/assert";
import { SenderRun } from "./sender_run.ts";

const WRITTEN = "x-prometheus-remote-write-samples-written";

const OLD_RECEIVERS = [
  { name: "says so", answer: { status: 415, text: "unsupported type" }, reason: "HTTP 415: unsupported type" },
  { name: "finds the request wrong", answer: { status: 400, text: "no proto" }, reason: "HTTP 400: no proto" },
  { name: "thanks for nothing", answer: { status: 204 }, reason: "it does not say what it stored" },
];

for (const { name, answer, reason } of OLD_RECEIVERS) {
  Deno.test(`a receiver that does not know 2.0 and ${name} gets the same as 1.0`, async () => {
    const run = new SenderRun({ protocolVersion: "2.0" });
    run.respond = (_series, version) => version === "2.0.0" ? answer : 204;
    run.count(3);
    run.count(4, "1");
    await run.advance(5000);
    assertEquals(run.posts.map(({ version }) => version), ["2.0.0", "0.1.0"]);
    const sent = run.posts.map(({ series }) =>
      series.map(({ labels, samples: [sample] }) => [labels, sample!.value, sample!.atEpochMs])
    );
    assertEquals(sent[1], sent[0]);
    assertEquals(sent[1]!.length, 2);
    assertEquals(run.warnings, [`http://receiver does not know remote write 2.0 (${reason}): sending version 1.0`]);
    run.count(1);
    await run.advance(5000);
    await run.stop();
    assertEquals(run.posts.map(({ version }) => version), ["2.0.0", "0.1.0", "0.1.0", "0.1.0"]);
    assertEquals(run.warnings.length, 1);
    assertEquals(run.errors, []);
  });
}

Deno.test("a receiver of 2.0 that says what it stored gets 2.0 to the end", async () => {
  const run = new SenderRun({ protocolVersion: "2.0" });
  run.respond = (series) => ({ status: 204, headers: { [WRITTEN]: String(series.length) } });
  run.count(3);
  await run.advance(5000);
  await run.stop();
  assertEquals(run.posts.map(({ version }) => version), ["2.0.0", "2.0.0"]);
  assertEquals([run.errors, run.warnings], [[], []]);
});

Deno.test("what a receiver of 2.0 refuses of a request is counted, and the rest is not sent again", async () => {
  const run = new SenderRun({ protocolVersion: "2.0" });
  run.respond = (series) => ({ status: 400, text: "s is odd", headers: { [WRITTEN]: String(series.length - 1) } });
  for (let series = 0; series < 5; series++) run.count(1, String(series));
  await run.advance(5000);
  await run.stop();
  assertEquals(run.posts.length, 2);
  assertEquals(run.errors, ["Failed to send the time series data to http://receiver: HTTP 400: s is odd"]);
  assertEquals(run.warnings.length, 1);
  assertMatch(run.warnings[0]!, /^2 samples refused: 8 samples in 2 requests sent/);
});

Deno.test("failures that may pass say nothing about the version", async () => {
  const run = new SenderRun({ protocolVersion: "2.0" });
  run.answers.push(503, "connection reset", 429);
  run.respond = (series) => ({ status: 200, headers: { [WRITTEN]: String(series.length) } });
  run.count(1);
  await run.advance(7000);
  assertEquals(run.posts.map(({ version }) => version), Array(4).fill("2.0.0"));
  assertEquals(run.warnings, []);
});

Deno.test("several requests at a time fall back together", async () => {
  const run = new SenderRun({ protocolVersion: "2.0", batchSize: 1 });
  run.delayMs = 400;
  run.respond = (series) => ({ status: 204, headers: { [WRITTEN]: String(series.length) } });
  for (let flush = 0; flush < 4; flush++) {
    for (let series = 0; series < 20; series++) run.count(1, String(series));
    await run.advance(10_000);
  }
  assertEquals(run.mostInFlight, 4);
  run.respond = (_series, version) => version === "2.0.0" ? 415 : 204;
  for (let series = 0; series < 20; series++) run.count(1, String(series));
  await run.stop();
  assertEquals(run.warnings.length, 1);
  const last = new Map(
    run.accepted().flatMap(({ series }) => series).filter(({ samples: [sample] }) => !Number.isNaN(sample!.value))
      .map(({ labels, samples: [sample] }) => [labels["s"], sample!.value]),
  );
  assertEquals(Array.from(last.values()), Array(20).fill(5));
});
