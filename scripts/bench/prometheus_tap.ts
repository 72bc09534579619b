/** A real Prometheus behind a relay that notes when bytes pass: flush times seen from outside. */

import { findProgram, prometheus } from "../../tests/support/debian.ts";
import { startPrometheus } from "../../tests/support/prometheus.ts";

/** A running Prometheus that takes remote writes. */
export interface PrometheusTap extends AsyncDisposable {
  /** Where to write. */
  readonly url: string;
  /** How long each flush took, in ms: from the first byte of its first request to the last byte of the last answer. */
  flushesMs(): number[];
}

/** Bytes closer together than this belong to one flush; flushes are seconds apart. */
const FLUSH_GAP_MS = 1000;

/** Starts Prometheus and the relay on free loopback ports; null when it is not installed. */
export async function startPrometheusTap(): Promise<PrometheusTap | null> {
  const program = findProgram(prometheus);
  if (program === null) return null;
  await using resources = new AsyncDisposableStack();
  const server = resources.use(await startPrometheus(program));
  const { hostname, port } = new URL(server.writeUrl);

  const flushes: { readonly startedMs: number; endedMs: number }[] = [];
  const note = () => {
    const nowMs = performance.now();
    const last = flushes.at(-1);
    if (last !== undefined && nowMs - last.endedMs < FLUSH_GAP_MS) last.endedMs = nowMs;
    else flushes.push({ startedMs: nowMs, endedMs: nowMs });
  };
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const relayed: Promise<void>[] = [];
  const accepting = (async () => {
    for await (const client of listener) relayed.push(relay(client, { hostname, port: Number(port) }, note));
  })();
  resources.defer(async () => {
    listener.close();
    await accepting;
    await Promise.all(relayed);
  });

  const owned = resources.move();
  return {
    url: `http://127.0.0.1:${(listener.addr as Deno.NetAddr).port}/api/v1/write`,
    flushesMs: () => flushes.map(({ startedMs, endedMs }) => endedMs - startedMs),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Passes bytes on in both directions until both sides are done; calls `note` for each piece. */
async function relay(client: Deno.Conn, to: { hostname: string; port: number }, note: () => void): Promise<void> {
  const server = await Deno.connect(to);
  const noting = () =>
    new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform(piece, controller) {
        note();
        controller.enqueue(piece);
      },
    });
  // Either side may be gone when the tool or Prometheus ends: that ends the relay, no more.
  await Promise.allSettled([
    client.readable.pipeThrough(noting()).pipeTo(server.writable),
    server.readable.pipeThrough(noting()).pipeTo(client.writable),
  ]);
}
