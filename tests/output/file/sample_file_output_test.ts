import { assert, assertEquals, assertRejects } from "@std/assert";
import { MetricRegistry } from "../../../src/metrics/registry.ts";
import type { SampleBatch } from "../../../src/metrics/types.ts";
import { BACKLOG_BYTES, SampleFileOutput } from "../../../src/output/file/sample_file_output.ts";
import { JsonFormat } from "../../../src/output/json/json_format.ts";
import { OutputError } from "../../../src/output/output.ts";
import { batchesOf } from "./sample_text.ts";
import { commonContext } from "../support/run_facts.ts";

/** A `json` output in a folder of its own, what it says, and batches to give it. */
class FileRun implements AsyncDisposable {
  readonly output: SampleFileOutput;
  /** As `warn: …` and `error: …`. */
  readonly complaints: string[] = [];
  readonly path: string;
  readonly #registry = new MetricRegistry();
  readonly #folder: string;

  constructor(name: string, { path, stopTimeoutMs }: { path?: string; stopTimeoutMs?: number } = {}) {
    this.#folder = Deno.makeTempDirSync({ prefix: "k6d-file-" });
    this.path = path ?? `${this.#folder}/${name}`;
    const settings = { name: "json", path: this.path, flushIntervalMs: 10, format: new JsonFormat({}) };
    const log = {
      debug() {},
      info() {},
      warn: (message: string) => this.complaints.push(`warn: ${message.replaceAll(this.path, "FILE")}`),
      error: (message: string) => this.complaints.push(`error: ${message.replaceAll(this.path, "FILE")}`),
    };
    this.output = new SampleFileOutput(
      settings,
      { ...commonContext({ registry: this.#registry, log }), argument: "", name: "json" },
      stopTimeoutMs,
    );
  }

  stop(): Promise<void> {
    return this.output.stop();
  }

  /** A full batch, as a busy worker sends them. */
  batch(): SampleBatch {
    return batchesOf(Array.from({ length: FULL }, (_, value) => ({ value })), this.#registry)[0]!;
  }

  /** Makes the file a pipe and opens its end for reading. */
  async openPipe(): Promise<Deno.FsFile> {
    const { success } = await new Deno.Command("mkfifo", { args: [this.path] }).output();
    assert(success);
    const [reader] = await Promise.all([Deno.open(this.path), this.output.start()]);
    return reader;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }
}

const FULL = 8192;

/** Waits for a condition, at most 30 seconds. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (!await condition()) {
    assert(performance.now() < deadline, "it never came");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** The samples in all lines that are complete. */
function pointsOf(text: string): number {
  return text.split("\n").slice(0, -1).filter((line) => JSON.parse(line).type === "Point").length;
}

Deno.test("a file by the name .gz holds the same lines, compressed", async () => {
  await using plain = new FileRun("a.json");
  await using gzip = new FileRun("a.json.gz");
  for (const { output, batch } of [plain, gzip].map((run) => ({ output: run.output, batch: run.batch() }))) {
    await output.start();
    for (let i = 0; i < 20; i++) output.addSamples(batch);
    await output.stop();
  }
  const text = await Deno.readTextFile(plain.path);
  assertEquals(pointsOf(text), 20 * FULL);
  const unzipped = (await Deno.open(gzip.path)).readable.pipeThrough(new DecompressionStream("gzip"));
  assertEquals(await new Response(unzipped).text() === text, true);
  assertEquals([...plain.complaints, ...gzip.complaints], []);
});

Deno.test("samples are in the file while the test still runs", async () => {
  await using run = new FileRun("a.json");
  await run.output.start();
  run.output.addSamples(run.batch());
  await until(async () => pointsOf(await Deno.readTextFile(run.path)) === FULL);
  await run.stop();
});

Deno.test("the main thread gets its turns while a large backlog is written", async () => {
  await using run = new FileRun("a.json");
  await run.output.start();
  const batch = run.batch();
  for (let i = 0; i < 200; i++) run.output.addSamples(batch);
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  await run.stop();
  clearInterval(timer);
  assert(turns >= 5, `${turns} turns`);
  assertEquals(run.complaints, []);
});

Deno.test("what a slow reader takes late is kept up to a limit; beyond it samples are left out and counted", async () => {
  await using run = new FileRun("pipe");
  const reader = await run.openPipe();
  const batch = run.batch();
  const given = Math.ceil(BACKLOG_BYTES / (FULL * 20)) + 50;
  for (let i = 0; i < given; i++) run.output.addSamples(batch);
  const [text] = await Promise.all([new Response(reader.readable).text(), run.stop()]);
  const missing = given * FULL - pointsOf(text);
  assert(missing >= 50 * FULL && missing < 60 * FULL, `${missing}`);
  assertEquals(run.complaints, [
    'warn: json output: samples come faster than "FILE" takes them; some are left out',
    `error: json output: ${missing} of ${given * FULL} samples are missing in "FILE"`,
  ]);
});

Deno.test("a reader that never reads can't keep the test from its end", async () => {
  await using run = new FileRun("pipe", { stopTimeoutMs: 20 });
  using _reader = await run.openPipe();
  const batch = run.batch();
  for (let i = 0; i < 20; i++) run.output.addSamples(batch);
  await run.stop();
  assertEquals(run.complaints, [
    'error: json output: stopped, can\'t write to "FILE": it took more than 0.02 s at the end of the test',
    `error: json output: up to ${20 * FULL} of ${20 * FULL} samples are missing in "FILE"`,
  ]);
});

Deno.test("a reader that goes away, or a full disk, ends the output with one line", async () => {
  await using pipe = new FileRun("pipe");
  (await pipe.openPipe()).close();
  await using disk = new FileRun("", { path: "/dev/full" });
  await disk.output.start();
  for (const [run, reason] of [[pipe, /Broken pipe/], [disk, /No space left/]] as const) {
    run.output.addSamples(run.batch());
    await until(() => run.complaints.length > 0);
    run.output.addSamples(run.batch());
    await run.stop();
    assertEquals(run.complaints.length, 2);
    assertEquals(reason.test(run.complaints[0]!), true, run.complaints[0]);
    const missing = `up to ${2 * FULL} of ${2 * FULL}`;
    assertEquals(run.complaints[1], `error: json output: ${missing} samples are missing in "FILE"`);
  }
});

Deno.test("what is missing in a compressed file is told also when the disk is full only at its end", async () => {
  await using run = new FileRun("full.gz");
  await Deno.symlink("/dev/full", run.path);
  await run.output.start();
  run.output.addSamples(run.batch());
  await run.stop();
  assertEquals(run.complaints, [
    'error: json output: stopped, can\'t write to "FILE": No space left on device',
    `error: json output: up to ${FULL} of ${FULL} samples are missing in "FILE"`,
  ]);
});

Deno.test("a file has one output: a second one that means the same file doesn't start, until the first has ended", async () => {
  await using first = new FileRun("samples.json");
  await first.output.start();
  await Deno.symlink(first.path, `${first.path}.link`);
  await using second = new FileRun("", { path: `${first.path}.link` });
  await assertRejects(() => second.output.start(), OutputError, "another output of this test writes to it");
  await first.stop();
  await second.output.start();
  await second.stop();
});

Deno.test("a file that can't be opened is refused at the start", async () => {
  await using run = new FileRun("", { path: "/dev/null/a.json" });
  await assertRejects(() => run.output.start(), OutputError, `json output: can't write to "/dev/null/a.json": Not a`);
  await run.stop();
  assertEquals(run.complaints, []);
});
