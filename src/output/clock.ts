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
