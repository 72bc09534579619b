/** Starts worker threads; the first one while the engine itself still loads: both take their time, and can take it together. */

import { WORKER_PERMISSIONS } from "../worker/permissions.ts";

let firstWorker: Worker | null = null;

/** Starts the first worker ahead of its pool, which fetches it with `startWorker(0)`. */
export function startFirstWorker(): void {
  firstWorker = createWorker(0);
}

/** A worker with next to no permissions; it may be sent messages at once. */
export function startWorker(index: number): Worker {
  const worker = index === 0 && firstWorker !== null ? firstWorker : createWorker(index);
  if (worker === firstWorker) firstWorker = null;
  return worker;
}

function createWorker(index: number): Worker {
  return new Worker(new URL("../worker/main.ts", import.meta.url), {
    type: "module",
    name: `k6d-worker-${index}`,
    deno: { permissions: WORKER_PERMISSIONS },
  });
}
