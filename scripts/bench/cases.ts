/** The cases of the benchmark: what each runs, which figures it takes, and what k6d must reach. */

import { findProgram } from "../../tests/support/debian.ts";
import { print, ROOT, V8_FLAGS } from "../repository.ts";
import {
  type BenchTarget,
  startBenchTarget,
  startDelayServer,
  startTlsTargets,
  type TlsTargets,
} from "./bench_target.ts";
import { type ReceivedMetrics, startCloudReceiver } from "./cloud_receiver.ts";
import type { CloudMetricsResult } from "./cloud_metrics.ts";
import type { CompileTimeResult } from "./compile_time.ts";
import { measure, type Measured, type MeasureOptions } from "./measured_process.ts";
import type { ParallelSocketsResult } from "./parallel_sockets.ts";
import { startPacketCapture } from "./packet_capture.ts";
import { startPrometheusTap } from "./prometheus_tap.ts";
import { type Figure, median, type Target } from "./report.ts";
import { readSummary, type SummaryFigures } from "./summary_figures.ts";
import type { OtlpEncodingResult } from "./otlp_encoding.ts";
import type { SeriesEncodingResult } from "./series_encoding.ts";
import type { TrendSamplesResult } from "./trend_samples.ts";

/** A load tester that takes k6's command line. */
export interface Tool {
  readonly name: "k6d" | "k6";
  readonly command: readonly string[];
}

/** What every case is given. */
export interface BenchContext {
  readonly target: BenchTarget;
  /** k6d first; k6 when `K6_BIN` names it. */
  readonly tools: readonly Tool[];
  readonly seconds: number;
}

/** A case could not be measured; the message says why. */
export class BenchError extends Error {
  override name = "BenchError";
}

/** One case; `run` takes all its figures once, or rejects with a `BenchError`. */
export interface BenchCase {
  readonly name: string;
  readonly run: (context: BenchContext) => Promise<Figure[]>;
}

/** Every case, in the order in which they run. */
export const CASES: readonly BenchCase[] = [
  { name: "closed-loop", run: closedLoop },
  { name: "https", run: (context) => closedTlsLoop(context, "https", 45_000) },
  { name: "http2", run: (context) => closedTlsLoop(context, "http2", 30_000) },
  { name: "many-users", run: manyUsers },
  { name: "arrival-rate", run: arrivalRate },
  { name: "start-delay", run: startDelay },
  { name: "ramping-arrivals", run: rampingArrivals },
  { name: "ramping-users", run: rampingUsers },
  { name: "100k-users", run: hundredThousandUsers },
  { name: "empty-iterations", run: emptyIterations },
  { name: "trend-samples", run: trendSamples },
  { name: "one-iteration", run: oneIteration },
  { name: "compile-time", run: compileTime },
  { name: "remote-write", run: remoteWrite },
  { name: "100k-series", run: hundredThousandSeries },
  { name: "series-encoding", run: seriesEncoding },
  { name: "otlp-encoding", run: otlpEncoding },
  { name: "cloud-metrics", run: cloudMetrics },
  { name: "cloud-output", run: cloudOutput },
  { name: "file-outputs", run: fileOutputs },
  { name: "honest-time", run: honestTime },
  { name: "discarded-bodies", run: discardedBodies },
  { name: "upload-memory", run: uploadMemory },
  { name: "batch-overhead", run: batchOverhead },
];

/** 50 virtual users in a closed loop: GET and check. */
async function closedLoop(context: BenchContext): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const tool of context.tools) {
    const run = await runScript(tool, "closed_loop.js", ["-u", "50", "-d", `${context.seconds}s`], context);
    figures.push(
      figure(tool, "requests/s", run.summary.rate("http_reqs"), { atLeast: 60_000 }),
      figure(tool, "CPU a request, µs", cpuPerRequestUs(run), { atMost: 15 }),
      figure(tool, "p99, ms", run.summary.milliseconds("http_req_duration", "p(99)")),
      failedRequests(tool, run),
    );
  }
  return figures.concat(await wrk(context));
}

