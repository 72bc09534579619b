/** Runs k6d as a user does: a process of its own, in a folder with the test's files. */

import { assertEquals } from "@std/assert";
import { ROOT } from "../../../scripts/repository.ts";

/** What to run, and with what around it. */
export interface K6dCommand {
  /** Files by their path in the run's folder; a text alone is `script.js`. */
  readonly files?: string | Readonly<Record<string, string | Uint8Array<ArrayBuffer>>>;
  /** Arguments after `k6d`; `run --quiet script.js` unless told otherwise. */
  readonly args?: readonly string[];
  /** Variables beside those that Deno needs. */
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** A shell command that k6d starts after, for example `ulimit -n 64`. */
  readonly before?: string;
}

/** How a run ended and what it said. */
export interface K6dResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly durationMs: number;
}

/** A run that still goes on; disposing of it ends the process and removes its folder. */
export class K6dProcess implements AsyncDisposable {
  readonly folder: string;
  readonly #child: Deno.ChildProcess;
  readonly #startedAtMs = performance.now();
  readonly #stdout: Promise<string>;
  readonly #stderr: LineReader;
  readonly #limit: ReturnType<typeof setTimeout>;

  private constructor(folder: string, child: Deno.ChildProcess) {
    this.folder = folder;
    this.#child = child;
    this.#stdout = new Response(child.stdout).text();
    this.#stderr = new LineReader(child.stderr);
    this.#limit = setTimeout(() => child.kill("SIGKILL"), LIMIT_MS);
  }

  static async start({ files = {}, args = DEFAULT_ARGS, env = {}, stdin, before }: K6dCommand): Promise<K6dProcess> {
    const folder = await Deno.makeTempDir({ prefix: "k6d-e2e-" });
    for (const [path, content] of Object.entries(typeof files === "string" ? { "script.js": files } : files)) {
      await writeFile(`${folder}/${path}`, content);
    }
    const k6d = [Deno.execPath(), "run", "-A", "--no-check", `${ROOT}main.ts`, ...args];
    const [program, ...rest] = before === undefined ? k6d : ["/bin/sh", "-c", `${before}; exec "$@"`, "sh", ...k6d];
    const child = new Deno.Command(program!, {
      args: rest,
      cwd: folder,
      clearEnv: true,
      env: { ...plainEnvironment(), ...env },
      stdin: stdin === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    if (stdin !== undefined) await new Response(stdin).body!.pipeTo(child.stdin);
    return new K6dProcess(folder, child);
  }

  /** Resolves when the log has a line that matches; throws when the run ends without one. */
  logged(pattern: RegExp): Promise<void> {
    return this.#stderr.waitFor(pattern);
  }

  /** Sends a signal. */
  signal(name: Deno.Signal): void {
    this.#child.kill(name);
  }

  async ended(): Promise<K6dResult> {
    const [{ code }, stdout, stderr] = await Promise.all([this.#child.status, this.#stdout, this.#stderr.all()]);
    clearTimeout(this.#limit);
    return { code, stdout, stderr, durationMs: performance.now() - this.#startedAtMs };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch (error) {
      // It has ended already.
      if (!(error instanceof TypeError)) throw error;
    }
    await this.ended();
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** Runs k6d to its end. */
export async function runK6d(command: K6dCommand): Promise<K6dResult> {
  await using run = await K6dProcess.start(command);
  return await run.ended();
}

/** Runs k6d and expects it to succeed; the whole log is shown otherwise. */
export async function runSuccessfully(command: K6dCommand): Promise<K6dResult> {
  const result = await runK6d(command);
  assertEquals(result.code, 0, result.stderr);
  return result;
}

/** The messages of `console.log` and its like, in order. */
export function consoleMessages({ stderr }: Pick<K6dResult, "stderr">): string[] {
  return logEntries(stderr).filter(({ source }) => source === "console").map(({ msg }) => msg ?? "");
}

/** The log's lines as their keys and values. */
export function logEntries(stderr: string): Record<string, string>[] {
  return stderr.split("\n").filter((line) => line !== "").map((line) => {
    const pairs = line.matchAll(/(\w+)=("(?:[^"\\]|\\.)*"|\S*)/g);
    return Object.fromEntries(
      pairs.map(([, key, value]) => [key!, value!.startsWith('"') ? JSON.parse(value!) as string : value!]),
    );
  });
}

/** The row of a metric in the summary, without its name; undefined when there is none. */
export function summaryRow({ stdout }: Pick<K6dResult, "stdout">, name: string): string | undefined {
  return RegExp(`^ *${RegExp.escape(name)}\\.*: (.*)$`, "m").exec(stdout)?.[1]?.trim();
}

/** The number that a row of the summary begins with; 0 without such a row. */
export function summaryCount(result: Pick<K6dResult, "stdout">, name: string): number {
  return Number(/^\d+/.exec(summaryRow(result, name) ?? "0")?.[0]);
}

/** A run that takes longer hangs; it is ended so that its test fails. */
const LIMIT_MS = 30_000;

const DEFAULT_ARGS = ["run", "--quiet", "script.js"];

/** This process's environment without what would configure k6d. */
export function plainEnvironment(): Record<string, string> {
  const entries = Object.entries(Deno.env.toObject()).filter(([name]) => !/^(K6|NODE_|.*_PROXY$)/i.test(name));
  return { ...Object.fromEntries(entries), NO_COLOR: "1" };
}

async function writeFile(path: string, content: string | Uint8Array<ArrayBuffer>): Promise<void> {
  await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  if (typeof content === "string") await Deno.writeTextFile(path, content);
  else await Deno.writeFile(path, content);
}

/** Collects a stream and tells when something has come. */
class LineReader {
  #text = "";
  #ended = false;
  readonly #reading: Promise<void>;
  #waiting: (() => void)[] = [];

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reading = this.#read(stream);
  }

  async all(): Promise<string> {
    await this.#reading;
    return this.#text;
  }

  async waitFor(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.#text)) {
      if (this.#ended) throw new Error(`the run ended without ${pattern} in its log: ${this.#text}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      this.#text += decoder.decode(chunk, { stream: true });
      this.#wake();
    }
    this.#ended = true;
    this.#wake();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }
}
