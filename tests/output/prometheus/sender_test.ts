import { assertEquals, assertMatch } from "@std/assert";
import { STALE_BITS } from "../../support/write_request_decoder.ts";
import { SenderRun } from "./sender_run.ts";

Deno.test("news is flushed at every push interval, and nothing without news", async () => {
  const run = new SenderRun();
  run.count(1);
  await run.advance(4999);
  assertEquals(run.posts.length, 0);
  await run.advance(1);
  assertEquals(run.values(), [1]);
  await run.advance(5000);
  run.count(2);
  await run.advance(5000);
  assertEquals(run.values(), [1, 3]);
  assertEquals(run.posts.map(({ atMs }) => atMs - run.startMs), [5000, 15_000]);
});

for (const failure of [500, 503, 429, "connection refused"]) {
  Deno.test(`after ${failure} a newer snapshot is tried again within the interval`, async () => {
    const run = new SenderRun();
    run.answers.push(failure, failure, 204);
    run.count(1);
    await run.advance(5000);
    assertEquals(run.values(), [1]);
    run.count(10);
    await run.advance(1000);
    assertEquals(run.values(), [1, 11, 11]);
    assertEquals(run.errors, []);
    const [first, second, third] = run.posts.map(({ atMs }) => atMs - run.startMs - 5000);
    assertEquals(first, 0);
    assertEquals(second! >= 15 && second! <= 30, true);
    assertEquals(third! - second! >= 30 && third! - second! <= 60, true);
  });
}

for (const status of [400, 401, 404, 301]) {
  Deno.test(`${status} is never tried again; the next flush goes on with the whole values`, async () => {
    const run = new SenderRun();
    run.answers.push({ status, text: "the reason" });
    run.count(1);
    await run.advance(9999);
    assertEquals(run.posts.length, 1);
    assertEquals(run.errors.length, 1);
    assertEquals(run.errors[0]?.includes(`HTTP ${status}: the reason`), true);
    run.count(1);
    await run.advance(1);
    assertEquals(run.values(), [1, 2]);
  });
}

Deno.test("retries end with the interval and what did not arrive goes out with the next flush", async () => {
  const run = new SenderRun();
  run.answers.push(...Array(9).fill(500));
  run.count(1);
  await run.advance(9999);
  const attempts = run.posts.length;
  assertEquals(attempts >= 7 && attempts <= 10, true);
  run.answers.length = 0;
  await run.advance(1);
  assertEquals(run.accepted().length, 1);
  assertEquals(run.values().at(-1), 1);
});

Deno.test("Retry-After is honoured, also when it reaches beyond the next flush", async () => {
  const run = new SenderRun();
  run.answers.push({ status: 429, retryAfterMs: 2000 }, { status: 503, retryAfterMs: 12_000 });
  run.count(1);
  await run.advance(6999);
  assertEquals(run.posts.length, 1);
  await run.advance(1);
  assertEquals(run.posts.length, 2);
  await run.advance(11_999);
  assertEquals(run.posts.length, 2);
  await run.advance(1);
  assertEquals(run.accepted().length, 1);
});

Deno.test("stopping sends the last values and then ends every series", async () => {
  const run = new SenderRun();
  run.count(1);
  await run.advance(5000);
  run.count(2);
  await run.stop();
  const points = run.accepted().flatMap(({ series }) => series.flatMap(({ samples }) => samples));
  assertEquals(points.slice(0, 2).map(({ value }) => value), [1, 3]);
  assertEquals(points[2]?.bits, STALE_BITS);
  assertEquals(points.length, 3);
  assertEquals(points[1]!.atEpochMs < points[2]!.atEpochMs, true);
});

Deno.test("without stale markers series just stop", async () => {
  const run = new SenderRun({ staleMarkers: false });
  run.count(1);
  await run.stop();
  assertEquals(run.values(), [1]);
});

Deno.test("a request holds at most batchSize series, and a failing batch does not keep back the others", async () => {
  const run = new SenderRun({ batchSize: 4 });
  run.answers.push(204, 401, 204);
  for (let series = 0; series < 10; series++) run.count(1, String(series));
  await run.advance(5000);
  assertEquals(run.posts.map(({ series }) => series.length), [4, 4, 2]);
  run.answers.push(204, 500);
  for (let series = 0; series < 10; series++) run.count(1, String(series));
  await run.stop();
  for (let series = 0; series < 10; series++) {
    const points = run.accepted().flatMap((post) => post.series.filter(({ labels }) => labels["s"] === String(series)))
      .flatMap(({ samples }) => samples);
    assertEquals(points.filter(({ bits }) => bits !== STALE_BITS).at(-1)?.value, 2);
    assertEquals(points.at(-1)?.bits, STALE_BITS);
    for (let i = 1; i < points.length; i++) assertEquals(points[i]!.atEpochMs > points[i - 1]!.atEpochMs, true);
  }
});