/** The same with TLS, by HTTP/1.1 or HTTP/2. */
async function closedTlsLoop(
  context: BenchContext,
  protocol: "https" | "http2",
  requestsPerSecond: number,
): Promise<Figure[]> {
  await using targets: TlsTargets | null = await startTlsTargets();
  if (targets === null) throw new BenchError("needs nginx: apt-get install nginx");
  const target = { ...context.target, url: targets[protocol] };
  const figures: Figure[] = [];
  for (const tool of context.tools) {
    const flags = ["-u", "50", "-d", `${context.seconds}s`, "--insecure-skip-tls-verify"];
    const run = await runScript(tool, "closed_loop.js", flags, { ...context, target });
    figures.push(
      figure(tool, "requests/s", run.summary.rate("http_reqs"), { atLeast: requestsPerSecond }),
      figure(tool, "CPU a request, µs", cpuPerRequestUs(run), { atMost: 20 }),
      figure(tool, "p99, ms", run.summary.milliseconds("http_req_duration", "p(99)")),
      failedRequests(tool, run),
    );
  }
  return figures;
}

async function wrk({ target, seconds }: BenchContext): Promise<Figure[]> {
  const program = findProgram({ program: "wrk", debianPackage: "wrk" });
  if (program === null) return [];
  const run = await measure([program, "-t1", "-c50", `-d${seconds}s`, target.url]);
  if (run.code !== 0) throw new BenchError(`wrk ended with code ${run.code}: ${run.stderr}`);
  const requests = Number(/(\d+) requests in/.exec(run.stdout)?.[1]);
  return [
    { tool: "wrk", name: "requests/s", value: Number(/^Requests\/sec:\s+([\d.]+)/m.exec(run.stdout)?.[1]) },
    { tool: "wrk", name: "CPU a request, µs", value: run.cpuMs * 1000 / requests },
  ];
}

/** 10,000 virtual users, each with a connection of its own: GET and sleep(1). */
async function manyUsers(context: BenchContext): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const tool of context.tools) {
    // A port of its own: 10,000 connections in TIME_WAIT from the run before make every further connect() to it slow.
    await using target = await startBenchTarget();
    const flags = ["-u", "10000", "-d", `${context.seconds}s`];
    const run = await runScript(tool, "many_users.js", flags, { ...context, target });
    figures.push(
      figure(tool, "peak RSS, MB", run.peakRssBytes / 1e6, { atMost: 350 }),
      figure(tool, "iterations/s", run.summary.rate("iterations"), { atLeast: 9000 }),
      figure(tool, "CPU a request, µs", cpuPerRequestUs(run)),
      failedRequests(tool, run),
    );
  }
  return figures;
}

/** 5,000 iterations a second in an open model. */
async function arrivalRate(context: BenchContext): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const tool of context.tools) {
    const run = await runScript(tool, "arrival_rate.js", [], context);
    const duration = (statistic: string) => run.summary.milliseconds("http_req_duration", statistic);
    figures.push(
      figure(tool, "dropped iterations", run.summary.count("dropped_iterations"), { atMost: 0 }),
      figure(tool, "CPU a request, µs", cpuPerRequestUs(run), { atMost: 30 }),
      figure(tool, "p50, ms", duration("med")),
      figure(tool, "p95, ms", duration("p(95)")),
      figure(tool, "p99, ms", duration("p(99)"), { atMost: 2 }),
      failedRequests(tool, run),
    );
  }
  return figures;
}

