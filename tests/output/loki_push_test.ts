import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { keepAlive } from "../support/keep_alive.ts";
import type { LogLevel, LogLine } from "../../src/output/log_line.ts";
import { lokiBody, type LokiFormat, LokiPush, type LokiPushOptions } from "../../src/output/loki_push.ts";

const PLAIN: LokiFormat = { allowedLabels: null, labels: {}, maxMessageBytes: 1000 };
const AT = "1700000000123000000";

function line(message: string, fields: Record<string, string> = {}, level: LogLevel = "info"): LogLine {
  return { level, message, fields: Object.entries(fields), atEpochMs: 1_700_000_000_123 };
}

/** The texts of a push request. */
function texts(body: string): string[] {
  const { streams } = JSON.parse(body) as { streams: { values: [string, string][] }[] };
  return streams.flatMap(({ values }) => values.map(([, text]) => text));
}

/** A push whose period never ends, so that only `close` sends. */
function pushOnClose(options: Partial<LokiPushOptions> = {}) {
  const bodies: string[] = [];
  const complaints: string[] = [];
  const push = new LokiPush({
    ...PLAIN,
    limit: 100,
    pushPeriodMs: 1e9,
    send: (body) => {
      bodies.push(body);
      return Promise.resolve(null);
    },
    complain: (reason) => complaints.push(reason),
    ...options,
  });
  return { push, bodies, complaints };
}

Deno.test("lines with the same labels are one stream, in their order", () => {
  const lines = [line("one", { vu: "1" }), line("two", { vu: "2" }, "warn"), line("three", { vu: "1" })];
  assertEquals(JSON.parse(lokiBody(lines, { ...PLAIN, labels: { test: "shop" } })), {
    streams: [
      { stream: { level: "info", test: "shop", vu: "1" }, values: [[AT, "one"], [AT, "three"]] },
      { stream: { level: "warning", test: "shop", vu: "2" }, values: [[AT, "two"]] },
    ],
  });
});

Deno.test("fields that may be no labels join the text; labels of every line need no permission", () => {
  const format = { ...PLAIN, labels: { test: "shop" }, allowedLabels: new Set(["level"]) };
  assertEquals(JSON.parse(lokiBody([line("one", { a: "1", b: "x y" })], format)), {
    streams: [{ stream: { level: "info", test: "shop" }, values: [[AT, "one a=1 b=x y"]] }],
  });
});

Deno.test("of a long text the middle is cut out", () => {
  const lines = [line(`${"a".repeat(30)}${"b".repeat(30)}`, { vu: "1" })];
  const format = { ...PLAIN, allowedLabels: new Set<string>(), maxMessageBytes: 33 };
  assertEquals(texts(lokiBody(lines, format)), ["aaaaaaaaaa...omitted...level=info"]);
});

Deno.test("no text has more bytes than it may, its beginning and its end are the line's, and no character is cut in two", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary", maxLength: 40 }),
      fc.integer({ min: 1, max: 60 }),
      (message, maxMessageBytes) => {
        const format = { ...PLAIN, maxMessageBytes };
        const [text = ""] = texts(lokiBody([line(message)], format));
        assert(new TextEncoder().encode(text).length <= maxMessageBytes);
        const [head = "", tail = ""] = text === message ? [message] : text.split("...omitted...");
        assert(message.startsWith(head) || maxMessageBytes < 26);
        assert(message.endsWith(tail));
        assertEquals(text.includes("\ufffd"), message.includes("\ufffd"));
      },
    ),
  );
});

Deno.test("more lines than the limit are dropped and counted", async () => {
  const { push, bodies } = pushOnClose({ limit: 2 });
  for (const text of ["a", "b", "c", "d"]) push.write(line(text));
  await push.close();
  assertEquals(bodies.flatMap(texts), [
    "a",
    "b",
    "k6d dropped 2 lines of the log because they were over the limit of 2 in a push period",
  ]);
});

Deno.test("nothing to say, nothing to send", async () => {
  const { push, bodies } = pushOnClose();
  await push.close();
  assertEquals(bodies, []);
});

Deno.test("one push at a time: what comes meanwhile goes with the next, and closing waits for both", async () => {
  using _alive = keepAlive();
  const first = Promise.withResolvers<null>();
  const begun = Promise.withResolvers<void>();
  const bodies: string[] = [];
  const { push } = pushOnClose({
    pushPeriodMs: 1,
    send: (body) => {
      bodies.push(body);
      begun.resolve();
      return bodies.length === 1 ? first.promise : Promise.resolve(null);
    },
  });
  push.write(line("a"));
  await begun.promise;
  push.write(line("b"));
  const closed = push.close();
  push.write(line("c"));
  first.resolve(null);
  await closed;
  assertEquals(bodies.map(texts), [["a"], ["b", "c"]]);
});

Deno.test("a failure is told once for each kind, in its first words", async () => {
  using _alive = keepAlive();
  const failures = [["it answered 500", "id 1"], ["it answered 500", "id 2"], ["no answer in time", ""]] as const;
  let pushes = 0;
  const over = Promise.withResolvers<void>();
  const { push, complaints } = pushOnClose({
    pushPeriodMs: 1,
    send: () => {
      const [kind, detail] = failures[pushes++]!;
      if (pushes === failures.length) over.resolve();
      else push.write(line("again"));
      return Promise.resolve({ kind, detail });
    },
  });
  push.write(line("first"));
  await over.promise;
  await push.close();
  assertEquals(complaints, ["it answered 500: id 1", "no answer in time"]);
});
