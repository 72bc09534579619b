import { assertEquals, assertMatch } from "@std/assert";
import fc from "fast-check";
import { ReceiverModel } from "./receiver_model.ts";
import { SenderRun } from "./sender_run.ts";

Deno.test("a series that the receiver refuses is found and left out, and all others arrive", async () => {
  const { run, receiver } = modelled();
  receiver.bad.add("437");
  for (let series = 0; series < 1000; series++) run.count(1, String(series));
  await run.advance(5000);
  for (let series = 0; series < 1000; series++) {
    assertEquals(receiver.values(String(series)), series === 437 ? [] : [1]);
  }
  assertEquals(receiver.requests <= 21, true);
  assertEquals(run.errors, [
    'http://receiver refuses k6_iterations_total{s="437"}, which is left out from now on: ' +
    "HTTP 400: label value of 437 is too long",
  ]);
  const before = receiver.requests;
  for (let series = 0; series < 1000; series++) run.count(1, String(series));
  await run.advance(5000);
  assertEquals(receiver.requests, before + 1);
  assertEquals(receiver.values("436"), [1, 2]);
  await run.stop();
  assertEquals(run.errors.length, 1);
  assertEquals(run.warnings.length, 1);
  assertMatch(run.warnings[0]!, /^1 series left out: 2997 samples in \d+ requests sent to http:\/\/receiver; failed /);
});

Deno.test("any few refused series are left out within some flushes, and never cost the others a value", async () => {
  const bad = fc.uniqueArray(fc.integer({ min: 0, max: 59 }), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(bad, fc.integer({ min: 1, max: 60 }), fc.boolean(), async (bad, batchSize, rollsBack) => {
      const { run, receiver } = modelled({ batchSize }, { rollsBack });
      for (const series of bad) receiver.bad.add(String(series));
      for (let flush = 0; flush < 4; flush++) {
        for (let series = 0; series < 60; series++) run.count(1, String(series));
        const before = receiver.requests;
        await run.advance(5000);
        assertEquals(receiver.requests - before <= 60 + 100, true);
      }
      await run.stop();
      for (let series = 0; series < 60; series++) {
        assertEquals(receiver.values(String(series)).at(-1), bad.includes(series) ? undefined : 4);
      }
    }),
    { numRuns: 30 },
  );
});

Deno.test("a receiver that refuses everything is not asked about every series", async () => {
  const run = new SenderRun({ batchSize: 100 });
  run.respond = () => ({ status: 400, text: "no thanks" });
  for (let flush = 0; flush < 20; flush++) {
    for (let series = 0; series < 1000; series++) run.count(1, String(series));
    await run.advance(5000);
  }
  assertEquals(run.posts.length <= 20 * 10 + 6 * 31, true);
  assertEquals(run.errors, ["Failed to send the time series data to http://receiver: HTTP 400: no thanks"]);
  await run.stop();
  assertMatch(run.warnings[0]!, /^the last values of 1000 series are missing: nothing was stored/);
});

Deno.test("a batch at which the receiver fails again and again keeps no others back, and arrives when that is over", async () => {
  const { run, receiver } = modelled({ batchSize: 10 });
  run.respond = (series) => series.some(({ labels }) => labels["s"] === "5") ? 500 : receiver.respond(series);
  for (let flush = 1; flush <= 3; flush++) {
    for (let series = 0; series < 100; series++) run.count(1, String(series));
    await run.advance(5000);
    await run.advance(4990);
    assertEquals(receiver.values("50").at(-1), flush);
    assertEquals(receiver.values("3").length, 0);
    await run.advance(10);
  }
  run.respond = (series) => receiver.respond(series);
  await run.stop();
  for (let series = 0; series < 100; series++) assertEquals(receiver.values(String(series)).at(-1), 3);
  assertEquals(run.warnings, []);
});

Deno.test("a batch at which the receiver fails when the run ends keeps no others back", async () => {
  const { run, receiver } = modelled({ batchSize: 10 });
  run.respond = (series) => series.some(({ labels }) => labels["s"] === "5") ? 500 : receiver.respond(series);
  for (let series = 0; series < 100; series++) run.count(1, String(series));
  await run.stop();
  for (let series = 10; series < 100; series++) assertEquals(receiver.values(String(series)), [1]);
  assertMatch(run.warnings[0]!, /^the last values of 10 series are missing/);
});

Deno.test("a request that is too large is halved, and so are later ones", async () => {
  const run = new SenderRun();
  run.respond = (series) => series.length > 300 ? 413 : 204;
  for (let flush = 0; flush < 2; flush++) {
    for (let series = 0; series < 1000; series++) run.count(1, String(series));
    await run.advance(5000);
  }
  assertEquals(run.accepted().map(({ series }) => series.length), [250, 250, 250, 250, 250, 250, 250, 250]);
  assertEquals(run.posts.length, 11);
});

Deno.test("a test that begins in the moment in which another one ended its series stays behind it", async () => {
  const { run, receiver } = modelled();
  for (let series = 0; series < 10; series++) receiver.plant(String(series), run.clock.now() + 1);
  for (let series = 0; series < 10; series++) run.count(1, String(series));
  await run.advance(5000);
  for (let series = 0; series < 10; series++) assertEquals(receiver.values(String(series)), [1]);
  assertEquals(receiver.requests, 2);
  await run.stop();
  assertEquals([run.errors, run.warnings], [[], []]);
});

