/** For each output: how to make it with a target of its own, and what arrived there. */

import { createApmOutput } from "../../../src/output/apm/apm_output.ts";
import { type Figures, sumOfFigures } from "../../../src/hub/figures.ts";
import { createCloudOutput } from "../../../src/output/cloud/cloud_output.ts";
import { ACCOUNT, ContractServer } from "../../support/cloud/contract_server.ts";
import { OtlpReceiver } from "../../support/otlp_receiver.ts";
import { RemoteWriteReceiver } from "../../support/remote_write_receiver.ts";
import { STALE_BITS } from "../../support/write_request_decoder.ts";
import { InfluxServer } from "../influxdb/influx_server.ts";
import type { ParsedLine } from "../influxdb/line_parser.ts";
import { PipeGate, TcpGate } from "./gate.ts";
import type { OutputSpec } from "./output_run.ts";

/** A series of `http_reqs` as it arrived: its tags, and the sum of its samples. */
export interface ArrivedSeries {
  readonly tags: Readonly<Record<string, string>>;
  readonly sum: number;
}

/** A target with an output's way to it. */
export interface Target extends AsyncDisposable {
  /** Makes the output, which delivers often. */
  readonly spec: OutputSpec;
  readonly gate: TcpGate | PipeGate;
  /** To be called when the output starts. */
  open(): void;
  /** What arrived of `http_reqs`, once the output has stopped; throws where a format or protocol isn't kept. */
  series(): Promise<ArrivedSeries[]>;
  /** The sum of all samples of `http_reqs`, for many of them; once the output has stopped. */
  total(): Promise<number>;
  /** How many points have arrived so far, of any metric; null where only the end tells. */
  points(): number | null;
}

/** An output. */
export interface OutputDriver {
  readonly name: string;
  /** Asks for the output with a target that can't be; null: no target keeps it from starting. */
  readonly unstartable: OutputSpec | null;
  /** The text in which a tag's value is expected; null where the format mixes it up with others. */
  readonly tagText: ((value: string) => string) | null;
  readonly target: () => Promise<Target>;
}

/** All outputs. */
export const drivers: readonly OutputDriver[] = [
  {
    name: "json",
    unstartable: "json=/no such folder/samples.json",
    tagText: wellFormed,
    target: () => fileTarget("json", "json=", jsonSeries),
  },
  {
    name: "csv",
    unstartable: "csv=/no such folder/samples.csv",
    tagText: null,
    target: () => fileTarget("csv", "csv=saveInterval=20ms,fileName=", csvSeries),
  },
  {
    name: "influxdb",
    unstartable: "influxdb=udp://influx.invalid:8089",
    tagText: (value) => wellFormed(value).replace(/\\(?=\\*([,= ]|$))/g, "/").replaceAll("\n", "\\n"),
    target: influxTarget,
  },
  {
    name: "prometheus-rw",
    unstartable: null,
    tagText: wellFormed,
    target: () => remoteWriteTarget((url) => `prometheus-rw=url=${url},pushInterval=20ms`),
  },
  {
    name: "prometheus-rw 2.0 with native histograms",
    unstartable: null,
    tagText: wellFormed,
    target: () =>
      remoteWriteTarget((url) =>
        `prometheus-rw=url=${url},pushInterval=20ms,protocolVersion=2.0,trendAsNativeHistogram=true,rateAsCounters=true`
      ),
  },
  {
    name: "cloud in protobuf",
    unstartable: cloudSpec({ K6_CLOUD_HOST: "http://127.0.0.1:1" }),
    tagText: wellFormed,
    target: () => cloudTarget("protobuf"),
  },
  { name: "cloud in JSON", unstartable: null, tagText: wellFormed, target: () => cloudTarget("json") },
  { name: "apm", unstartable: null, tagText: wellFormed, target: () => remoteWriteTarget(apmSpec) },
  {
    name: "opentelemetry by gRPC",
    unstartable: null,
    tagText: wellFormed,
    target: () => otlpTarget("grpc", "grpcExporter"),
  },
  {
    name: "opentelemetry by HTTP",
    unstartable: null,
    tagText: wellFormed,
    target: () => otlpTarget("http/protobuf", "httpExporter"),
  },
];

