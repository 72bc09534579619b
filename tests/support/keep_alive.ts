/** Keeps a test's event loop going while all it waits for is `Atomics.waitAsync` or a timer that keeps nothing going. Dispose of it at the end. */
export function keepAlive(): Disposable {
  const timer = setInterval(() => {}, 1000);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
