/** What the API hands out is shared by all virtual users of a worker, so no script may change it. */

/** Freezes a value and all objects and functions in its properties, prototypes of classes included. */
export function freezeShared(value: unknown): void {
  if (typeof value !== "object" && typeof value !== "function" || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const key of Reflect.ownKeys(value)) {
    const property = Reflect.getOwnPropertyDescriptor(value, key)!;
    freezeShared(property.value);
    freezeShared(property.get);
    freezeShared(property.set);
  }
}
