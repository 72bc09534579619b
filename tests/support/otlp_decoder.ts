/** Reads OTLP export requests for tests with the official definitions, and checks all that the data model asks of them. */

import definitions from "@opentelemetry/otlp-transformer/definitions";

/** A data point, with what its metric says of it. */
export interface ReceivedPoint {
  /** Metric and attributes: what tells its stream from all others. */
  readonly stream: string;
  readonly metric: string;
  readonly unit: string;
  readonly kind: "sum" | "gauge" | "histogram";
  readonly attributes: Readonly<Record<string, string>>;
  readonly startNs: bigint;
  readonly timeNs: bigint;
  /** Of a histogram: its sum. */
  readonly value: number;
  /** Whether the value came as an integer. */
  readonly isInteger: boolean;
  /** Of a histogram only. */
  readonly histogram: ReceivedHistogram | null;
}

/** A histogram's figures. */
export interface ReceivedHistogram {
  readonly count: number;
  readonly min: number;
  readonly max: number;
  readonly bounds: readonly number[];
  readonly bucketCounts: readonly number[];
}

/** One request. */
export interface ReceivedExport {
  readonly resource: Readonly<Record<string, string>>;
  readonly scope: string;
  readonly points: readonly ReceivedPoint[];
  /** Size of the message. */
  readonly bytes: number;
}

/** Decodes an `ExportMetricsServiceRequest`; throws when it breaks a rule. */
export function decodeExport(body: Uint8Array): ReceivedExport {
  const message = ExportMetricsServiceRequest.decode(body);
  // What the definitions don't know is lost when the message is encoded again.
  const understood = ExportMetricsServiceRequest.encode(message).finish().length;
  if (understood !== body.length) throw new Error(`${body.length - understood} bytes of unknown or default fields`);
  const { resourceMetrics } = ExportMetricsServiceRequest.toObject(message, {
    longs: String,
    arrays: true,
    oneofs: true,
  }) as ExportRequest;
  const only = onlyOne("resource", resourceMetrics);
  const { scope, metrics } = onlyOne("scope", only.scopeMetrics);
  assert(metrics.length > 0, "no metrics");
  assertUnique(metrics.map(({ name }) => name), "metric");
  const points = metrics.flatMap(decodeMetric);
  assertUnique(points.map(({ stream }) => stream), "point");
  const resource = decodeAttributes(only.resource.attributes, "the resource");
  assert("service.name" in resource, "no service.name");
  return { resource, scope: scope.name, points, bytes: body.length };
}

/** Checks that a stream goes on from one point to a later one as the data model demands. */
export function assertContinues(earlier: ReceivedPoint, later: ReceivedPoint): void {
  const fail = (what: string) => {
    throw new Error(`${later.stream}: ${what}`);
  };
  if (later.kind !== earlier.kind || later.unit !== earlier.unit) fail("another kind or unit");
  if (later.startNs !== earlier.startNs) fail("another start");
  if (later.timeNs <= earlier.timeNs) fail(`${later.timeNs} after ${earlier.timeNs}`);
  if (later.kind === "sum" && later.value < earlier.value) fail(`${later.value} after ${earlier.value}`);
  const [before, after] = [earlier.histogram, later.histogram];
  if (before === null || after === null) return;
  if (after.bucketCounts.some((count, bucket) => count < before.bucketCounts[bucket]!)) fail("counts fell");
  if (after.min > before.min || after.max < before.max) fail("extremes narrowed");
}

/** What the decoder gives, as far as it is used here; 64-bit integers are text. */
interface ExportRequest {
  readonly resourceMetrics: readonly {
    readonly resource: { readonly attributes: readonly KeyValue[] };
    readonly scopeMetrics: readonly {
      readonly scope: { readonly name: string };
      readonly metrics: readonly Metric[];
    }[];
  }[];
}

interface KeyValue {
  readonly key: string;
  readonly value: { readonly stringValue?: string };
}

interface Metric {
  readonly name: string;
  readonly unit?: string;
  readonly data?: "sum" | "gauge" | "histogram";
  readonly sum?: Data;
  readonly gauge?: Data;
  readonly histogram?: Data;
}

interface Data {
  readonly aggregationTemporality?: number;
  readonly isMonotonic?: boolean;
  readonly dataPoints: readonly Point[];
}

