/** Runs one command and says what it took: wall time, processor time, peak memory. Linux only: it reads /proc. */

import { ROOT } from "../repository.ts";

/** What a finished command took. */
export interface Measured {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly wallMs: number;
  /** User and system time of all its threads. */
  readonly cpuMs: number;
  /** The part of it that was not spent by web workers, whose names begin with "worker-"; NaN unless it was asked for. */
  readonly cpuMsBesideWorkers: number;
  readonly peakRssBytes: number;
}

/** What to look at besides the process as a whole, which costs time. */
export interface MeasureOptions {
  /** Default false. */
  readonly threads?: boolean;
}

/** The last look before the end misses at most this much of the process's life. */
const SAMPLE_EVERY_MS = 10;
/** Unit of the times in /proc/<pid>/stat: USER_HZ is 100 on every Linux that Deno runs on. */
const MS_PER_TICK = 10;

/** Runs a command in the repository's root to its end. */
export async function measure(
  command: readonly string[],
  env: Record<string, string> = {},
  { threads = false }: MeasureOptions = {},
): Promise<Measured> {
  const startedAt = performance.now();
  const child = new Deno.Command("bash", {
    args: withManyFiles(command),
    env,
    cwd: ROOT,
    stdout: "piped",
    stderr: "piped",
  })
    .spawn();
  let cpuMs = 0;
  let peakRssBytes = 0;
  const threadsCpuMs = new Map<string, number>();
  const sampling = setInterval(() => {
    cpuMs = Math.max(cpuMs, readCpuMs(child.pid));
    peakRssBytes = Math.max(peakRssBytes, readPeakRssBytes(child.pid));
    if (threads) readThreadsBesideWorkers(child.pid, threadsCpuMs);
  }, SAMPLE_EVERY_MS);
  const { code, stdout, stderr } = await child.output();
  const wallMs = performance.now() - startedAt;
  clearInterval(sampling);
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
    wallMs,
    cpuMs,
    cpuMsBesideWorkers: threads ? threadsCpuMs.values().reduce((sum, ms) => sum + ms, 0) : NaN,
    peakRssBytes,
  };
}

/** Arguments for bash that run a command in bash's place, with as many open files as the machine grants. */
export function withManyFiles(command: readonly string[]): string[] {
  return ["-c", 'ulimit -Sn hard && exec "$@"', "bash", ...command];
}

/** By thread's id; threads that have ended keep what they had. */
function readThreadsBesideWorkers(pid: number, cpuMs: Map<string, number>): void {
  for (const thread of threadsOf(pid)) {
    const stat = readProc(`${pid}/task/${thread}/stat`);
    if (stat !== "" && !stat.includes("(worker-")) cpuMs.set(thread, cpuMsOfStat(stat));
  }
}

function threadsOf(pid: number): string[] {
  try {
    return Array.from(Deno.readDirSync(`/proc/${pid}/task`), ({ name }) => name);
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

function readCpuMs(pid: number): number {
  return cpuMsOfStat(readProc(`${pid}/stat`));
}

function cpuMsOfStat(stat: string): number {
  // The second field, the program's name, may hold blanks: count from the parenthesis that closes it.
  const fields = stat.split(") ").at(-1)?.split(" ") ?? [];
  const [userTicks, systemTicks] = [Number(fields[11] ?? 0), Number(fields[12] ?? 0)];
  return (userTicks + systemTicks) * MS_PER_TICK;
}

function readPeakRssBytes(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readProc(`${pid}/status`))?.[1] ?? 0) * 1024;
}

/** A file of /proc; empty once the process is gone. */
function readProc(path: string): string {
  try {
    return Deno.readTextFileSync(`/proc/${path}`);
  } catch (error) {
    if (isGone(error)) return "";
    throw error;
  }
}

function isGone(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || /No such process/.test(String(error));
}