/** What is no Unicode arrives as the replacement character. */
function wellFormed(value: string): string {
  return value.toWellFormed();
}

async function fileTarget(
  name: string,
  spec: string,
  series: (text: string) => ArrivedSeries[],
): Promise<Target> {
  const gate = await PipeGate.create(`samples.${name}`);
  return {
    spec: `${spec}${gate.path}`,
    gate,
    open: () => gate.open(),
    points: () => null,
    series: async () => series(await gate.text()),
    async total() {
      const lines = name === "json"
        ? /^\{"metric":"http_reqs","type":"Point",.*?"value":([^,]*)/gm
        : /^http_reqs,\d+,([^,]*)/gm;
      return sumOf((await gate.text()).matchAll(lines));
    },
    [Symbol.asyncDispose]: () => gate[Symbol.asyncDispose](),
  };
}

function jsonSeries(text: string): ArrivedSeries[] {
  const points = text.trimEnd().split("\n").filter((line) => line !== "").map((line) => JSON.parse(line))
    .filter(({ type, metric }) => type === "Point" && metric === "http_reqs");
  return points.map(({ data }) => ({ tags: data.tags, sum: data.value }));
}

function csvSeries(text: string): ArrivedSeries[] {
  const [header, ...rows] = csvRows(text);
  if (rows.some((row) => row.length !== header!.length)) throw new Error(`a row is no ${header!.length} fields long`);
  return rows.filter(([metric]) => metric === "http_reqs").map((row) => ({
    tags: { extra: row[header!.indexOf("extra_tags")]! },
    sum: Number(row[2]),
  }));
}

/** Rows of a CSV text (RFC 4180). */
function csvRows(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n)/g)) {
    row.push(quoted?.replaceAll('""', '"') ?? plain!);
    if (end === ",") continue;
    rows.push(row);
    row = [];
  }
  return rows;
}

async function influxTarget(): Promise<Target> {
  const server = new InfluxServer();
  const gate = new TcpGate(server.port);
  return await networkTarget(
    `influxdb=http://127.0.0.1:${gate.port}/k6?pushInterval=20ms&tagsAsFields=`,
    gate,
    server,
    {
      points: () => server.acceptedLines,
      series: () => influxSeries(server.lines),
      total: () => server.bodies.reduce((sum, body) => sum + sumOf(body.matchAll(/^http_reqs.* value=(\S+)/gm)), 0),
    },
  );
}

/** Throws where InfluxDB would store one line in the place of another. */
function influxSeries(lines: readonly ParsedLine[]): ArrivedSeries[] {
  const points = new Set(lines.map(({ measurement, tags, time }) => JSON.stringify([measurement, tags, time])));
  if (points.size < lines.length) throw new Error(`${lines.length} lines are ${points.size} points`);
  return lines.filter(({ measurement }) => measurement === "http_reqs").map(({ tags, fields }) => ({
    tags: Object.fromEntries(tags),
    sum: Number(fields.find(([name]) => name === "value")![1]),
  }));
}

function remoteWriteTarget(spec: (url: string) => OutputSpec): Promise<Target> {
  const receiver = new RemoteWriteReceiver();
  const gate = new TcpGate(Number(new URL(receiver.url).port));
  const series = (): ArrivedSeries[] => {
    if (receiver.violations.length > 0) throw new Error(receiver.violations.join("\n"));
    const newest = new Map<string, ArrivedSeries>();
    for (const { labels, value, bits } of receiver.samples("k6_http_reqs_total")) {
      if (bits !== STALE_BITS) newest.set(JSON.stringify(labels), { tags: labels, sum: value });
    }
    return [...newest.values()];
  };
  return networkTarget(spec(`http://127.0.0.1:${gate.port}/api/v1/write`), gate, receiver, {
    points: () => receiver.accepted.reduce((sum, { length }) => sum + length, 0),
    series,
  });
}