/** 10,000 empty iterations a second: how late does each start? */
async function startDelay(context: BenchContext): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const tool of context.tools) {
    const run = await runScript(tool, "start_delay.js", [], context);
    const delay = (statistic: string) => run.summary.milliseconds("iteration_start_delay", statistic);
    figures.push(
      figure(tool, "dropped iterations", run.summary.count("dropped_iterations"), { atMost: 0 }),
      figure(tool, "CPU an iteration, µs", run.cpuMs * 1000 / run.summary.count("iterations")),
    );
    // k6 doesn't tell.
    if (tool.name === "k6") continue;
    figures.push(
      figure(tool, "start delay p50, ms", delay("med")),
      figure(tool, "start delay p99, ms", delay("p(99)"), { atMost: 1 }),
      figure(tool, "start delay max, ms", delay("max")),
    );
  }
  return figures;
}

/** From 0 to 20,000 iterations a second in 20 seconds: at the end of every second, how far from the plan is their number? */
async function rampingArrivals(context: BenchContext): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const tool of context.tools) {
    const { summary } = await runScript(tool, "ramping_arrivals.js", [], context);
    let started = 0;
    let worst = 0;
    for (let second = 1; second <= 20; second++) {
      started += summary.count(`started_${String(second - 1).padStart(2, "0")}`);
      const planned = 500 * second ** 2;
      worst = Math.max(worst, Math.abs(started - planned) / planned);
    }
    figures.push(
      figure(tool, "worst deviation from the plan, %", worst * 100, { atMost: 0.5 }),
      figure(tool, "dropped iterations", summary.count("dropped_iterations"), { atMost: 0 }),
    );
  }
  return figures;
}

/** From 0 to 10,000 virtual users in 10 seconds. */
async function rampingUsers(context: BenchContext): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const tool of context.tools) {
    const { summary } = await runScript(tool, "ramping_users.js", [], context);
    figures.push(
      figure(tool, "start delay p99, ms", summary.milliseconds("start_delay", "p(99)"), { atMost: 10 }),
      figure(tool, "start delay max, ms", summary.milliseconds("start_delay", "max")),
    );
  }
  return figures;
}

/** 100,000 virtual users that sleep. k6 would need about 20 GB. */
async function hundredThousandUsers(context: BenchContext): Promise<Figure[]> {
  const [k6d] = context.tools;
  if (k6d === undefined) return [];
  const run = await runScript(k6d, "sleep.js", ["-u", "100000", "-d", "5s"], context);
  return [
    figure(k6d, "peak RSS, MB", run.peakRssBytes / 1e6, { atMost: 1000 }),
    figure(k6d, "wall time beyond the duration, s", run.wallMs / 1000 - 5, { atMost: 10 }),
    figure(k6d, "iterations/s", run.summary.rate("iterations")),
  ];
}

/** 50 virtual users with nothing to do. */
async function emptyIterations(context: BenchContext): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const tool of context.tools) {
    const { summary } = await runScript(tool, "empty.js", ["-u", "50", "-d", "5s"], context);
    figures.push(figure(tool, "iterations/s", summary.rate("iterations"), { atLeast: 500_000 }));
  }
  return figures;
}

/** 30 million samples through one Trend. */
async function trendSamples(): Promise<Figure[]> {
  const result = await inOwnProcess<TrendSamplesResult>("trend_samples.ts");
  return [
    { tool: "k6d", name: "RSS growth, MB", value: result.rssGrowthBytes / 1e6, target: { atMost: 10 } },
    { tool: "k6d", name: "worst quantile error, %", value: result.worstRelativeError * 100, target: { atMost: 0.1 } },
    { tool: "k6d", name: "CPU a sample, ns", value: result.nanosecondsPerSample },
  ];
}

/** The whole process for one iteration: what a script's author waits for. */
async function oneIteration(context: BenchContext): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const tool of context.tools) {
    const wallMs: number[] = [];
    for (let i = 0; i < 10; i++) wallMs.push((await runScript(tool, "closed_loop.js", ["-i", "1"], context)).wallMs);
    figures.push(figure(tool, "wall time, ms", median(wallMs), { atMost: 200 }));
  }
  return figures;
}

