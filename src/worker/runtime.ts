/** What all virtual users of one worker share: settings, recorder, network, timers and the way to the main thread. */

import type { SampleRecorder } from "../metrics/sample_recorder.ts";
import { divide, divideEvenly, type Share, shareOf } from "../executor/stripes.ts";
import { TagSet } from "../metrics/tag_set.ts";
import type { HttpNetwork } from "../net/http_client.ts";
import { LocalAddresses } from "../net/local_addresses.ts";
import type { Options } from "../options/types.ts";
import { pacerAlarm, PacerCells } from "./alarm.ts";
import { BlockedThread } from "./blocked_thread.ts";
import type { FromWorker, LogFields, LogLevel } from "./messages.ts";
import type { SharedState } from "./shared_state.ts";
import { Timers } from "./timers.ts";

// Scripts find these gone from the global object.
const { performance } = globalThis;

/** Sends a message to the main thread. */
export type Post = (message: FromWorker, transfer?: Transferable[]) => void;

/** Where a worker stands among its like. */
export interface WorkerPlace {
  /** Counts from 0. */
  readonly worker: number;
  readonly workers: number;
  /** `PacerCells`; null without a pacer thread. */
  readonly pacer: SharedArrayBuffer | null;
}

/** The part of a worker that lives as long as the test. */
export class WorkerRuntime {
  readonly worker: number;
  readonly options: Options;
  readonly recorder: SampleRecorder;
  readonly network: HttpNetwork;
  /** Where virtual users' connections come from; null: the system's choice. */
  readonly localAddresses: LocalAddresses | null;
  readonly state: SharedState;
  readonly post: Post;
  /** What makes the whole thread wait where a script can't be suspended. */
  readonly blocked: BlockedThread;
  readonly timers: Timers;
  /** For what has to be more punctual than `timers`, at the price of a second thread's wake-up. */
  readonly pacing: Timers;
  readonly #pacer: PacerCells | null;
  /** This instance's part of the test: of iterations and of virtual users. */
  readonly segment: Share;
  /** This worker's part of the whole test's virtual users. */
  readonly vuShare: Share;
  readonly systemTags: ReadonlySet<string>;
  /** Whether samples carry their virtual user or iteration: the system tags `vu` and `iter`. */
  readonly marksSamples: boolean;
  /** The run's own tags. */
  readonly rootTags: TagSet;
  /** When the test began to run, epoch milliseconds; 0 before. */
  testStartedAtEpochMs = 0;

  constructor(
    { worker, workers, pacer }: WorkerPlace,
    options: Options,
    recorder: SampleRecorder,
    network: HttpNetwork,
    state: SharedState,
    post: Post,
    timers = new Timers(),
  ) {
    this.timers = timers;
    this.segment = divide(options.segment.weights)[options.segment.index]!;
    this.vuShare = shareOf(this.segment, divideEvenly(workers)[worker]!);
    this.#pacer = pacer === null ? null : new PacerCells(pacer);
    this.pacing = this.#pacer === null ? this.timers : new Timers(pacerAlarm(this.#pacer, worker));
    this.worker = worker;
    this.options = options;
    this.recorder = recorder;
    this.network = network;
    this.localAddresses = options.localIps === "" ? null : new LocalAddresses(options.localIps);
    this.state = state;
    this.post = post;
    this.blocked = new BlockedThread(this);
    this.systemTags = new Set(options.systemTags);
    this.marksSamples = this.systemTags.has("vu") || this.systemTags.has("iter");
    this.rootTags = TagSet.root().withAll(Object.entries(options.tags));
  }

  /** Tags of code that runs in a scenario; its own name wins over a tag `scenario`. */
  tagsFor(scenario: string, tags: Readonly<Record<string, string>>): TagSet {
    const own = this.rootTags.withAll(Object.entries(tags));
    return this.systemTags.has("scenario") ? own.with("scenario", scenario) : own;
  }

  /** Wakes all other workers: `onCall`. */
  callOthers(): void {
    const pacer = this.#pacer;
    if (pacer === null) return;
    for (let other = 0; other < pacer.workers; other++) if (other !== this.worker) pacer.call(other);
  }

  /** Calls `listener` whenever another worker has called `callOthers`. */
  onCall(listener: () => void): void {
    const listen = (): void => {
      this.#pacer?.nextCall(this.worker).then(() => {
        listen();
        listener();
      });
    };
    listen();
  }

  log(level: LogLevel, message: string, fields: LogFields = {}): void {
    this.post({ type: "log", level, message, fields });
  }
}

/** Now, as samples carry it: epoch milliseconds with fractions, never going back. Hot. */
export function nowEpochMs(): number {
  return performance.timeOrigin + performance.now();
}
