/**
 * The pacer: a thread that does nothing but wait on `Atomics.wait`, which is ten times as punctual as an event loop's
 * timer, and wake workers whose next start is due.
 */

import { PacerCells } from "./alarm.ts";

/** Serves until the thread is ended from outside. */
function serve(cells: PacerCells): never {
  const { workers } = cells;
  /** How often each worker had asked when its wish was read last. */
  const read = new Int32Array(workers);
  /** When each worker is to be woken next. */
  const next = new Float64Array(workers).fill(Infinity);
  for (;;) {
    const news = cells.news();
    const now = performance.timeOrigin + performance.now();
    let earliest = Infinity;
    for (let worker = 0; worker < workers; worker++) {
      const asked = cells.asked(worker);
      if (asked !== read[worker]) {
        read[worker] = asked;
        next[worker] = cells.wakeAt(worker);
      }
      if (next[worker]! <= now) {
        cells.signal(worker);
        const repeatMs = cells.repeatMs(worker);
        // A wake-up that is late, or that the worker could not follow, moves none of the later ones.
        const steps = Math.floor((now - next[worker]!) / repeatMs) + 1;
        next[worker] = repeatMs > 0 ? next[worker]! + steps * repeatMs : Infinity;
      }
      earliest = Math.min(earliest, next[worker]!);
    }
    cells.waitForNews(news, earliest - now);
  }
}

const scope = globalThis as unknown as { onmessage: ((event: MessageEvent<SharedArrayBuffer>) => void) | null };
scope.onmessage = ({ data }) => serve(new PacerCells(data));
