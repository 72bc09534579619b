/** The time as what exports at intervals sees it, so that tests can make it pass. */

/** A clock whose waits can be cut short. */
export interface Clock {
  /** Epoch milliseconds with fractions; never goes back and never leaps, whatever is done to the system's clock. */
  now(): number;
  /** Resolves after `ms` milliseconds, or as soon as `signal` aborts; never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** The real time. */
export const systemClock: Clock = {
  // As samples have it (`nowEpochMs` of the workers).
  now: () => performance.timeOrigin + performance.now(),
  sleep(ms, signal) {
    if (signal.aborted) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    const wake = () => resolve();
    signal.addEventListener("abort", wake);
    return promise.finally(() => {
      clearTimeout(timer);
      signal.removeEventListener("abort", wake);
    });
  },
};

/**
 * Yields the time every `intervalMs`, from `firstMs` on, and ends when `signal` aborts. What falls into the work at an earlier
 * tick is left out.
 */
export async function* ticks(
  clock: Clock,
  firstMs: number,
  intervalMs: number,
  signal: AbortSignal,
): AsyncGenerator<number> {
  for (let dueMs = firstMs;;) {
    await clock.sleep(Math.max(0, dueMs - clock.now()), signal);
    if (signal.aborted) return;
    yield clock.now();
    dueMs += intervalMs * Math.max(1, Math.ceil((clock.now() - dueMs) / intervalMs));
  }
}

/** Lets the main thread do what waits: workers' messages, timers, written buffers. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** A wait before another attempt: half to all of it, at random, so that those who failed together don't come back together. */
export function jittered(ms: number): number {
  return ms * (0.5 + Math.random() / 2);
}
