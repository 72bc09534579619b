/** What the API hands out is shared by all virtual users of a worker, so no script may change it. */

/** Freezes an object and all objects and functions in its properties, prototypes of classes included; returns it. */
export function freezeShared<T extends object>(shared: T): T {
  freeze(shared);
  return shared;
}

function freeze(value: unknown): void {
  if (typeof value !== "object" && typeof value !== "function" || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const key of Reflect.ownKeys(value)) {
    const property = Reflect.getOwnPropertyDescriptor(value, key)!;
    freeze(property.value);
    freeze(property.get);
    freeze(property.set);
  }
}
