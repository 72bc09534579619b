/** What compiled bodies of generators yield for the author's own `yield`, beside suspensions. */

/** A marker that holds a value. One object each serves all: it is read before anything else runs. */
export class ValueMarker {
  value: unknown = undefined;

  of(value: unknown): this {
    this.value = value;
    return this;
  }
}

/** The author's `yield`: the value is for whoever asked the generator. */
export const YIELD: ValueMarker = new ValueMarker();
/** The generator has to return the value, as a delegate did. */
export const RETURN: ValueMarker = new ValueMarker();

/** `$k.yield(x)`: the marker, holding what is yielded. */
export function yielding(value: unknown): ValueMarker {
  return YIELD.of(value);
}