/** A bundled script of a megabyte, from its text to what virtual users are made of. */
async function compileTime(): Promise<Figure[]> {
  const results: CompileTimeResult[] = [];
  for (let i = 0; i < 5; i++) {
    results.push(await inOwnProcess<CompileTimeResult>("compile_time.ts", [V8_FLAGS]));
  }
  const loadMs = median(results.map((result) => result.loadMs));
  const evaluateMs = median(results.map((result) => result.evaluateMs));
  return [
    { tool: "k6d", name: "load and compile 1 MB, ms", value: loadMs, target: { atMost: 1000 } },
    { tool: "k6d", name: "evaluate on a worker, ms", value: evaluateMs, target: { atMost: 200 } },
  ];
}

/** 20,000 active series flushed to a real Prometheus while 20,000 requests a second run, beside the same load without it. */
async function remoteWrite(context: BenchContext): Promise<Figure[]> {
  await using tap = await startPrometheusTap();
  if (tap === null) {
    print("remote-write is left out: it needs Prometheus (apt-get install prometheus)");
    return [];
  }
  const [k6d] = context.tools;
  if (k6d === undefined) return [];
  const alone = await runScript(k6d, "many_series.js", [], context);
  const written = await runScript(k6d, "many_series.js", ["-o", `prometheus-rw=${tap.url}`], context);
  const flushesMs = tap.flushesMs();
  if (flushesMs.length === 0) throw new BenchError(`no remote write arrived:\n${written.stderr}`);
  const p99 = (run: ScriptRun) => run.summary.milliseconds("iteration_duration", "p(99)");
  return [
    figure(k6d, "longest flush, ms", Math.max(...flushesMs), { atMost: 1000 }),
    figure(k6d, "requests/s", written.summary.rate("http_reqs"), { atLeast: 19_900 }),
    figure(k6d, "dropped iterations", written.summary.count("dropped_iterations"), { atMost: 0 }),
    figure(k6d, "dropped iterations without output", alone.summary.count("dropped_iterations")),
    figure(k6d, "iteration p99, ms", p99(written)),
    figure(k6d, "iteration p99 without output, ms", p99(alone)),
  ];
}

/** 100,000 active series flushed every five seconds to a real Prometheus: what the output takes, beside the same load without it. */
async function hundredThousandSeries(context: BenchContext): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const tool of context.tools) {
    // A server of its own: what one tool has stored must not slow down the other's writes.
    await using tap = await startPrometheusTap();
    if (tap === null) {
      print("100k-series is left out: it needs Prometheus (apt-get install prometheus)");
      return [];
    }
    const alone = await runScript(tool, "hundred_thousand_series.js", [], context);
    const written = await runScript(
      tool,
      "hundred_thousand_series.js",
      ["-o", "experimental-prometheus-rw"],
      context,
      // k6's default; and the end of a run shall not count as a flush of twice the series.
      { K6_PROMETHEUS_RW_SERVER_URL: tap.url, K6_PROMETHEUS_RW_STALE_MARKERS: "false" },
    );
    const flushesMs = tap.flushesMs();
    if (flushesMs.length === 0) throw new BenchError(`no remote write arrived:\n${written.stderr}`);
    figures.push(
      figure(tool, "longest flush, ms", Math.max(...flushesMs), { atMost: 1500 }),
      figure(tool, "CPU of the output, % of a core", (written.cpuMs - alone.cpuMs) / written.wallMs * 100, {
        atMost: 20,
      }),
      figure(tool, "peak RSS, MB", written.peakRssBytes / 1e6, { atMost: 600 }),
      figure(tool, "peak RSS without output, MB", alone.peakRssBytes / 1e6),
      figure(tool, "dropped iterations", written.summary.count("dropped_iterations")),
    );
  }
  return figures;
}

