/** Starts threads; the first worker while the engine itself still loads: both take their time, and can take it together. */

import { WORKER_PERMISSIONS } from "../worker/permissions.ts";
import { hasRoomForThreads, needRoomForThreads } from "./file_limit.ts";

let firstWorker: Worker | null = null;

/** Starts the first worker ahead of its pool, which fetches it with `startWorker(0)`; where it can't, the pool says so. */
export function startFirstWorker(): void {
  if (hasRoomForThreads()) firstWorker = createWorker(0);
}

/**
 * A worker with next to no permissions; it may be sent messages at once.
 *
 * @throws {RunError} when too many files are open for a thread
 */
export function startWorker(index: number): Worker {
  if (firstWorker === null) needRoomForThreads();
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
