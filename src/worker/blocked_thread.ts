/**
 * How a whole thread waits for one virtual user whose script can't be suspended. The thread stands still on
 * `Atomics.wait`; the helper thread (blocking_helper.ts) does its requests meanwhile. What ends a phase (grace, time
 * limits, the end of the test) works here too, though no message and no timer reaches a blocked thread.
 */

import { receiveMessageOnPort } from "node:worker_threads";
import { wholeBody } from "../net/request_body.ts";
import type { HttpCompletion, HttpRequest } from "../net/types.ts";
import type { Resumable } from "../script/suspension.ts";
import type { HelperReply, ToHelper } from "./messages.ts";
import type { WorkerRuntime } from "./runtime.ts";
import { WorkerCell } from "./shared_state.ts";
import type { VirtualUser } from "./virtual_user.ts";

// Scripts find these gone from the global object.
const { MessageChannel, performance } = globalThis;

/** A blocked thread still sends its samples this often. */
const TICK_MS = 50;

/** The waiting of one worker. */
export class BlockedThread {
  /** Is called when the test is stopped while the thread is blocked: ends all phases. */
  onStop: () => void = () => {};
  readonly #runtime: WorkerRuntime;
  readonly #exchanges = new Map<number, { client: HelperClient; completion: HttpCompletion }>();
  #port: MessagePort | null = null;
  #lastClient = 0;
  #lastExchange = 0;

  constructor(runtime: WorkerRuntime) {
    this.#runtime = runtime;
  }

  /** Blocks until `performance.now()` is `dueAtMs`. Throws `PhaseDropped` when the user's phase is dropped first. */
  sleepUntil(user: VirtualUser, dueAtMs: number): void {
    this.#wait(user, () => false, dueAtMs);
  }

  /**
   * Blocks until `outcome` is there, and returns or throws it; any number of exchanges may be under way. Throws
   * `PhaseDropped` when the user's phase is dropped first.
   */
  waitFor(user: VirtualUser, outcome: BlockedOutcome): unknown {
    this.#wait(user, () => outcome.isThere, Infinity);
    return outcome.take();
  }

  /** A client whose connections live in the helper thread; `own` gets the bytes that pass them. */
  createClient(own: OwnClient): HelperClient {
    return new HelperClient(this, ++this.#lastClient, own);
  }

  /** For `HelperClient`: sends a request; `completion` is called while the thread waits. */
  send(client: HelperClient, request: HttpRequest, completion: HttpCompletion): void {
    const exchange = ++this.#lastExchange;
    this.#exchanges.set(exchange, { client, completion });
    // Cloned by the port, and a view would take its whole buffer along.
    const body = request.body === null ? null : new Uint8Array(wholeBody(request.body));
    this.tell({
      type: "exchange",
      client: client.id,
      exchange,
      request: { ...request, body },
      localIp: client.own.localIp,
    }, body);
  }

  /** For `HelperClient`: no completion of it is called any more. */
  forget(client: HelperClient): void {
    for (const [exchange, waiting] of this.#exchanges) {
      if (waiting.client === client) this.#exchanges.delete(exchange);
    }
  }

  tell(message: ToHelper, body: Uint8Array<ArrayBuffer> | null = null): void {
    this.#port ??= this.#openHelper();
    this.#port.postMessage(message, body === null ? [] : [body.buffer]);
  }

  #openHelper(): MessagePort {
    const { post, worker, state, network } = this.#runtime;
    const { port1, port2 } = new MessageChannel();
    const gates = state.gates.buffer as SharedArrayBuffer;
    post({ type: "open-helper", port: port2, worker, gates, settings: network.settings }, [port2]);
    return port1;
  }

  #wait(user: VirtualUser, isOver: () => boolean, dueAtMs: number): void {
    const { state, worker, timers, recorder } = this.#runtime;
    for (;;) {
      const seen = state.wakes(worker);
      user.requireRunning();
      this.#receive();
      const now = performance.now();
      if (isOver() || now >= dueAtMs) return;
      const deadlineMs = timers.runDeadlines(now);
      if (state.stopRequested) this.onStop();
      if (user.dropped) continue;
      state.awaitWake(worker, seen, Math.min(dueAtMs, deadlineMs, now + TICK_MS) - now);
      recorder.flush();
      // It waits, it doesn't hang.
      state.addToWorker(worker, WorkerCell.beats, 1);
    }
  }

  #receive(): void {
    const port = this.#port as Parameters<typeof receiveMessageOnPort>[0] | null;
    if (port === null) return;
    for (let received = receiveMessageOnPort(port); received !== undefined; received = receiveMessageOnPort(port)) {
      const { exchange, result, bytesSent, bytesReceived } = received.message as HelperReply;
      const waiting = this.#exchanges.get(exchange);
      // Nobody waits for what was given up.
      if (waiting === undefined) continue;
      this.#exchanges.delete(exchange);
      waiting.client.own.bytesSent += bytesSent;
      waiting.client.own.bytesReceived += bytesReceived;
      waiting.completion.httpDone(result);
    }
  }
}

/** What a virtual user's client in its own thread has in common with the one in the helper thread. */
export interface OwnClient {
  /** The address that connections are made from; null: the system's choice. */
  readonly localIp: string | null;
  /** Bytes on the sockets. */
  bytesSent: number;
  bytesReceived: number;
}

/** The helper thread's client of one virtual user: `HttpClient` for a blocked thread. */
export class HelperClient {
  readonly id: number;
  readonly own: OwnClient;
  readonly #thread: BlockedThread;

  constructor(thread: BlockedThread, id: number, own: OwnClient) {
    this.#thread = thread;
    this.id = id;
    this.own = own;
  }

  /** Sends a request; `completion` is called while the thread waits (`BlockedThread.waitFor`). */
  send(request: HttpRequest, completion: HttpCompletion): void {
    this.#thread.send(this, request, completion);
  }

  /** Drops what is in flight: sockets are closed, no completion is called. */
  abort(): void {
    this.#thread.forget(this);
    this.#thread.tell({ type: "abort", client: this.id });
  }

  closeIdle(): void {
    this.#thread.tell({ type: "close-idle", client: this.id });
  }

  close(): void {
    this.#thread.forget(this);
    this.#thread.tell({ type: "close", client: this.id });
  }
}

/** Takes what a suspension would resume its coroutine with. */
export class BlockedOutcome implements Resumable {
  isThere = false;
  #value: unknown = undefined;
  #isError = false;

  resume(value: unknown): void {
    this.isThere = true;
    this.#value = value;
  }

  resumeWithError(error: unknown): void {
    this.resume(error);
    this.#isError = true;
  }

  /** Returns the value or throws the error. */
  take(): unknown {
    if (this.#isError) throw this.#value;
    return this.#value;
  }
}