Deno.test("two runs that send the same series are told that they mix", async () => {
  const { run, receiver } = modelled();
  for (let flush = 1; flush <= 6; flush++) {
    for (let series = 0; series < 10; series++) run.count(1, String(series));
    await run.advance(4990);
    for (let series = 0; series < 10; series++) receiver.plant(String(series), run.clock.now());
    await run.advance(10);
    assertEquals(receiver.values("3"), [flush]);
    assertEquals(run.warnings.length, flush < 3 ? 0 : 1);
  }
  assertMatch(run.warnings[0]!, /gets newer samples of the same series from elsewhere.* its own tag \(--tag testid=/);
  assertEquals(run.errors, []);
});

Deno.test("a series that the receiver has from the future does not lose the others, and recovers when its time has come", async () => {
  const { run, receiver } = modelled();
  receiver.plant("3", run.clock.now() + 22_000);
  for (let flush = 0; flush < 6; flush++) {
    for (let series = 0; series < 10; series++) run.count(1, String(series));
    await run.advance(5000);
    assertEquals(receiver.values("4").at(-1), flush + 1);
  }
  assertEquals(receiver.values("3"), [5, 6]);
  assertEquals(run.errors.length, 1);
  assertMatch(run.errors[0]!, /HTTP 400: out of order sample; if another run writes the same series/);
  await run.stop();
  assertEquals(run.warnings, []);
});

Deno.test("a clock that is an hour ahead of the receiver's is corrected by the receiver's", async () => {
  for (const aheadMs of [3_600_000, -3 * 3_600_000]) {
    const run = new SenderRun();
    const receiver = new ReceiverModel(() => run.clock.now() - aheadMs);
    run.respond = (series) => receiver.respond(series);
    for (let flush = 0; flush < 5; flush++) {
      run.count(1);
      await run.advance(5000);
    }
    await run.stop();
    assertEquals(receiver.values("0"), [1, 2, 3, 4, 5]);
    const last = receiver.stored.get("0")!.at(-1)!;
    assertEquals(Number.isNaN(last.value), true);
    assertEquals(Math.abs(last.atEpochMs - receiver.now()) < 2000, true);
    assertEquals(run.errors, []);
    const difference = aheadMs > 0 ? "60 minutes ahead of" : "180 minutes behind";
    assertEquals(run.warnings, [
      `this machine's clock is ${difference} that of http://receiver: timestamps follow the receiver's`,
    ]);
  }
});

/** What happens to a test that runs. */
const event = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("samples" as const),
      values: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("time passes" as const),
      ms: fc.constantFrom(0, 1, 20, 1000, 5000, 5001, 12_000),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("failures" as const),
      answers: fc.array(
        fc.constantFrom(500, 503, 429, "connection reset", "hang", ...Array(5).fill("stored, but the answer is lost")),
        {
          minLength: 1,
          maxLength: 4,
        },
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("samples' clock leaps" as const),
      ms: fc.constantFrom(-1, 1, -5000, -5000, -5000, 5000, 600_000, 3_600_000, -3_600_000),
    }),
  },
);

Deno.test("whatever clocks do and whatever fails, timestamps rise and the last values are the sums", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(event, { maxLength: 60, size: "max" }),
      fc.constantFrom(-7_200_000, -60_000, 0, 0, 0, 60_000, 3_600_000),
      fc.boolean(),
      // With the second there are several requests at a time.
      fc.constantFrom({ batchSize: 2, delayMs: 0 }, { batchSize: 1, delayMs: 900 }),
      fc.constantFrom("1.0" as const, "2.0" as const),
      async (events, receiverAheadMs, rollsBack, { batchSize, delayMs }, protocolVersion) => {
        const run = new SenderRun({ batchSize, protocolVersion });
        run.delayMs = delayMs;
        const receiver = new ReceiverModel(() => run.clock.now() + receiverAheadMs, { rollsBack });
        const lost: string[] = [];
        run.respond = (series, version) => {
          if (lost.shift() === undefined) return receiver.respond(series, version);
          receiver.respond(series, version);
          return "connection reset";
        };
        const sums = new Map<string, number>();
        let sampleClockBehindMs = 0;
        for (const each of events) {
          switch (each.kind) {
            case "samples":
              for (const [series, value] of each.values.entries()) {
                run.count(value, String(series));
                sums.set(String(series), (sums.get(String(series)) ?? 0) + value);
              }
              break;
            case "time passes":
              await run.advance(each.ms);
              break;
            case "failures":
              for (const answer of each.answers) {
                if (answer === "stored, but the answer is lost") lost.push(answer);
                else run.answers.push(answer);
              }
              break;
            case "samples' clock leaps":
              run.sampleClockAheadMs += each.ms;
              sampleClockBehindMs = Math.max(sampleClockBehindMs, -run.sampleClockAheadMs);
          }
        }
        run.answers.length = lost.length = 0;
        await run.advance(20_000);
        await run.stop();
        for (const [series, sum] of sums) {
          assertEquals(receiver.values(series).at(-1), sum);
          const stored = receiver.stored.get(series)!;
          for (let i = 1; i < stored.length; i++) {
            assertEquals(stored[i]!.atEpochMs > stored[i - 1]!.atEpochMs, true);
          }
          assertEquals(stored.at(-1)!.value, NaN);
        }
        assertEquals(run.warnings.filter((warning) => !warning.startsWith("this machine's clock is ")), []);
        // As long as this machine's time is right nothing is refused, wherever samples come from.
        if (Math.abs(receiverAheadMs) <= 60_000 && sampleClockBehindMs < 3_000_000) assertEquals(receiver.refusals, 0);
      },
    ),
    { numRuns: 200 },
  );
});

function modelled(
  options: ConstructorParameters<typeof SenderRun>[0] = {},
  rules: ConstructorParameters<typeof ReceiverModel>[1] = {},
): { run: SenderRun; receiver: ReceiverModel } {
  const run = new SenderRun(options);
  const receiver = new ReceiverModel(() => run.clock.now(), rules);
  run.respond = (series) => receiver.respond(series);
  return { run, receiver };
}
