/** A real Prometheus behind a proxy that notes when remote writes come and how long they take: flush times seen from outside. */

import { findProgram, prometheus } from "../../tests/support/debian.ts";
import { startPrometheus } from "../../tests/support/prometheus.ts";

/** A running Prometheus that takes remote writes. */
export interface PrometheusTap extends AsyncDisposable {
  /** Where to write. */
  readonly url: string;
  /** How long each flush took, in ms: from its first request's arrival to the last one's answer. */
  flushesMs(): number[];
}

/** Requests closer together than this belong to one flush; flushes are seconds apart. */
const FLUSH_GAP_MS = 1000;

/** Starts Prometheus and the proxy on free loopback ports; null when it is not installed. */
export async function startPrometheusTap(): Promise<PrometheusTap | null> {
  const program = findProgram(prometheus);
  if (program === null) return null;
  await using resources = new AsyncDisposableStack();
  const server = resources.use(await startPrometheus(program));

  const writes: { readonly startedMs: number; readonly endedMs: number }[] = [];
  const stop = new AbortController();
  const proxy = Deno.serve(
    { hostname: "127.0.0.1", port: 0, signal: stop.signal, onListen() {} },
    async ({ method, headers, body }) => {
      const startedMs = performance.now();
      const answer = await fetch(server.writeUrl, { method, headers, body });
      const text = await answer.text();
      writes.push({ startedMs, endedMs: performance.now() });
      return new Response(answer.status === 204 ? null : text, { status: answer.status });
    },
  );
  resources.defer(async () => {
    stop.abort();
    await proxy.finished;
  });

  const owned = resources.move();
  return {
    url: `http://127.0.0.1:${proxy.addr.port}/api/v1/write`,
    flushesMs() {
      const flushes: { startedMs: number; endedMs: number }[] = [];
      for (const { startedMs, endedMs } of writes) {
        const last = flushes.at(-1);
        if (last !== undefined && startedMs - last.endedMs < FLUSH_GAP_MS) last.endedMs = endedMs;
        else flushes.push({ startedMs, endedMs });
      }
      return flushes.map(({ startedMs, endedMs }) => endedMs - startedMs);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
