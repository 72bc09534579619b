/** The worker threads of a run: started with next to no permissions, spoken to through typed messages, ended together. */

import { PacerCells } from "../worker/alarm.ts";
import { WORKER_PERMISSIONS } from "../worker/permissions.ts";
import { FileGate } from "../worker/script_files.ts";
import type { FromWorker, HelperClientMessage, InitArtifacts, ToWorker } from "../worker/messages.ts";
import { hasRoomForThreads, needRoomForThreads } from "./file_limit.ts";
import { openDiskFile, type OpenedFile } from "./opened_file.ts";
import { startWorker } from "./worker_thread.ts";

/** Is told what workers say, but for their requests for files, which the pool answers. */
export interface WorkerListener {
  fromWorker(index: number, message: FromWorker): void;
  /** A worker broke down; nothing more comes from it. */
  workerFailed(index: number, reason: string): void;
}

/** Opens a file that a script opens; throws an `Error` when it can't. */
export type OpenSource = (path: string) => OpenedFile;

/** Holds the workers, in the order of their segments. */
export class WorkerPool {
  /** Null: ended before the others. */
  readonly #workers: (Worker | null)[] = [];
  readonly #listener: WorkerListener;
  /** Does the requests of blocked workers; started when the first one asks. */
  #helper: Worker | null = null;
  #pacer: Worker | null = null;
  #fileGate: Int32Array | null = null;
  #openSource: OpenSource = openDiskFile;
  /** What `read-file` found, until `fill-file` fetches it. */
  #openFile: OpenedFile | null = null;

  constructor(listener: WorkerListener) {
    this.#listener = listener;
  }

  /** Workers that have been started and not been ended. */
  get size(): number {
    return this.#workers.filter((worker) => worker !== null).length;
  }

  /** The first worker that has not been ended; -1 without one. */
  get first(): number {
    return this.#workers.findIndex((worker) => worker !== null);
  }

  /**
   * Starts one more worker; it may be sent messages at once.
   *
   * @throws {RunError} when too many files are open for a thread
   */
  spawn(): number {
    const index = this.#workers.length;
    const worker = startWorker(index);
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#receive(index, data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#listener.workerFailed(index, event.message);
    };
    this.#workers.push(worker);
    return index;
  }

  /**
   * Starts workers until there are so many.
   *
   * @throws {RunError} when too many files are open for their threads
   */
  grow(workers: number): void {
    needRoomForThreads(workers - this.size);
    while (this.size < workers) this.spawn();
  }

  /** Sends nothing when the workers have been ended. */
  send(index: number, message: ToWorker): void {
    this.#workers[index]?.postMessage(message);
  }

  /**
   * Starts the thread that wakes workers in time; returns what it shares with them.
   *
   * @throws {RunError} when too many files are open for a thread
   */
  startPacer(workers: number): SharedArrayBuffer {
    needRoomForThreads();
    const cells = PacerCells.allocate(workers);
    this.#pacer = this.#startPacerThread();
    this.#pacer.postMessage(cells);
    return cells;
  }

  broadcast(message: ToWorker): void {
    for (const worker of this.#workers) worker?.postMessage(message);
  }

  /** Memory through which the worker that runs the first init stage waits for files, which `openSource` opens. */
  createFileGate(openSource: OpenSource): SharedArrayBuffer {
    this.#openSource = openSource;
    const gate = new SharedArrayBuffer(8);
    this.#fileGate = new Int32Array(gate);
    return gate;
  }

  /** Ends one worker at once, whatever it does. */
  end(index: number): void {
    this.#workers[index]?.terminate();
    this.#workers[index] = null;
  }

  /** Ends all workers at once, whatever they do. */
  terminate(): void {
    for (const worker of this.#workers) worker?.terminate();
    this.#workers.length = 0;
    this.#helper?.terminate();
    this.#helper = null;
    this.#pacer?.terminate();
    this.#pacer = null;
  }

  #receive(index: number, message: FromWorker): void {
    switch (message.type) {
      case "open-helper":
        this.#openHelper(index, message);
        break;
      case "read-file":
        this.#readFile(message.path);
        break;
      case "fill-file":
        this.#fillFile(message.target);
        break;
      default:
        this.#listener.fromWorker(index, message);
    }
  }

  #openHelper(index: number, { port, worker, gates, settings }: HelperClientMessage): void {
    if (this.#helper === null && !hasRoomForThreads()) {
      const advice = "raise the limit (ulimit -n 65536)";
      this.#listener.workerFailed(index, `too many open files to start the thread for blocking calls: ${advice}`);
      return;
    }
    this.#helper ??= this.#startHelper(index);
    const message: HelperClientMessage = { port, worker, gates, settings };
    this.#helper.postMessage(message, [port]);
  }

  #startHelper(index: number): Worker {
    const helper = new Worker(new URL("../worker/blocking_helper.ts", import.meta.url), {
      type: "module",
      name: "k6d-blocking-helper",
      deno: { permissions: WORKER_PERMISSIONS },
    });
    helper.onerror = (event) => {
      event.preventDefault();
      this.#listener.workerFailed(index, `its helper failed: ${event.message}`);
    };
    return helper;
  }

  #startPacerThread(): Worker {
    const pacer = new Worker(new URL("../worker/pacer_thread.ts", import.meta.url), {
      type: "module",
      name: "k6d-pacer",
      deno: { permissions: "none" },
    });
    pacer.onerror = (event) => {
      event.preventDefault();
      this.#listener.workerFailed(0, `its pacer failed: ${event.message}`);
    };
    return pacer;
  }

  #readFile(path: string): void {
    this.#answerWith(() => (this.#openFile = this.#openSource(path)).size);
  }

  #fillFile(target: SharedArrayBuffer): void {
    this.#answerWith(() => {
      this.#openFile!.readInto(new Uint8Array(target));
      return target.byteLength;
    });
    this.#openFile = null;
  }

  #answerWith(size: () => number): void {
    try {
      this.#answer(size());
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      // The script is told that the file can't be read; it names the path itself.
      this.#answer(-1);
    }
  }

  #answer(size: number): void {
    const gate = this.#fileGate!;
    Atomics.store(gate, FileGate.size, size);
    Atomics.store(gate, FileGate.state, 1);
    Atomics.notify(gate, FileGate.state);
  }
}

/** Nothing opened, nothing shared. */
export const NO_ARTIFACTS: InitArtifacts = { files: new Map(), sharedArrays: new Map() };
