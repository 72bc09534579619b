/** What all virtual users of one worker share: settings, recorder, network, timers and the way to the main thread. */

import type { SampleRecorder } from "../metrics/sample_recorder.ts";
import { TagSet } from "../metrics/tag_set.ts";
import type { HttpNetwork } from "../net/http_client.ts";
import type { Options } from "../options/types.ts";
import { BlockedThread } from "./blocked_thread.ts";
import type { FromWorker, LogFields, LogLevel } from "./messages.ts";
import type { SharedState } from "./shared_state.ts";
import { Timers } from "./timers.ts";

// Scripts find these gone from the global object.
const { performance } = globalThis;

/** Sends a message to the main thread. */
export type Post = (message: FromWorker, transfer?: Transferable[]) => void;

/** The part of a worker that lives as long as the test. */
export class WorkerRuntime {
  readonly worker: number;
  readonly options: Options;
  readonly recorder: SampleRecorder;
  readonly network: HttpNetwork;
  readonly state: SharedState;
  readonly post: Post;
  /** What makes the whole thread wait where a script can't be suspended. */
  readonly blocked: BlockedThread;
  readonly timers = new Timers();
  readonly systemTags: ReadonlySet<string>;
  /** The run's own tags. */
  readonly rootTags: TagSet;
  /** When the test began to run, epoch milliseconds; 0 before. */
  testStartedAtEpochMs = 0;

  constructor(
    worker: number,
    options: Options,
    recorder: SampleRecorder,
    network: HttpNetwork,
    state: SharedState,
    post: Post,
  ) {
    this.worker = worker;
    this.options = options;
    this.recorder = recorder;
    this.network = network;
    this.state = state;
    this.post = post;
    this.blocked = new BlockedThread(this);
    this.systemTags = new Set(options.systemTags);
    this.rootTags = TagSet.root().withAll(Object.entries(options.tags));
  }

  /** Tags of code that runs in a scenario; its own name wins over a tag `scenario`. */
  tagsFor(scenario: string, tags: Readonly<Record<string, string>>): TagSet {
    const own = this.rootTags.withAll(Object.entries(tags));
    return this.systemTags.has("scenario") ? own.with("scenario", scenario) : own;
  }

  log(level: LogLevel, message: string, fields: LogFields = {}): void {
    this.post({ type: "log", level, message, fields });
  }
}

/** Now, as samples carry it: epoch milliseconds with fractions, never going back. Hot. */
export function nowEpochMs(): number {
  return performance.timeOrigin + performance.now();
}
