import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { TimeSeries } from "../../../src/metrics/registry.ts";
import { MetricRegistry } from "../../../src/metrics/registry.ts";
import type { SampleMetadata, TagPairs } from "../../../src/metrics/types.ts";
import { type FieldType, LineProtocol, type Precision } from "../../../src/output/influxdb/line_protocol.ts";
import { parseLines } from "./line_parser.ts";

const AT = 1_700_000_000_123;

Deno.test("a sample becomes a line with its tags, its fields and its time in nanoseconds", () => {
  const lines = protocol([["method", "GET"], ["name", "a b"], ["url", 'http://x/?q="1"\\']], { url: "string" });
  assertEquals(
    lines([[AT + 0.5, 1.25]]),
    'http_reqs,method=GET,name=a\\ b url="http://x/?q=\\"1\\"\\\\",value=1.25 1700000000123500000\n',
  );
});

Deno.test("tags are fields of the type that was asked for, and strings where they can't be", () => {
  const types = { i: "int", f: "float", b: "bool", s: "string" } as const;
  const fields = (tags: TagPairs) =>
    Object.fromEntries(parseLines(protocol(tags, types)([[AT, 1]]))[0]!.fields.filter(([name]) => name !== "value"));
  assertEquals(fields([["b", "T"], ["f", "1.50"], ["i", "-7"], ["s", "7"]]), {
    b: "true",
    f: "1.5",
    i: "-7i",
    s: '"7',
  });
  assertEquals(fields([["b", "yes"], ["f", "1e999"], ["i", "9223372036854775808"]]), {
    b: '"yes',
    f: '"1e999',
    i: '"9223372036854775808',
  });
});

Deno.test("metadata becomes fields where it is asked for", () => {
  const lines = protocol([["a", "b"]], { vu: "int", iter: "string" });
  const metadata = {
    column: Uint32Array.of(0, 1, 2),
    sets: [[["iter", "0"], ["trace_id", "x"], ["vu", "12"]], [["vu", "13"]]],
  } satisfies SampleMetadata;
  assertEquals(
    lines([[AT, 1], [AT + 1, 1], [AT + 2, 1]], metadata),
    'http_reqs,a=b value=1 1700000000123000000\nhttp_reqs,a=b value=1,iter="0",vu=12i 1700000000124000000\n' +
      "http_reqs,a=b value=1,vu=13i 1700000000125000000\n",
  );
});

Deno.test("values that InfluxDB has no text for are left out and counted", () => {
  const series = seriesOf([]);
  const lines = new LineProtocol(series, { tagsAsFields: new Map(), precision: "ms" });
  const samples = batch([[AT, NaN], [AT, Infinity], [AT, -Infinity], [AT, 1e21], [AT, 5e-324], [AT, -0]]);
  assertEquals(lines.encode(samples, 0, 6).split("\n"), [
    `http_reqs value=1e+21 ${AT}`,
    `http_reqs value=5e-324 ${AT}`,
    `http_reqs value=0 ${AT}`,
    "",
  ]);
  assertEquals(lines.notFinite, 3);
});

Deno.test("a series whose tags are too long for InfluxDB is left out and counted", () => {
  const lines = new LineProtocol(seriesOf([["a", "ü".repeat(33_000)]]), { tagsAsFields: new Map(), precision: "ms" });
  assertEquals(lines.encode(batch([[AT, 1], [AT, 2]]), 0, 2), "");
  assertEquals(lines.tooLong, 2);
});

Deno.test("names and values that InfluxDB can't hold become ones that it can", () => {
  const tags = (pairs: TagPairs) => parseLines(protocol(pairs, {})([[AT, 1]]))[0]!.tags;
  assertEquals(tags([["", "x"], ["empty", ""], ["time", "5"]]), [["time_", "5"]]);
  assertEquals(tags([["a\n", "b\nc"], ["a\\n", "d"]]), [["a\\n", "b\\nc"]]);
  assertEquals(tags([["path", "C:\\a\\"], ["q", "\\\\,"]]), [["path", "C:\\a/"], ["q", "//,"]]);
  assertEquals(tags([["twice", "1"], ["twice", "2"]]), [["twice", "1"]]);
});

for (
  const [precision, text] of [
    ["ns", "1700000000123499755"],
    ["u", "1700000000123499"],
    ["ms", "1700000000123"],
    ["s", "1700000000"],
    ["m", "28333333"],
    ["h", "472222"],
  ] as const satisfies [Precision, string][]
) {
  Deno.test(`times are written in ${precision}`, () => {
    const lines = protocol([], {}, precision);
    assertEquals(lines([[AT + 0.5 - 2 ** -12, 1]]), `http_reqs value=1 ${text}\n`);
  });
}

