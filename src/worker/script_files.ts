/**
 * `open()`: files that a script may read in its init stage. A worker may read none itself: the main thread does it,
 * while this thread waits. Every file is held once in the process; later virtual users open only what the first one did.
 */

import type { FromWorker } from "./messages.ts";

/** Cells of the gate through which a blocked worker and the main thread talk. */
export const enum FileGate {
  /** 0 while the worker waits, 1 once the main thread has answered. */
  state,
  /** Size in bytes, or -1 when the file can't be read. */
  size,
}

/** Reads a whole file through the main thread; returns undefined when it can't be read. Blocks this thread. */
export function readFileThroughMain(
  path: string,
  gate: SharedArrayBuffer,
  post: (message: FromWorker) => void,
): SharedArrayBuffer | undefined {
  const cells = new Int32Array(gate);
  ask(cells, () => post({ type: "read-file", path }));
  const size = cells[FileGate.size]!;
  if (size < 0) return undefined;
  const target = new SharedArrayBuffer(size);
  if (size > 0) ask(cells, () => post({ type: "fill-file", target }));
  return cells[FileGate.size]! < 0 ? undefined : target;
}

function ask(cells: Int32Array, send: () => void): void {
  Atomics.store(cells, FileGate.state, 0);
  send();
  Atomics.wait(cells, FileGate.state, 0);
}
