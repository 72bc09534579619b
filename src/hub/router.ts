/** Finds the operation of a request. */

import type { Operation } from "./operation.ts";

/** An operation, with what stands in the path for its `:names`. */
export interface Match {
  readonly operation: Operation;
  readonly parameters: Readonly<Record<string, string>>;
}

/** Knows operations by method and path. */
export class Router {
  readonly #routes: readonly { readonly operation: Operation; readonly pattern: URLPattern }[];

  constructor(operations: readonly Operation[]) {
    this.#routes = operations.map((operation) => ({
      operation,
      pattern: new URLPattern({ pathname: operation.path }),
    }));
  }

  /** Null for a path that no operation has; the methods that it has for one of another method. */
  find(method: string, path: string): Match | readonly string[] | null {
    const methods: string[] = [];
    for (const { operation, pattern } of this.#routes) {
      const found = pattern.exec({ pathname: path });
      if (found === null) continue;
      if (operation.method === method) return { operation, parameters: decoded(found.pathname.groups) };
      methods.push(operation.method);
    }
    return methods.length === 0 ? null : methods;
  }
}

function decoded(groups: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(groups).map(([name, value = ""]) => [name, decode(value)]));
}

/** What isn't percent-encoded correctly stays as it is. */
function decode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch (error) {
    if (error instanceof URIError) return value;
    throw error;
  }
}