Deno.test("samples of one series never share a time, nor move by a tick of the clock", () => {
  const tick = 2 ** -12;
  const samples: [number, number][] = [];
  // Two threads whose batches come one after the other, on the same ticks.
  for (const value of [1, 2]) for (let i = 0; i < 200; i++) samples.push([AT + Math.floor(i / 2) * tick, value]);
  const times = parseLines(protocol([], {})(samples)).map(({ time }) => BigInt(time));
  assertEquals(new Set(times).size, samples.length);
  times.forEach((time, i) => {
    const exact = exactNanoseconds(samples[i]![0]);
    assert(time >= exact && time - exact < 244n, `${time} for ${exact}`);
  });
});

Deno.test("series that differ in fields alone are one for InfluxDB, and share no time either", () => {
  const metric = new MetricRegistry(() => {}).metric("http_reqs")!;
  const series = ["/a", "/b", "/c"].map((url, id): TimeSeries => ({ id, metric, tags: [["name", "x"], ["url", url]] }));
  const lines = new LineProtocol(series, { tagsAsFields: new Map([["url", "string"]]), precision: "ns" });
  const samples = batch([[AT, 1], [AT, 2], [AT, 3]]);
  samples.series.set([0, 1, 2]);
  const parsed = parseLines(lines.encode(samples, 0, 3));
  assertEquals(parsed.map(({ fields }) => fields[0]![1]), ['"/a', '"/b', '"/c']);
  assertEquals(new Set(parsed.map(({ time }) => time)).size, 3);
});

Deno.test("whatever the tags, a line reads back as what was written", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 8 }),
    fc.string({ unit: fc.constantFrom(...'\\,= \n"a\u00fc\ud83d\udc00\ud800\0\r\t#'), maxLength: 8 }),
  );
  const tags = fc.uniqueArray(fc.tuple(text, text), { selector: ([name]) => name, maxLength: 5 });
  fc.assert(fc.property(tags, fc.double({ noNaN: true, noDefaultInfinity: true }), (pairs, value) => {
    const fieldNames = pairs.slice(0, 2).map(([name]) => name).filter((name) => name !== "value");
    const types = Object.fromEntries(fieldNames.map((name) => [name, "string" as const]));
    const encoded = protocol(pairs, types)([[AT, value]]);
    const bytes = new TextEncoder().encode(encoded);
    const [line, ...more] = parseLines(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    assertEquals(more, []);
    const kept = pairs.filter(([name, value]) => name !== "" && value !== "");
    const isField = ([name]: readonly [string, string]) => Object.hasOwn(types, name);
    const first = (written: (readonly [string, string])[]) => [...new Map(written.toReversed())];
    assertEquals(
      new Map(line!.tags),
      new Map(first(kept.filter((pair) => !isField(pair)).map(([name, value]) => [key(name), plain(value)]))),
    );
    assertEquals(
      new Map(line!.fields),
      new Map([
        ...first(kept.filter(isField).map(([name, value]) => [key(name), `"${value.toWellFormed()}`])),
        ["value", String(value)],
      ]),
    );
  }));

  function key(name: string): string {
    return name === "time" ? "time_" : plain(name);
  }

  function plain(text: string): string {
    return text.toWellFormed().replace(/\\(?=\\*([,= ]|$))/g, "/").replaceAll("\n", "\\n");
  }
});

Deno.test("nanoseconds are exact for every time that a double can hold", () => {
  fc.assert(fc.property(fc.double({ min: 1e12, max: 4e12, noNaN: true }), (atEpochMs) => {
    const [line] = parseLines(protocol([], {})([[atEpochMs, 1]]));
    assertEquals(BigInt(line!.time), exactNanoseconds(atEpochMs));
  }));
});

/** Encodes samples (time, value) of one series with these tags. */
function protocol(tags: TagPairs, types: Readonly<Record<string, FieldType>>, precision: Precision = "ns") {
  const lines = new LineProtocol(seriesOf(tags), { tagsAsFields: new Map(Object.entries(types)), precision });
  return (samples: readonly (readonly [number, number])[], metadata: SampleMetadata | null = null): string =>
    lines.encode({ ...batch(samples), metadata }, 0, samples.length);
}

function seriesOf(tags: TagPairs): readonly TimeSeries[] {
  const metric = new MetricRegistry(() => {}).metric("http_reqs")!;
  return [{ id: 0, metric, tags }];
}

function batch(samples: readonly (readonly [number, number])[]) {
  return {
    length: samples.length,
    series: new Uint32Array(samples.length),
    times: Float64Array.from(samples, ([time]) => time),
    values: Float64Array.from(samples, ([, value]) => value),
    metadata: null,
    newMetrics: [],
    newSeries: [],
  };
}

/** By whole numbers alone: a double of this size is a multiple of 2^-13. */
function exactNanoseconds(epochMs: number): bigint {
  return BigInt(epochMs * 2 ** 13) * 1_000_000n / 2n ** 13n;
}
