import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Log, type LogFormat, TextSink } from "../../src/cli/log.ts";
import type { LogLevel } from "../../src/output/log_line.ts";
import { StreamWriter, wantsColor } from "../../src/cli/terminal.ts";

/** A log that writes into `text` and whose clock stands still unless moved. */
function logInto({ format = "text", color = false, level = "info" }: {
  readonly format?: LogFormat;
  readonly color?: boolean;
  readonly level?: LogLevel;
} = {}) {
  const place = { text: "", atEpochMs: Date.UTC(2026, 0, 2, 3, 4, 5) };
  const writer = { write: (text: string) => place.text += text };
  const sink = new TextSink(writer, format, color, place.atEpochMs);
  const log = new Log({ sink, level, now: () => place.atEpochMs });
  return { log, place };
}

// The offset of the machine's time zone is not the test's concern.
const withoutTime = (line: string) =>
  line.replace(/time="2026-01-0\d[^"]*"/, "time=T").replace(/"time":"2026[^"]*"/, '"time":"T"');

Deno.test("without colours a line is a list of pairs, quoted where needed", () => {
  const cases: [string, Record<string, string>, string][] = [
    ["plain", {}, "time=T level=info msg=plain\n"],
    ["two words", { source: "console" }, 'time=T level=info msg="two words" source=console\n'],
    ['with "quotes" and = signs', {}, 'time=T level=info msg="with \\"quotes\\" and = signs"\n'],
    ["two\nlines", {}, 'time=T level=info msg="two\\nlines"\n'],
    ["unicode żółw", {}, 'time=T level=info msg="unicode żółw"\n'],
    ["", { source: "console" }, "time=T level=info source=console\n"],
    [
      "m",
      { scenario: "s p", executor: "per-vu-iterations", empty: "" },
      'time=T level=info msg=m empty= executor=per-vu-iterations scenario="s p"\n',
    ],
  ];
  for (const [message, fields, line] of cases) {
    const { log, place } = logInto();
    log.info(message, fields);
    assertEquals(withoutTime(place.text), line);
  }
});

Deno.test("with colours a line has the seconds since the start and a padded message", () => {
  const { log, place } = logInto({ color: true });
  place.atEpochMs += 12_999;
  log.warn("hi", { source: "console" });
  assertEquals(place.text, `\x1b[33mWARN\x1b[0m[0012] hi${" ".repeat(42)}  \x1b[33msource\x1b[0m=console\n`);
});

Deno.test("json lines keep message and fields apart", () => {
  const { log, place } = logInto({ format: "json" });
  log.error("line 1\nline 2", { source: "stacktrace", msg: "mine" });
  assertEquals(
    withoutTime(place.text),
    '{"fields.msg":"mine","level":"error","msg":"line 1\\nline 2","source":"stacktrace","time":"T"}\n',
  );
});

Deno.test("raw lines are the message alone", () => {
  const { log, place } = logInto({ format: "raw" });
  log.error("only this", { source: "console" });
  assertEquals(place.text, "only this\n");
});

Deno.test("lines below the level are dropped", () => {
  const { log, place } = logInto({ format: "raw", level: "warn" });
  for (const level of ["debug", "info", "warn", "error"] as const) log.write(level, level);
  assertEquals(place.text, "warn\nerror\n");
});

Deno.test("a secret appears in no line, in message or fields, whatever the format", () => {
  for (const format of ["text", "json", "raw"] as const) {
    const { log, place } = logInto({ format });
    log.redact("");
    log.redact("s3.cr$t");
    log.redact('s3.cr$t"longer');
    log.info('token s3.cr$t and s3.cr$t"longer', { url: "http://u:s3.cr$t@host" });
    assert(!place.text.includes("s3.cr$t"), place.text);
    assert(!place.text.includes("longer"), place.text);
    assert(place.text.includes("token ***SECRET_REDACTED*** and ***SECRET_REDACTED***"), place.text);
  }
});

Deno.test("a secret may be longer than any pattern", () => {
  const { log, place } = logInto({ format: "raw" });
  const long = "x".repeat(100_000);
  log.redact(long);
  log.redact("short");
  log.info(`${long} and short`);
  assertEquals(place.text, "***SECRET_REDACTED*** and ***SECRET_REDACTED***\n");
});

Deno.test("who follows the log gets what is written, without secrets, until they have enough", () => {
  const { log } = logInto();
  const lines: string[] = [];
  const unfollow = log.follow(({ level, message, fields }) => lines.push(`${level} ${message} ${fields}`));
  log.redact("topsecret");
  log.debug("too much");
  log.warn("with topsecret", { source: "console" });
  unfollow();
  log.warn("later");
  assertEquals(lines, ["warn with ***SECRET_REDACTED*** source,console"]);
});

Deno.test("the display makes room for each line that is written, and for no other", () => {
  const { log, place } = logInto({ format: "raw" });
  log.attach({ erase: () => place.text += "<", draw: () => place.text += ">" });
  log.info("a");
  log.debug("dropped");
  log.attach(null);
  log.info("b");
  assertEquals(place.text, "<a\n>b\n");
});

Deno.test("the display makes no room for lines that go elsewhere", () => {
  const lines: string[] = [];
  const log = new Log({ sink: { write: ({ message }) => lines.push(message) }, level: "info", isApart: true });
  log.attach({ erase: () => lines.push("<"), draw: () => lines.push(">") });
  log.info("a");
  assertEquals(lines, ["a"]);
});

Deno.test("property: json and text lines are one line each and give the message back", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), (message) => {
    const json = logInto({ format: "json" });
    json.log.info(message);
    assertEquals(JSON.parse(json.place.text).msg, message);
    const text = logInto();
    text.log.info(message);
    assertEquals(text.place.text.split("\n").length, 2);
    const shown = /level=info(?: msg=("?)(.*?)\1)?\n/.exec(text.place.text)!;
    assertEquals(shown[1] ? JSON.parse(`"${shown[2]}"`) : shown[2] ?? "", message);
  }));
});

Deno.test("a stream that takes a part at a time, or nothing for a while, gets the whole text", () => {
  const taken: number[] = [];
  let calls = 0;
  new StreamWriter({
    writeSync(bytes) {
      if (++calls % 2 === 0) throw new Deno.errors.WouldBlock();
      const part = bytes.subarray(0, 3);
      taken.push(...part);
      return part.length;
    },
  }).write("żółw and more");
  assertEquals(new TextDecoder().decode(Uint8Array.from(taken)), "żółw and more");
});

Deno.test("a reader that has gone ends the writing, not the program", () => {
  let calls = 0;
  const writer = new StreamWriter({
    writeSync() {
      calls++;
      throw new Deno.errors.BrokenPipe();
    },
  });
  writer.write("a");
  writer.write("b");
  assertEquals(calls, 1);
});

Deno.test("colours need a terminal and nobody against them", () => {
  const cases: [boolean, boolean, Record<string, string>, boolean][] = [
    [true, false, {}, true],
    [true, false, { K6_NO_COLOR: "" }, true],
    [false, false, {}, false],
    [true, true, {}, false],
    [true, false, { NO_COLOR: "" }, false],
    [true, false, { K6_NO_COLOR: "1" }, false],
    [true, false, { TERM: "dumb" }, false],
  ];
  for (const [isTerminal, noColor, env, expected] of cases) {
    assertEquals(wantsColor({ isTerminal, noColor, env }), expected, JSON.stringify(env));
  }
});
