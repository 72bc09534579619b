/** Makes the author's generator functions, of either kind, from their compiled bodies. */

// deno-lint-ignore ban-types -- callables of unknown signature: their arguments are the script's own affair
type Callable = Function & ((...args: never[]) => unknown);
type BodyFunction<Body> = ((...args: never[]) => Body) & { readonly length: number };
type Methods<Body> = Record<string, BodyFunction<Body>>;

/**
 * What compiled text calls to make one kind of generator function.
 *
 * @param GeneratorObject What a call of such a function gives: an object over the running body.
 * @param nativePrototype What V8's own functions of the kind inherit from.
 */
export function generatorFunctions<Body extends object>(
  GeneratorObject: new (body: Body) => object,
  nativePrototype: object,
) {
  /** Calls a body; `callee` is the author's function, whose `prototype` the object gets. */
  function start(
    body: BodyFunction<Body>,
    thisArg: unknown,
    args: ArrayLike<unknown>,
    callee?: { prototype?: unknown },
  ): object {
    const generator = new GeneratorObject(Reflect.apply(body, thisArg, args) as Body);
    const prototype = callee?.prototype;
    if (typeof prototype === "object" && prototype !== null) Object.setPrototypeOf(generator, prototype);
    return generator;
  }

  /** Makes a declared function, whose body is a `start`, a generator function. */
  function declare(plain: Callable): void {
    if (typeof plain === "function") finish(plain);
  }

  /** The author's function for a body that is a generator function expression or method. */
  function expression(body: BodyFunction<Body>, length: number, name: string): Callable {
    const plain: Callable = {
      method(...args: unknown[]): unknown {
        return start(body, this, args, plain);
      },
    }.method;
    Object.defineProperty(plain, "length", { value: length, configurable: true });
    Object.defineProperty(plain, "name", { value: name, configurable: true });
    return finish(plain);
  }

  /** Puts generator methods in front of the bodies that a class was compiled with. */
  function methods(
    owner: { prototype: Methods<Body> },
    names: readonly string[],
    statics: readonly string[],
  ): void {
    for (const name of names) wrapMethod(owner.prototype, name);
    for (const name of statics) wrapMethod(owner as unknown as Methods<Body>, name);
  }

  function wrapMethod(holder: Methods<Body>, name: string): void {
    const body = holder[name]!;
    const value = expression(body, body.length, name);
    Object.defineProperty(holder, name, { value, writable: true, enumerable: false, configurable: true });
  }

  function finish(plain: Callable): Callable {
    Object.setPrototypeOf(plain, nativePrototype);
    Object.defineProperty(plain, "prototype", { value: Object.create(GeneratorObject.prototype), writable: true });
    return plain;
  }

  return { start, declare, expression, methods };
}
