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
  readonly peakRssBytes: number;
}

/** The last look before the end misses at most this much of the process's life. */
const SAMPLE_EVERY_MS = 10;
/** Unit of the times in /proc/<pid>/stat: USER_HZ is 100 on every Linux that Deno runs on. */
const MS_PER_TICK = 10;

/** Runs a command in the repository's root to its end. */
export async function measure(command: readonly string[], env: Record<string, string> = {}): Promise<Measured> {
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
  const sampling = setInterval(() => {
    cpuMs = Math.max(cpuMs, readCpuMs(child.pid));
    peakRssBytes = Math.max(peakRssBytes, readPeakRssBytes(child.pid));
  }, SAMPLE_EVERY_MS);
  const { code, stdout, stderr } = await child.output();
  const wallMs = performance.now() - startedAt;
  clearInterval(sampling);
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr), wallMs, cpuMs, peakRssBytes };
}

/** Arguments for bash that run a command in bash's place, with as many open files as the machine grants. */
export function withManyFiles(command: readonly string[]): string[] {
  return ["-c", 'ulimit -Sn hard && exec "$@"', "bash", ...command];
}

function readCpuMs(pid: number): number {
  // The second field, the program's name, may hold blanks: count from the parenthesis that closes it.
  const fields = readProc(`${pid}/stat`).split(") ").at(-1)?.split(" ") ?? [];
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
    if (error instanceof Deno.errors.NotFound || /No such process/.test(String(error))) return "";
    throw error;
  }
}