/** The remote-write output's own work on 100,000 series: samples to states, states to requests. */
async function seriesEncoding(): Promise<Figure[]> {
  const result = await inOwnProcess<SeriesEncodingResult>("series_encoding.ts", [`${V8_FLAGS},--expose-gc`]);
  return [
    { tool: "k6d", name: "series/s, 1.0", value: result.seriesPerSecond["1.0"], target: { atLeast: 400_000 } },
    { tool: "k6d", name: "series/s, 2.0", value: result.seriesPerSecond["2.0"], target: { atLeast: 400_000 } },
    { tool: "k6d", name: "making a request, p99, ms", value: result.requestMsP99 },
    { tool: "k6d", name: "CPU a sample, ns", value: result.nanosecondsPerSample },
    { tool: "k6d", name: "memory a series, bytes", value: result.bytesPerSeries },
  ];
}

/** The same for the OpenTelemetry output. */
async function otlpEncoding(): Promise<Figure[]> {
  const result = await inOwnProcess<OtlpEncodingResult>("otlp_encoding.ts", [`${V8_FLAGS},--expose-gc`]);
  return [
    { tool: "k6d", name: "points/s", value: result.pointsPerSecond, target: { atLeast: 400_000 } },
    { tool: "k6d", name: "longest message to make, ms", value: result.longestMessageMs },
    { tool: "k6d", name: "CPU a sample, ns", value: result.nanosecondsPerSample },
    { tool: "k6d", name: "memory a series, bytes", value: result.bytesPerSeries },
    { tool: "k6d", name: "message a point, bytes", value: result.bytesPerPoint },
  ];
}

/** The cloud output's own work on ten minutes of 20,000 requests a second, in both of its formats. */
async function cloudMetrics(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const format of ["protobuf", "json"]) {
    const result = await inOwnProcess<CloudMetricsResult>("cloud_metrics.ts", [V8_FLAGS], [format]);
    figures.push(
      { tool: "k6d", name: `${format}: CPU a sample, ns`, value: result.nanosecondsPerSample },
      { tool: "k6d", name: `${format}: CPU a series and push, µs`, value: result.microsecondsPerSeries },
      { tool: "k6d", name: `${format}: message a series, bytes`, value: result.bytesPerSeries },
      { tool: "k6d", name: `${format}: longest turn of a flush, ms`, value: result.turnMs, target: { atMost: 10 } },
      { tool: "k6d", name: `${format}: longest turn of the first flush, ms`, value: result.firstTurnMs },
      { tool: "k6d", name: `${format}: RSS growth, MB`, value: result.rssGrowthBytes / 1e6, target: { atMost: 50 } },
    );
  }
  return figures;
}

/**
 * 20,000 requests a second with 500 series, with and without the cloud output. Web workers know nothing of outputs, but what the machine
 * does beside them moves what they take by a tenth from run to run. So the output's share is what all other threads take more.
 */
async function cloudOutput(context: BenchContext): Promise<Figure[]> {
  const [k6d] = context.tools;
  if (k6d === undefined) return [];
  const shortened = { ...context, seconds: CLOUD_RUN_SECONDS };
  const alone = await runScript(k6d, "cloud_series.js", [], shortened, {}, { threads: true });
  const p99 = (run: ScriptRun) => run.summary.milliseconds("iteration_duration", "p(99)");
  const figures = [
    figure(k6d, "CPU a request without output, µs", cpuPerRequestUs(alone)),
    figure(k6d, "iteration p99 without output, ms", p99(alone)),
  ];
  for (const format of ["protobuf", "json"]) {
    const { run, received } = await runToCloud(k6d, format, shortened);
    const more = (run.cpuMsBesideWorkers - alone.cpuMsBesideWorkers) / alone.cpuMs * 100;
    figures.push(
      figure(k6d, `${format}: CPU of the output, % of the run's`, more, { atMost: 10 }),
      figure(k6d, `${format}: CPU a request, µs`, cpuPerRequestUs(run)),
      figure(k6d, `${format}: iteration p99, ms`, p99(run)),
      figure(k6d, `${format}: oldest window when it arrives, s`, received.oldestAgeMs / 1000, { atMost: 12 }),
      figure(k6d, `${format}: peak RSS beyond that without output, MB`, (run.peakRssBytes - alone.peakRssBytes) / 1e6),
    );
  }
  return figures;
}

