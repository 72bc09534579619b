/**
 * What the inner loop of a compiled `for … of` or `for await` walks: at most one value, the one that the outer loop has
 * fetched. It learns how the body is left. `$k` hands such objects to the script's code.
 */

/** The state of one such loop; `goesOn` and `thrown` are read and called by compiled code. */
export class LoopTurn {
  /** Whether the outer loop goes on. */
  goesOn = true;
  /** Whether the body left the loop before its end. */
  isLeft = false;
  /** Whether an exception passed. */
  protected hasThrown = false;
  #value: unknown = undefined;
  #hasValue = false;

  /** The outer loop has fetched a value for the body. */
  protected offer(value: unknown): void {
    this.#value = value;
    this.#hasValue = this.goesOn = true;
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<unknown, undefined> {
    if (!this.#hasValue) return { done: true, value: undefined };
    this.#hasValue = false;
    return { done: false, value: this.#value };
  }

  /** The body left the loop. */
  return(): IteratorResult<unknown, undefined> {
    this.goesOn = false;
    this.isLeft = true;
    return { done: true, value: undefined };
  }

  /** An exception passes; returns it. */
  thrown(error: unknown): unknown {
    this.hasThrown = true;
    return error;
  }
}