interface Point {
  readonly attributes: readonly KeyValue[];
  readonly startTimeUnixNano?: string;
  readonly timeUnixNano?: string;
  readonly asDouble?: number;
  readonly asInt?: string;
  readonly count?: string;
  readonly sum?: number;
  readonly min?: number;
  readonly max?: number;
  readonly bucketCounts?: readonly string[];
  readonly explicitBounds?: readonly number[];
}

/** A message type of the definitions. */
interface MessageType {
  decode(bytes: Uint8Array): object;
  encode(message: object): { finish(): Uint8Array };
  toObject(message: object, options: object): unknown;
  fromObject(object: object): object;
}

const { collector } = (definitions as unknown as {
  opentelemetry: { proto: { collector: { metrics: { v1: Record<string, MessageType> } } } };
}).opentelemetry.proto;

const ExportMetricsServiceRequest = collector.metrics.v1["ExportMetricsServiceRequest"]!;
const ExportMetricsServiceResponse = collector.metrics.v1["ExportMetricsServiceResponse"]!;

/** The answer of a receiver that took everything, or all but some points. */
export function encodeResponse(partialSuccess?: { rejectedDataPoints: number; errorMessage: string }): Uint8Array {
  const message = ExportMetricsServiceResponse.fromObject(partialSuccess === undefined ? {} : { partialSuccess });
  return ExportMetricsServiceResponse.encode(message).finish();
}

const CUMULATIVE = 2;

function decodeMetric({ name, unit = "", data: kind, ...each }: Metric): ReceivedPoint[] {
  assert(name !== "", "a metric without a name");
  assert(kind === "sum" || kind === "gauge" || kind === "histogram", `${name}: data ${kind}`);
  const data = each[kind]!;
  assert(data.dataPoints.length > 0, `${name}: no points`);
  if (kind !== "gauge") assert(data.aggregationTemporality === CUMULATIVE, `${name}: not cumulative`);
  if (kind === "sum") assert(data.isMonotonic === true, `${name}: not monotonic`);
  return data.dataPoints.map((point) => {
    const [startNs, timeNs] = [BigInt(point.startTimeUnixNano ?? 0), BigInt(point.timeUnixNano ?? 0)];
    if (startNs <= 0n || startNs > timeNs) throw new Error(`${name}: started at ${startNs}, time ${timeNs}`);
    const attributes = decodeAttributes(point.attributes, name);
    const stream = name + JSON.stringify(Object.entries(attributes).sort());
    const value = kind === "histogram" ? point.sum : point.asDouble ?? Number(point.asInt);
    if (value === undefined || !Number.isFinite(value)) throw new Error(`${stream}: value ${value}`);
    const histogram = kind === "histogram" ? decodeHistogram(name, point) : null;
    const isInteger = point.asInt !== undefined;
    return { stream, metric: name, unit, kind, attributes, startNs, timeNs, value, isInteger, histogram };
  });
}

function decodeHistogram(name: string, point: Point): ReceivedHistogram {
  const { min, max, explicitBounds: bounds = [] } = point;
  const count = Number(point.count);
  const bucketCounts = (point.bucketCounts ?? []).map(Number);
  assert(bucketCounts.length === bounds.length + 1, `${name}: ${bucketCounts.length} buckets, ${bounds.length} bounds`);
  assert(bounds.every((bound, i) => i === 0 || bound > bounds[i - 1]!), `${name}: bounds ${bounds}`);
  assert(count > 0 && bucketCounts.reduce((a, b) => a + b) === count, `${name}: counts ${bucketCounts} for ${count}`);
  assert(min !== undefined && max !== undefined && min <= max, `${name}: from ${min} to ${max}`);
  return { count, min, max, bounds, bucketCounts };
}

function decodeAttributes(attributes: readonly KeyValue[], owner: string): Record<string, string> {
  assertUnique(attributes.map(({ key }) => key), `attribute of ${owner}`);
  return Object.fromEntries(attributes.map(({ key, value: { stringValue = "" } }) => {
    if (key === "" || stringValue === "") throw new Error(`attribute "${key}" of ${owner} is empty`);
    return [key, stringValue];
  }));
}

function onlyOne<T>(what: string, items: readonly T[]): T {
  assert(items.length === 1, `${items.length} of ${what}`);
  return items[0]!;
}

function assertUnique(names: readonly string[], what: string): void {
  if (new Set(names).size === names.length) return;
  throw new Error(`${what} ${names.find((name, i) => names.indexOf(name) < i)} twice`);
}

function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}
