import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { type MetricSet, MetricSetError, type PushedSeries } from "../../src/hub/metric_set.ts";
import { readJsonMetricSet } from "../../src/hub/metric_set_json.ts";
import { readProtobufMetricSet } from "../../src/hub/metric_set_protobuf.ts";
import { metricSets } from "./metric_sets.ts";
import { MetricSetType } from "./metric_set_schema.ts";

/** Made by an encoder that is not ours: a counter of 5, and a trend of 200, 100 and 200.1. */
const GOLDEN = Uint8Array.fromHex(
  "0a0331323310031a330a09687474705f7265717310011a240a0d0a066d6574686f64120347455412130a110a060881e2cfaa06110000000000001440" +
    "1a690a11687474705f7265715f6475726174696f6e10041a520a0d0a066d6574686f6412034745542a410a3f0a060881e2cfaa06120201021a0508c3" +
    "0a10011a04087f1001299a99999999417f40300339000000000000594041333333333303694059fca9f1d24d62503f",
);

const TIME = { seconds: 1_700_000_001, nanos: 0 };
const LABELS = [["method", "GET"]] as const;

const GOLDEN_SET: MetricSet = {
  testRunId: "123",
  aggregationPeriodSeconds: 3,
  metrics: [
    {
      name: "http_reqs",
      type: "counter",
      series: [{ labels: LABELS, samples: { type: "counter", values: [{ time: TIME, value: 5 }] } }],
    },
    {
      name: "http_req_duration",
      type: "trend",
      series: [{
        labels: LABELS,
        samples: {
          type: "trend",
          values: [{
            time: TIME,
            counters: [1, 2],
            spans: [{ offset: 1347, length: 1 }, { offset: 127, length: 1 }],
            sum: 500.1,
            count: 3,
            min: 100,
            max: 200.1,
            extraLow: null,
            extraHigh: null,
            minResolution: 0.001,
            significantDigits: null,
          }],
        },
      }],
    },
  ],
};

Deno.test("the golden message is read, and the schema reads the same from it", () => {
  assertEquals(readProtobufMetricSet(GOLDEN), GOLDEN_SET);
  assertEquals(MetricSetType.encode(MetricSetType.decode(GOLDEN)).finish().toHex(), GOLDEN.toHex());
});

Deno.test("what the schema writes is read, in protobuf and in JSON", () => {
  fc.assert(fc.property(metricSets, ({ set, message, json }) => {
    assertEquals(readProtobufMetricSet(MetricSetType.encode(MetricSetType.fromObject(message)).finish()), set);
    assertEquals(readJson(JSON.stringify(json)), set);
  }));
});

Deno.test("JSON may leave defaults out, say null for them, and write numbers as text", () => {
  assertEquals(readJson("{}"), { testRunId: "", aggregationPeriodSeconds: 0, metrics: [] });
  const series = (samples: object): PushedSeries | undefined =>
    readJson(JSON.stringify({ metrics: [{ name: "a", timeSeries: [samples] }] })).metrics[0]?.series[0];
  assertEquals(series({ labels: null, gaugeSamples: null }), { labels: [], samples: null });
  assertEquals(
    series({ counterSamples: { values: [{ time: "2023-11-14T22:13:21.500Z", value: "-1.5e3" }, { value: "NaN" }] } }),
    {
      labels: [],
      samples: {
        type: "counter",
        values: [
          { time: { seconds: 1_700_000_001, nanos: 500_000_000 }, value: -1500 },
          { time: { seconds: 0, nanos: 0 }, value: NaN },
        ],
      },
    },
  );
});

const badJson: readonly (readonly [text: string, message: string])[] = [
  ["{", "Expected property name or '}' in JSON at position 1 (line 1 column 2)"],
  ["[]", "MetricSet must be an object, not []"],
  [`{"test_run_id":"1"}`, `MetricSet has no field "test_run_id"`],
  [`{"testRunId":1}`, "MetricSet.testRunId must be text, not 1"],
  [`{"aggregationPeriod":-3}`, "MetricSet.aggregationPeriod must be an unsigned integer of 32 bits, not -3"],
  [`{"metrics":[{"type":"COUNTER"}]}`, "unknown metric type COUNTER"],
  [`{"metrics":[{"timeSeries":[{"rateSamples":{},"gaugeSamples":{}}]}]}`, "a time series has samples twice"],
  [
    `{"metrics":[{"timeSeries":[{"counterSamples":{"values":[{"time":"1700000001"}]}}]}]}`,
    `CounterValue.time must be a time like 2026-01-31T12:00:00Z, not "1700000001"`,
  ],
];

for (const [text, message] of badJson) {
  Deno.test(`JSON that is no metric set: ${text}`, () => {
    assertEquals(assertThrows(() => readJson(text), MetricSetError).message, message);
  });
}

const badProtobuf: readonly (readonly [hex: string, message: string])[] = [
  ["2801", "MetricSet has no field 5"],
  ["0801", "field 1 of MetricSet has wire type 0"],
  ["1a0500", "Metric is cut short"],
  ["1a021009", "unknown metric type 9"],
  ["1a021005", "unknown metric type 5"],
  ["1a061a041a001a00", "a time series has samples twice"],
  ["0a05", "broken protobuf at byte 2: index out of range: 2 + 5 > 2"],
];

for (const [hex, message] of badProtobuf) {
  Deno.test(`protobuf that is no metric set: ${hex}`, () => {
    const error = assertThrows(() => readProtobufMetricSet(Uint8Array.fromHex(hex)), MetricSetError);
    assertEquals(error.message, message);
  });
}

function readJson(text: string): MetricSet {
  return readJsonMetricSet(new TextEncoder().encode(text));
}