/** Long enough for a window that began before the run to leave after its wait. */
const CLOUD_RUN_SECONDS = 7;

async function runToCloud(
  k6d: Tool,
  format: string,
  context: BenchContext,
): Promise<{ run: ScriptRun; received: ReceivedMetrics }> {
  await using receiver = await startCloudReceiver();
  const env = { ...receiver.env, K6_CLOUD_METRICS_FORMAT: format };
  const run = await runScript(k6d, "cloud_series.js", ["-o", "cloud"], context, env, { threads: true });
  const received = await receiver.received();
  const [violation] = received.violations;
  if (violation !== undefined) throw new BenchError(`the cloud output broke its contract: ${violation}`);
  if (received.series < 500) throw new BenchError(`${received.series} series arrived in ${received.pushes} pushes`);
  return { run, received };
}

/** What a script of this folder prints, run by itself: its memory and its compiled code are nobody else's. */
async function inOwnProcess<Result>(
  script: string,
  flags: readonly string[] = [],
  args: readonly string[] = [],
): Promise<Result> {
  const run = await measure([Deno.execPath(), "run", "-A", ...flags, `scripts/bench/${script}`, ...args]);
  if (run.code !== 0) throw new BenchError(`the process of ${script} ended with code ${run.code}: ${run.stderr}`);
  return JSON.parse(run.stdout) as Result;
}

