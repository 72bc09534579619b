/** Room for open files: the runtime crashes when it starts a thread and there is none. */

import { ExitCode } from "../cli/exit_codes.ts";
import { RunError } from "./run_error.ts";

/** A thread opens some six files when it starts, and reads its modules; others may open some at the same time. */
const FILES_OF_A_THREAD = 12;

/** Whether so many files can be opened as threads need that start together. */
export function hasRoomForThreads(threads = 1): boolean {
  if (Deno.build.os === "windows") return true;
  const files: Deno.FsFile[] = [];
  try {
    while (files.length < threads * FILES_OF_A_THREAD) files.push(Deno.openSync("/dev/null"));
    return true;
  } catch (error) {
    // Whatever else keeps it from being opened says nothing of their number.
    return !(error instanceof Error && "code" in error && (error.code === "EMFILE" || error.code === "ENFILE"));
  } finally {
    for (const file of files) file.close();
  }
}

/** @throws {RunError} when so many threads can't be started */
export function needRoomForThreads(threads = 1): void {
  if (!hasRoomForThreads(threads)) throw new RunError(ExitCode.Failure, TOO_MANY_FILES);
}

const TOO_MANY_FILES =
  "too many open files to start another thread: raise the limit (ulimit -n 65536), or take fewer threads (--workers)";
