/**
 * Reads messages of the cloud's metrics in both formats, by nothing but docs/outputs/cloud/metrics.proto; throws on whatever is not
 * as that file and protobuf's rules have it.
 */

import protobuf from "protobufjs";

/** A message with every field, whether it was sent or not, but for those that tell whether they were. */
export interface ReceivedSet {
  readonly testRunId: string;
  readonly aggregationPeriod: number;
  readonly metrics: readonly ReceivedMetric[];
}

/** A metric of a message. */
export interface ReceivedMetric {
  readonly name: string;
  readonly type: string;
  readonly timeSeries: readonly ReceivedSeries[];
}

/** A time series of a message: the values are in the field of their type. */
export interface ReceivedSeries {
  readonly labels: readonly { readonly name: string; readonly value: string }[];
  readonly counterSamples?: { readonly values: readonly (Timed & { readonly value: number })[] };
  readonly gaugeSamples?: { readonly values: readonly ReceivedGauge[] };
  readonly rateSamples?: {
    readonly values: readonly (Timed & { readonly nonzeroCount: number; readonly totalCount: number })[];
  };
  readonly trendHdrSamples?: { readonly values: readonly ReceivedTrend[] };
}

/** What all values have. */
export interface Timed {
  readonly time: { readonly seconds: number; readonly nanos: number };
}

/** What is told of a gauge. */
export interface ReceivedGauge extends Timed {
  readonly last: number;
  readonly count: number;
  readonly min: number;
  readonly max: number;
  readonly avg: number;
}

/** What is told of a trend. */
export interface ReceivedTrend extends Timed {
  readonly counters: readonly number[];
  readonly spans: readonly { readonly offset: number; readonly length: number }[];
  readonly sum: number;
  readonly count: number;
  readonly minValue: number;
  readonly maxValue: number;
  readonly extraLowValuesCounter?: number;
  readonly extraHighValuesCounter?: number;
  readonly minResolution: number;
  readonly significantDigits?: number;
}

const PROTO = new URL("../../docs/outputs/cloud/metrics.proto", import.meta.url);
const root = new protobuf.Root();
root.addJSON(protobuf.common.get("google/protobuf/timestamp.proto")!.nested!);
protobuf.parse(Deno.readTextFileSync(PROTO), root);
const metricSet = root.lookupType("metrics.MetricSet");

/** Reads a message in protobuf that is encoded in the order of its fields, without a field that the schema hasn't. */
export function readProtobuf(bytes: Uint8Array): ReceivedSet {
  const message = metricSet.decode(bytes);
  const again = metricSet.encode(message).finish();
  if (again.length !== bytes.length || !again.every((byte, i) => byte === bytes[i])) {
    throw new Error("not encoded as the schema says");
  }
  return toReceived(message);
}

/** Reads a message in JSON. */
export function readJson(bytes: Uint8Array): ReceivedSet {
  const json: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  return toReceived(metricSet.fromObject(messageOf(metricSet, json, "message")));
}

/** The buckets of a trend's value with their counts. */
export function bucketsOf({ counters, spans }: ReceivedTrend): [index: number, count: number][] {
  let next = 0;
  const indexes = spans.flatMap(({ offset, length }) => {
    const first = next + offset;
    next = first + length;
    return Array.from({ length }, (_, i) => first + i);
  });
  if (indexes.length !== counters.length) throw new Error("there are other buckets than counters");
  return indexes.map((index, i) => [index, counters[i]!]);
}

function toReceived(message: protobuf.Message): ReceivedSet {
  const plain = metricSet.toObject(message, { enums: String, longs: Number, defaults: true, arrays: true });
  return plain as ReceivedSet;
}

type Fields = Readonly<Record<string, unknown>>;

/** JSON of a message as protobufjs takes it; null stands for a field that isn't set. */
function messageOf(type: protobuf.Type, json: unknown, place: string): Fields {
  if (typeof json !== "object" || json === null || Array.isArray(json)) throw new Error(`${place} is no object`);
  const fields = new Map(Object.entries(type.fields));
  return Object.fromEntries(
    Object.entries(json).filter(([, value]) => value !== null).map(([name, value]) => {
      const field = fields.get(name);
      if (field === undefined) throw new Error(`${place} has an unknown field ${name}`);
      return [name, valueOf(field, value, `${place}.${name}`)];
    }),
  );
}

function valueOf(field: protobuf.Field, json: unknown, place: string): unknown {
  field.resolve();
  if (!field.repeated) return single(field, json, place);
  if (!Array.isArray(json)) throw new Error(`${place} is no list`);
  return json.map((value, i) => single(field, value, `${place}[${i}]`));
}

function single({ type, resolvedType }: protobuf.Field, json: unknown, place: string): unknown {
  if (resolvedType instanceof protobuf.Enum) {
    const number = typeof json === "string" ? resolvedType.values[json] : undefined;
    if (number === undefined) throw new Error(`${place} is no ${resolvedType.name}`);
    return number;
  }
  if (resolvedType?.fullName === ".google.protobuf.Timestamp") return timestamp(json, place);
  if (resolvedType instanceof protobuf.Type) return messageOf(resolvedType, json, place);
  if (type === "string" && typeof json === "string" && json.isWellFormed()) return json;
  if (type === "uint32" && Number.isInteger(json) && Number(json) >= 0 && Number(json) < 2 ** 32) return json;
  if (type === "double" && typeof json === "number") return json;
  if (type === "double" && ["NaN", "Infinity", "-Infinity"].includes(String(json))) return Number(json);
  throw new Error(`${place} is no ${type}: ${JSON.stringify(json)}`);
}

/** RFC 3339, in UTC, with 0, 3, 6 or 9 digits of a second, as the JSON mapping has it. */
function timestamp(json: unknown, place: string): Fields {
  const [, whole, fraction = ""] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{3}|\d{6}|\d{9}))?Z$/.exec(String(json)) ??
    [];
  if (whole === undefined) throw new Error(`${place} is no time: ${JSON.stringify(json)}`);
  return { seconds: Date.parse(`${whole}Z`) / 1000, nanos: Number(fraction.padEnd(9, "0")) };
}