/** 500,000 samples a second from busy threads, with and without a file of them all. */
async function fileOutputs(context: BenchContext): Promise<Figure[]> {
  const [k6d] = context.tools;
  if (k6d === undefined) return [];
  const folder = await Deno.makeTempDir({ prefix: "k6d-bench-" });
  const outputs = [`json=${folder}/samples.json`, `csv=${folder}/samples.csv`, `json=${folder}/samples.json.gz`];
  const runs: Record<string, ScriptRun[]> = {};
  try {
    // Short runs by turns: what else the machine does must not meet one output alone.
    const rounds = Math.max(3, Math.round(context.seconds / FILE_RUN_SECONDS));
    for (let round = 0; round < rounds; round++) {
      for (const output of ["", ...outputs]) {
        const flags = ["-u", "8", "-d", `${FILE_RUN_SECONDS}s`, ...(output === "" ? [] : ["-o", output])];
        const run = await runScript(k6d, "many_samples.js", flags, context);
        if (run.stderr !== "") throw new BenchError(`k6d run ${flags.join(" ")} complained:\n${run.stderr}`);
        (runs[output] ??= []).push(run);
      }
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  const samplesPerSecond = (output: string) =>
    median(runs[output]!.map(({ summary }) => summary.rate("iterations") * SAMPLES_PER_ITERATION));
  const cpuPerSampleUs = (output: string) =>
    median(
      runs[output]!.map(({ cpuMs, summary }) => cpuMs * 1000 / (summary.count("iterations") * SAMPLES_PER_ITERATION)),
    );
  return [
    figure(k6d, "samples/s without output", samplesPerSecond("")),
    ...outputs.flatMap((output) => {
      const name = output.replace(/=.*(\.gz)$|=.*/, "$1");
      const [speed, target] = [samplesPerSecond(output) / samplesPerSecond(""), { atLeast: 90 }];
      return [
        figure(k6d, `iterations with ${name}, % of without`, speed * 100, name === "json.gz" ? undefined : target),
        figure(k6d, `CPU a sample for ${name}, µs`, cpuPerSampleUs(output) - cpuPerSampleUs("")),
      ];
    }),
  ];
}

const FILE_RUN_SECONDS = 3;
/** The script's, and k6d's own. */
const SAMPLES_PER_ITERATION = 1004;

/**
 * 2,000 requests a second that take 10 ms each, and how long: what the tool says beside what the packets of the same
 * requests say. wrk's own figures, of a closed loop at the same rate, stand beside it.
 */
async function honestTime(context: BenchContext): Promise<Figure[]> {
  await using target = await startDelayServer();
  const figures: Figure[] = [];
  for (const tool of context.tools) {
    const [run, packetsMs] = await captured(
      target,
      () => runScript(tool, "honest_time.js", [], { ...context, target }),
    );
    const p50 = run.summary.milliseconds("http_req_duration", "med");
    const p99 = run.summary.milliseconds("http_req_duration", "p(99)");
    figures.push(...besidePackets(tool, { p50, p99 }, packetsMs), failedRequests(tool, run));
  }
  const wrk = findProgram({ program: "wrk", debianPackage: "wrk" });
  if (wrk === null) return figures;
  const command = [wrk, "-t1", "-c20", `-d${context.seconds}s`, "--latency", `${target.url}/`];
  const [{ stdout }, packetsMs] = await captured(target, () => measure(command));
  const latencyMs = (percentile: number) => Number(RegExp(`^ +${percentile}% +([\\d.]+)ms$`, "m").exec(stdout)?.[1]);
  return figures.concat(besidePackets({ name: "wrk" }, { p50: latencyMs(50), p99: latencyMs(99) }, packetsMs));
}

/** What a run says, and the milliseconds that each of its requests took by their packets. */
async function captured<T>(target: BenchTarget, run: () => Promise<T>): Promise<[T, number[]]> {
  const capture = await startPacketCapture(Number(new URL(target.url).port));
  if (capture === null) {
    throw new BenchError("needs tcpdump (apt-get install tcpdump), and the right to capture packets");
  }
  try {
    return [await run(), await capture.stop()];
  } catch (error) {
    await capture.stop();
    throw error;
  }
}

function besidePackets(
  tool: { readonly name: string },
  { p50, p99 }: Record<"p50" | "p99", number>,
  packetsMs: readonly number[],
): Figure[] {
  const sorted = packetsMs.toSorted((a, b) => a - b);
  const packets = (part: number) => sorted[Math.floor(part * sorted.length)] ?? NaN;
  return [
    figure(tool, "p50, ms", p50),
    figure(tool, "p99, ms", p99),
    figure(tool, "p50 of the packets, ms", packets(0.5)),
    figure(tool, "p99 of the packets, ms", packets(0.99)),
    figure(tool, "p50 away from the packets', ms", Math.abs(p50 - packets(0.5)), { atMost: 0.3 }),
    figure(tool, "p99 away from the packets', ms", Math.abs(p99 - packets(0.99)), { atMost: 1.5 }),
  ];
}

/** Answers of 1 MB whose bodies are discarded. */
async function discardedBodies(context: BenchContext): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const tool of context.tools) {
    const seconds = `${context.seconds}s`;
    const run = await runScript(tool, "discarded_bodies.js", ["-u", "4", "-d", seconds], context);
    figures.push(
      figure(tool, "GB/s", run.summary.rate("http_reqs") * MEGABYTE / 1e9, { atLeast: 2 }),
      figure(tool, "peak RSS, MB", run.peakRssBytes / 1e6),
      failedRequests(tool, run),
    );
  }
  return figures;
}

const MEGABYTE = 1_000_000;