Deno.test("a hanging receiver holds up only the flushes, one request at a time, and is told of in two lines", async () => {
  const run = new SenderRun();
  run.respond = () => "hang";
  for (let i = 0; i < 10; i++) {
    run.count(1);
    await run.advance(5000);
  }
  assertEquals(run.mostInFlight, 1);
  assertEquals(run.posts.map(({ atMs }) => atMs - run.startMs), [5000, 20_000, 35_000, 50_000]);
  assertEquals(await run.stop(), 5000);
  assertEquals(run.closed, true);
  assertEquals(run.errors, ["Failed to send the time series data to http://receiver: no answer in time"]);
  assertEquals(run.warnings, [
    "the last values of 1 series are missing: nothing was stored at http://receiver; " +
    "failed requests: no answer in time ×3, no answer before the end of the run ×1",
  ]);
});

Deno.test("a receiver that asks for no patience gets no storm of requests", async () => {
  const run = new SenderRun();
  run.respond = () => ({ status: 503, retryAfterMs: 0 });
  run.count(1);
  await run.advance(9999);
  assertEquals(run.posts.length <= 10, true);
});

Deno.test("a request that hangs when the run ends is tried once more", async () => {
  const run = new SenderRun();
  run.count(1);
  run.answers.push("hang");
  await run.advance(6000);
  run.count(1);
  assertEquals(await run.stop(), 14_000);
  assertEquals(run.accepted().length, 2);
  assertEquals(run.values().slice(0, 2), [1, 2]);
  assertEquals([run.errors, run.warnings], [[], []]);
  assertEquals(run.infos[0], "the test is over; waiting for http://receiver to take the last values");
});

Deno.test("a receiver that begins to hang when the run ends costs the time of one request and five seconds", async () => {
  const run = new SenderRun();
  run.respond = () => "hang";
  run.count(1);
  await run.advance(6000);
  assertEquals(await run.stop(), 14_000 + 5000);
  assertEquals(run.posts.length, 2);
  assertEquals(run.warnings.length, 1);
});

Deno.test("a receiver that begins to hang with the last flush costs the time of one request", async () => {
  const run = new SenderRun();
  run.count(1);
  await run.advance(5000);
  run.respond = () => "hang";
  run.count(1);
  assertEquals(await run.stop(), 15_000);
  assertEquals(run.posts.length, 2);
  assertEquals(run.errors.length, 0);
  assertEquals(run.warnings.length, 1);
});

Deno.test("a receiver that takes ten seconds for each answer loses nothing", async () => {
  for (const runsMs of [1000, 4000, 8000, 42_000]) {
    const run = new SenderRun();
    run.delayMs = 10_000;
    for (let ms = 0; ms < runsMs; ms += 1000) {
      run.count(1);
      await run.advance(1000);
    }
    assertEquals(await run.stop() <= 30_000, true);
    assertEquals(run.accepted().length, run.posts.length);
    const points = run.accepted().flatMap(({ series }) => series.flatMap(({ samples }) => samples));
    assertEquals(points.at(-2)?.value, runsMs / 1000);
    assertEquals(points.at(-1)?.bits, STALE_BITS);
    assertEquals(run.errors, []);
    assertEquals(run.warnings.length <= 1, true);
  }
});

Deno.test("a slow receiver with much to take gets a minute at the end", async () => {
  const run = new SenderRun({ batchSize: 1 });
  run.delayMs = 9000;
  for (let series = 0; series < 20; series++) run.count(1, String(series));
  assertEquals(await run.stop(), 60_000);
  assertEquals(run.accepted().length, 6);
  assertEquals(run.warnings.length, 1);
  assertMatch(run.warnings[0]!, /^the last values of 14 series are missing: 6 samples in 6 requests sent/);
});

Deno.test("an absent receiver gets tries for five seconds and no stale markers", async () => {
  const run = new SenderRun();
  run.respond = () => "connection refused";
  run.count(1);
  const tookMs = await run.stop();
  assertEquals(tookMs <= 5000, true);
  assertEquals(run.posts.length > 3, true);
  assertEquals(run.posts.every(({ series }) => series.length === 1), true);
  assertEquals(run.errors.length, 1);
  assertEquals(run.warnings.length, 1);
});

Deno.test("a receiver that comes back while the run ends gets everything", async () => {
  const run = new SenderRun({ batchSize: 2 });
  for (let series = 0; series < 5; series++) run.count(1, String(series));
  run.answers.push(...Array(7).fill("connection refused"));
  await run.stop();
  assertEquals(run.accepted().flatMap(({ series }) => series).length, 10);
  assertEquals(run.errors, []);
  assertEquals(run.warnings, []);
});

