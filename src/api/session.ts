/** What the init stage of a script reaches: files, shared arrays and metrics of its worker, the same for all its virtual users. */

import type { SampleRecorder } from "../metrics/sample_recorder.ts";
import type { SecretSource } from "../options/types.ts";
import type { Outside } from "../worker/event_loop.ts";
import type { LogFields, LogLevel } from "../worker/messages.ts";

/** The worker's side of the API. */
export interface InitSession {
  readonly recorder: SampleRecorder;
  /** Contents of a file, read at most once in the process; throws an `Error` for the script when it can't be read. */
  openFile(path: string): SharedArrayBuffer;
  /** Whether the script might change the bytes of a file that it opened: each virtual user then gets its own. */
  readonly mayWriteBytes: boolean;
  /** The elements of a shared array, made by `create` the first time its name is seen. */
  sharedArray(name: string, create: () => SharedArrayBuffer): SharedArrayBuffer;
  log(level: LogLevel, message: string, fields?: LogFields): void;
  readonly secretSources: readonly SecretSource[];
  /** Asks for a secret of the cloud's test run, which no line of the log shows from then on. */
  readRunSecret(key: string, outcome: Outside<string>): void;
  /** From now on no line of the log shows the text. */
  redact(text: string): void;
  /** `exec.test.options`, frozen; undefined in the first init stage. */
  testOptions(): unknown;
  /** Ends the test: `exec.test.abort()`. */
  abort(message: string): void;
  /** Marks the test as failed: `exec.test.fail()`. */
  markFailed(message: string): void;
}

/** The one session of this worker; set before the script's first line runs. */
export let session: InitSession;

/** Sets the session. */
export function setSession(value: InitSession): void {
  session = value;
}