/** Uploads of a file of 100 MB, as it is and in a form, by 1, 10 and 50 virtual users: is it held once? */
async function uploadMemory(context: BenchContext): Promise<Figure[]> {
  const figures: Figure[] = [];
  const file = await Deno.makeTempFile({ prefix: "k6d-bench-" });
  try {
    await Deno.writeFile(file, new Uint8Array(100 * MEGABYTE).fill(120));
    for (const tool of context.tools) {
      for (const kind of ["body", "form"]) {
        const peakMb = async (users: number) => {
          const flags = ["-u", String(users), "-i", String(Math.max(20, users))];
          const run = await runScript(tool, "upload.js", flags, context, { FILE: file, KIND: kind });
          if (run.summary.trues("http_req_failed") > 0) throw new BenchError(`${tool.name}: uploads failed`);
          return run.peakRssBytes / 1e6;
        };
        const [one, ten, fifty] = [await peakMb(1), await peakMb(10), await peakMb(50)];
        figures.push(
          figure(tool, `${kind}: peak RSS of 1 user, MB`, one),
          figure(tool, `${kind}: of 10 users, MB`, ten),
          figure(tool, `${kind}: of 50 users, MB`, fifty),
          figure(tool, `${kind}: 50 users over 1, MB`, fifty - one, { atMost: 100 }),
        );
      }
    }
  } finally {
    await Deno.remove(file);
  }
  return figures;
}

/** Batches of 20 requests, beside 20 sockets driven by hand: with answers that are read, and with no look at them. */
async function batchOverhead(context: BenchContext): Promise<Figure[]> {
  const byHand = await inOwnProcess<ParallelSocketsResult>("parallel_sockets.ts", [], [
    context.target.url,
    String(context.seconds),
  ]);
  const figures: Figure[] = [
    { tool: "by hand", name: "requests/s", value: byHand.requestsPerSecond },
    { tool: "by hand", name: "requests/s, answers not looked at", value: byHand.bareRequestsPerSecond },
  ];
  for (const tool of context.tools) {
    const run = await runScript(tool, "batch.js", ["-u", "1", "-d", `${context.seconds}s`], context);
    const rate = run.summary.rate("http_reqs");
    figures.push(
      figure(tool, "requests/s", rate),
      figure(tool, "overhead, %", (byHand.requestsPerSecond / rate - 1) * 100, { atMost: 15 }),
      figure(tool, "overhead over answers not looked at, %", (byHand.bareRequestsPerSecond / rate - 1) * 100),
      failedRequests(tool, run),
    );
  }
  return figures;
}

interface ScriptRun extends Measured {
  readonly summary: SummaryFigures;
}

const COMMON_ARGUMENTS = ["--quiet", "--no-color", "--no-usage-report", "--summary-trend-stats", "med,p(95),p(99),max"];

/** Runs a workload with a tool; a run that did nothing, or failed, is an error rather than a figure. */
async function runScript(
  { name, command }: Tool,
  workload: string,
  flags: readonly string[],
  { target, seconds }: BenchContext,
  env: Record<string, string> = {},
  options: MeasureOptions = {},
): Promise<ScriptRun> {
  const script = `${ROOT}scripts/bench/workloads/${workload}`;
  const run = await measure(
    [...command, "run", ...COMMON_ARGUMENTS, ...flags, script],
    { BASE_URL: target.url, DURATION: `${seconds}s`, ...env },
    options,
  );
  const summary = readSummary(run.stdout);
  if (run.code !== 0 || summary.count("iterations") === 0) {
    throw new BenchError(`${name} run ${workload} ended with code ${run.code}:\n${run.stdout}${run.stderr}`);
  }
  return { ...run, summary };
}

function cpuPerRequestUs({ cpuMs, summary }: ScriptRun): number {
  return cpuMs * 1000 / summary.count("http_reqs");
}

/** A fast failure is no fast request. */
function failedRequests(tool: Tool, { summary }: ScriptRun): Figure {
  return figure(tool, "failed requests", summary.trues("http_req_failed"), { atMost: 0 });
}

/** Targets are k6d's; other tools only inform. */
function figure(tool: { readonly name: string }, name: string, value: number, target?: Target): Figure {
  return { tool: tool.name, name, value, ...(target !== undefined && tool.name === "k6d" ? { target } : {}) };
}