Deno.test("a receiver that comes back in the last seconds is not missed", async () => {
  for (let backAfterMs = 0; backAfterMs <= 4000; backAfterMs += 250) {
    const run = new SenderRun();
    run.count(1);
    const backMs = run.startMs + 1000 + backAfterMs;
    run.respond = () => run.clock.nowMs < backMs ? 503 : 204;
    await run.advance(1000);
    await run.stop();
    assertEquals(run.accepted().length, 2);
  }
});

Deno.test("stopping cuts short the wait for a retry", async () => {
  const run = new SenderRun();
  run.answers.push(...Array(6).fill(500));
  run.count(1);
  await run.advance(6500);
  run.answers.length = 0;
  assertEquals(await run.stop(), 0);
  assertEquals(run.accepted().length, 2);
});

Deno.test("each cause is said once, and the end says what is missing", async () => {
  const run = new SenderRun();
  run.answers.push(401, 401, "connection refused", 401);
  for (let flush = 0; flush < 3; flush++) {
    run.count(1);
    await run.advance(5000);
  }
  await run.stop();
  assertEquals(run.errors.length, 1);
  assertEquals(run.errors[0]?.includes("HTTP 401: check the user name and password or token"), true);
  assertEquals(run.warnings, [
    "the last values of 1 series are missing: nothing was stored at http://receiver; " +
    "failed requests: HTTP 401 ×3, connection refused ×1",
  ]);
});

Deno.test("an outage that ends before the run does is told of when it begins, and its end in the last line", async () => {
  const run = new SenderRun();
  run.count(1);
  await run.advance(5000);
  run.respond = () => "connection refused";
  for (let flush = 0; flush < 5; flush++) {
    run.count(1);
    await run.advance(5000);
  }
  run.respond = () => 204;
  await run.advance(5000);
  assertEquals(run.accepted().length, 2);
  await run.stop();
  assertEquals(run.values().at(-2), 6);
  assertEquals(run.errors.length, 1);
  assertEquals(run.warnings, []);
  assertMatch(
    run.infos[0]!,
    /^3 samples in 3 requests sent to http:\/\/receiver, tried again after connection refused ×\d+$/,
  );
});

Deno.test("in an outage attempts get rarer, down to one every few seconds", async () => {
  const run = new SenderRun();
  run.respond = () => 503;
  run.count(1);
  await run.advance(65_000);
  const before = run.posts.length;
  await run.advance(60_000);
  assertEquals(run.posts.length - before <= 24, true);
});

Deno.test("a run without problems has its last line for those who ask", async () => {
  const run = new SenderRun();
  run.count(1);
  run.count(1, "1");
  await run.stop();
  assertEquals([run.errors, run.warnings, run.infos], [[], [], []]);
  assertEquals(run.details, ["4 samples in 2 requests sent to http://receiver"]);
});

Deno.test("refused stale markers are reported", async () => {
  const run = new SenderRun();
  run.answers.push(204, { status: 400, text: "no" });
  run.count(1);
  await run.stop();
  assertEquals(run.errors, ["Failed to send the time series data to http://receiver: HTTP 400: no"]);
  assertEquals(run.warnings.length, 1);
  assertMatch(run.warnings[0]!, /^1 series not marked as ended: 1 sample in 1 request sent/);
});

Deno.test("flushes that take longer than the interval never overlap, and that is said once", async () => {
  const run = new SenderRun();
  run.delayMs = 7000;
  for (let i = 0; i < 4; i++) {
    run.count(1);
    await run.advance(10_000);
  }
  assertEquals(run.mostInFlight, 1);
  assertEquals(run.warnings.filter((warning) => warning.includes("longer than the push interval")).length, 1);
});

Deno.test("a receiver that is far away gets several requests at a time, each series in one of them", async () => {
  const run = new SenderRun({ batchSize: 1 });
  run.delayMs = 400;
  for (let flush = 0; flush < 4; flush++) {
    for (let series = 0; series < 20; series++) run.count(1, String(series));
    await run.advance(10_000);
  }
  assertEquals(run.mostInFlight, 4);
  assertEquals(run.warnings, []);
  await run.stop();
  const newest = new Map<string, number>();
  for (const { series } of run.accepted()) {
    for (const { labels, samples: [sample] } of series) {
      assertEquals(sample!.atEpochMs > (newest.get(labels["s"]!) ?? 0), true);
      newest.set(labels["s"]!, sample!.atEpochMs);
    }
  }
  assertEquals(newest.size, 20);
});
