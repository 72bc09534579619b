/**
 * The pacer: a thread that does nothing but wait on `Atomics.wait`, which is ten times as punctual as an event loop's
 * timer, and wake workers whose next start is due.
 */

import { PacerCells } from "./alarm.ts";

/** Serves until the thread is ended from outside. */
function serve(cells: PacerCells): never {
  // The wish of each worker that it was woken for last.
  const served = new Int32Array(cells.workers);
  for (;;) {
    const news = cells.news();
    const now = performance.timeOrigin + performance.now();
    let next = Infinity;
    for (let worker = 0; worker < served.length; worker++) {
      const asked = cells.asked(worker);
      if (asked === served[worker]) continue;
      const wakeAt = cells.wakeAt(worker);
      if (wakeAt > now) {
        next = Math.min(next, wakeAt);
      } else {
        served[worker] = asked;
        cells.signal(worker);
      }
    }
    cells.waitForNews(news, next - now);
  }
}

const scope = globalThis as unknown as { onmessage: ((event: MessageEvent<SharedArrayBuffer>) => void) | null };
scope.onmessage = ({ data }) => serve(new PacerCells(data));