/** A run that somebody else has made, so that only metrics go through the gate. */
async function cloudTarget(format: "protobuf" | "json"): Promise<Target> {
  const server = await ContractServer.start();
  server.settings.aggregationPeriodSeconds = 1;
  const { id } = await server.addTestRun();
  const gate = new TcpGate(Number(new URL(server.origin).port));
  const env = {
    K6_CLOUD_HOST: `http://127.0.0.1:${gate.port}`,
    K6_CLOUD_TOKEN: ACCOUNT.token,
    K6_CLOUD_PUSH_REF_ID: id,
    K6_CLOUD_METRICS_FORMAT: format,
    K6_CLOUD_METRIC_PUSH_INTERVAL: "20ms",
    K6_CLOUD_AGGREGATION_PERIOD: "1s",
    K6_CLOUD_AGGREGATION_WAIT_PERIOD: "1s",
  };
  return await networkTarget(cloudSpec(env), gate, server, {
    // Messages hold a thousand series each, where there are as many.
    points: () => 1000 * server.callsOf("v2.pushMetrics").filter(({ status }) => status !== null).length,
    series: async () => {
      if (server.violations.length > 0) throw new Error(server.violations.join("\n"));
      const series = (await server.store.series(id)).filter(({ metric }) => metric === "http_reqs");
      return series.map(({ labels, windows }) => ({ tags: labels, sum: sumOfCounter(windows.values()) }));
    },
  });
}

function cloudSpec(env: Readonly<Record<string, string>>): OutputSpec {
  return (context) => createCloudOutput({ ...context, name: "cloud", argument: "", env });
}

function sumOfCounter(windows: Iterable<Figures>): number {
  const sum = sumOfFigures(windows);
  return sum?.type === "counter" ? sum.sum : NaN;
}

function apmSpec(remoteWriteURL: string): OutputSpec {
  return (context) => {
    const options = { cloud: { apm: [{ provider: "prometheus", remoteWriteURL, resampleRate: 1 }] } };
    return createApmOutput({ ...context, options, isAsked: true, cloud: null, ownRunId: "1" })!;
  };
}

async function otlpTarget(protocol: "grpc" | "http/protobuf", transport: string): Promise<Target> {
  const receiver = await OtlpReceiver.start({ protocol });
  const gate = new TcpGate(receiver.port);
  const settings = [
    `exporterProtocol=${protocol}`,
    `${transport}Endpoint=127.0.0.1:${gate.port}`,
    `${transport}Insecure=true`,
    "exportInterval=20ms",
  ];
  return await networkTarget(`opentelemetry=${settings}`, gate, receiver, {
    points: () => receiver.accepted.reduce((sum, { points }) => sum + points.length, 0),
    series: () => {
      if (receiver.violations.length > 0) throw new Error(receiver.violations.join("\n"));
      return receiver.points("http_reqs").map(({ attributes, value }) => ({ tags: attributes, sum: value }));
    },
  });
}

function networkTarget(
  spec: OutputSpec,
  gate: TcpGate,
  server: AsyncDisposable,
  arrived: {
    readonly points: () => number;
    readonly series: () => ArrivedSeries[] | Promise<ArrivedSeries[]>;
    readonly total?: () => number;
  },
): Promise<Target> {
  const { points, series, total = async () => (await series()).reduce((all, { sum }) => all + sum, 0) } = arrived;
  return Promise.resolve({
    spec,
    gate,
    open() {},
    points,
    series: async () => await series(),
    total: async () => await total(),
    async [Symbol.asyncDispose]() {
      await gate[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  });
}

function sumOf(matches: Iterable<RegExpExecArray>): number {
  let sum = 0;
  for (const [, text] of matches) {
    const value = Number(text);
    // Formats that can hold them may have NaN and infinity.
    if (Number.isFinite(value)) sum += value;
  }
  return sum;
}
