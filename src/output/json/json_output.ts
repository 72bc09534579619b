/** The `json` output: every sample as one line of JSON in a file, a gzip file (by the name's ending) or standard output. */

import type { SampleBatch } from "../../metrics/types.ts";
import { type Output, type OutputContext, OutputError, type OutputLog } from "../output.ts";
import { JsonLines, type ThresholdSources } from "./json_lines.ts";

const FLUSH_MS = 200;

/** Makes the output from its argument: a path, or nothing or `-` for standard output. */
export function createJsonOutput(context: OutputContext): Output {
  return new JsonOutput(context);
}

class JsonOutput implements Output {
  readonly description: string;
  readonly #path: string;
  readonly #log: OutputLog;
  readonly #lines: JsonLines;
  readonly #encoder = new TextEncoder();
  #batches: SampleBatch[] = [];
  #sink: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>> | null = null;
  /** Ends when everything handed to the sink has reached its file. */
  #written: Promise<void> = Promise.resolve();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor({ argument, options, registry, log }: OutputContext) {
    this.#path = argument === "-" ? "" : argument;
    this.description = this.#path === "" ? "json(stdout)" : `json (${this.#path})`;
    this.#log = log;
    this.#lines = new JsonLines(registry, (options["thresholds"] ?? {}) as ThresholdSources);
  }

  async start(): Promise<void> {
    const file = await this.#open();
    if (this.#path.endsWith(".gz")) {
      const gzip = new CompressionStream("gzip");
      this.#written = gzip.readable.pipeTo(file);
      this.#sink = gzip.writable.getWriter();
    } else {
      this.#sink = file.getWriter();
      this.#written = this.#sink.closed;
    }
    this.#written.catch((error: Error) => this.#fail(error));
    this.#timer = setInterval(() => this.#flush(), FLUSH_MS);
  }

  addSamples(batch: SampleBatch): void {
    this.#batches.push(batch);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#flush();
    const sink = this.#sink;
    if (sink === null) return;
    try {
      await sink.close();
      await this.#written;
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  async #open(): Promise<WritableStream<Uint8Array<ArrayBuffer>>> {
    if (this.#path === "") return stdoutStream();
    try {
      return (await Deno.open(this.#path, { write: true, create: true, truncate: true })).writable;
    } catch (error) {
      throw new OutputError(`json output: can't write to "${this.#path}": ${(error as Error).message}`);
    }
  }

  #flush(): void {
    const batches = this.#batches;
    this.#batches = [];
    const sink = this.#sink;
    if (sink === null) return;
    for (const batch of batches) {
      const text = this.#lines.encode(batch);
      if (text === "") continue;
      sink.write(this.#encoder.encode(text)).catch((error: Error) => this.#fail(error));
    }
    const { unencodable } = this.#lines;
    if (unencodable > 0) {
      this.#lines.unencodable = 0;
      this.#log.error(`json output: left out ${unencodable} samples that are NaN or infinite, which JSON can't hold`);
    }
  }

  /** The first failure ends the output: one line, and the test goes on. */
  #fail(error: Error): void {
    if (this.#sink === null) return;
    this.#sink = null;
    clearInterval(this.#timer);
    this.#log.error(`json output: stopped, can't write to ${this.#path || "standard output"}: ${error.message}`);
  }
}

/** Standard output, which stays open for what comes after. */
function stdoutStream(): WritableStream<Uint8Array<ArrayBuffer>> {
  return new WritableStream({
    write(bytes) {
      for (let rest = bytes; rest.length > 0;) rest = rest.subarray(Deno.stdout.writeSync(rest));
    },
  });
}
