/** What a proxy answers before a connection through it is the server's. */

import type { Socket as NodeSocket } from "node:net";
import { FAILURES, genericFailure, NetError, transferFailure } from "./errors.ts";

/** An answer of a proxy may be so long. */
const LIMIT_BYTES = 64 * 1024;

/** How long the answer at the beginning of some bytes is; null while that, or a part of it, is still to come. */
export type AnswerLength = (bytes: Uint8Array) => number | null;

/** Reads a proxy's answers one by one, until `release` hands the connection on. */
export class TunnelAnswers {
  readonly #socket: NodeSocket;
  #received: Uint8Array = new Uint8Array(0);
  #failure: NetError | null = null;
  #waiting: { lengthOf: AnswerLength; resolve(answer: Uint8Array): void; reject(error: NetError): void } | null = null;

  constructor(socket: NodeSocket) {
    this.#socket = socket;
    socket.on("data", this.#onData).on("end", this.#onEnd).on("close", this.#onEnd).on("error", this.#onError);
  }

  /**
   * The next answer. One at a time.
   *
   * @throws {NetError} when the connection ends before, or the answer is longer than 64 KiB
   */
  next(lengthOf: AnswerLength): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.#waiting = { lengthOf, resolve, reject };
      this.#go();
    });
  }

  /**
   * Ends reading: from now on the connection is somebody else's to read.
   *
   * @throws {NetError} when more came than the answers: it would be lost
   */
  release(): void {
    this.#socket.off("data", this.#onData).off("end", this.#onEnd).off("close", this.#onEnd).off(
      "error",
      this.#onError,
    );
    this.#socket.pause();
    if (this.#received.length > 0) throw proxyError("bytes after the answer");
  }

  readonly #onData = (chunk: Uint8Array): void => {
    const joined = new Uint8Array(this.#received.length + chunk.length);
    joined.set(this.#received);
    joined.set(chunk, this.#received.length);
    this.#received = joined;
    this.#go();
  };

  readonly #onEnd = (): void => {
    this.#fail(new NetError(this.#received.length === 0 ? FAILURES.endOfFile : FAILURES.unexpectedEnd));
  };

  readonly #onError = (error: Error): void => this.#fail(new NetError(transferFailure("read", error)));

  #fail(failure: NetError): void {
    this.#failure ??= failure;
    this.#go();
  }

  /** Answers who waits, if there is something to say. */
  #go(): void {
    const waiting = this.#waiting;
    if (waiting === null) return;
    const length = waiting.lengthOf(this.#received);
    if (length !== null) {
      this.#waiting = null;
      const answer = this.#received.subarray(0, length);
      this.#received = this.#received.subarray(length);
      return waiting.resolve(answer);
    }
    if (this.#received.length > LIMIT_BYTES) this.#failure ??= proxyError("its answer is too long");
    if (this.#failure === null) return;
    this.#waiting = null;
    waiting.reject(this.#failure);
  }
}

/** A failure that says who failed. */
export function proxyError(what: string): NetError {
  return new NetError(genericFailure(`proxy: ${what}`));
}
