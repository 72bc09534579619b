import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { TIME_FORMATS, type TimeFormat, TimeText } from "../../../src/output/file/time_text.ts";

const AT = Date.UTC(2026, 6, 2, 3, 4, 5, 60);

function textOf(time: TimeText, epochMs: number): string {
  time.set(epochMs);
  return new TextDecoder().decode(time.bytes.subarray(0, time.length));
}

Deno.test("every format has the time as k6 writes it", () => {
  const texts = TIME_FORMATS.map((format) => inUtc(textOf(new TimeText(format, "|"), AT + 0.25)));
  assertEquals(texts, [
    "1782961445|",
    "1782961445060|",
    "1782961445060250|",
    "1782961445060250000|",
    "2026-07-02T03:04:05.000Z|",
    "2026-07-02T03:04:05.060Z|",
  ]);
});

Deno.test("nanoseconds of RFC 3339 have no zeros at their end", () => {
  const time = new TimeText("rfc3339_nano", "");
  const fraction = (epochMs: number) => /:05(?:\.(\d+))?(?:Z|[+-])/.exec(textOf(time, epochMs))?.[1];
  assertEquals([AT - 60, AT, AT + 40, AT + 0.25].map(fraction), [undefined, "06", "1", "06025"]);
});

Deno.test("any times in any order read back as they were", () => {
  const epochMs = fc.integer({ min: 0, max: 4e12 }).map((quarters) => quarters / 4 + 1e12);
  for (const format of ["rfc3339_nano", "unix_milli", "unix_micro"] as const) {
    fc.assert(fc.property(fc.array(epochMs), (times) => {
      const time = new TimeText(format, "");
      for (const each of times) assertEquals(readMs(format, textOf(time, each)), Math.floor(each));
    }));
  }
});

Deno.test("a time has the zone of the machine", async () => {
  const script = `import { TimeText } from "${import.meta.resolve("../../../src/output/file/time_text.ts")}";
    const time = new TimeText("rfc3339_nano", "");
    for (const at of [${AT}, ${AT + 180 * 86_400_000}]) {
      time.set(at);
      await Deno.stdout.write(time.bytes.subarray(0, time.length));
    }`;
  const textIn = async (zone: string) => {
    const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["eval", script], env: { TZ: zone } }).output();
    return new TextDecoder().decode(stdout);
  };
  assertEquals(await textIn("America/St_Johns"), "2026-07-02T00:34:05.06-02:302026-12-28T23:34:05.06-03:30");
  assertEquals(await textIn("Asia/Kolkata"), "2026-07-02T08:34:05.06+05:302026-12-29T08:34:05.06+05:30");
});

/** A text with its RFC 3339 time in UTC, to the millisecond. */
function inUtc(text: string): string {
  return text.replace(/^.*T[^|]*/, (time) => new Date(time).toISOString());
}

function readMs(format: TimeFormat, text: string): number {
  if (format === "rfc3339_nano") return Date.parse(text);
  return format === "unix_micro" ? Math.floor(Number(text) / 1000) : Number(text);
}
