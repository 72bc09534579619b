/** What the private methods of the classes around are compiled to. */

import type { ClassNode, Node, NodeOf } from "./ast.ts";
import type { Inference } from "./inference.ts";

type Kind = "plain" | "suspending" | "async";

/** `o.#m` of a method that suspends. */
export type SuspendingPrivateMember = NodeOf<"MemberExpression"> & { readonly property: NodeOf<"PrivateIdentifier"> };

/** The private names in scope, by class, innermost last. */
export class PrivateMethods {
  readonly #inference: Inference;
  readonly #classes: Map<string, Kind>[] = [];

  constructor(inference: Inference) {
    this.#inference = inference;
  }

  /** A class's body begins. */
  enter(node: ClassNode): void {
    const names = new Map<string, Kind>();
    for (const element of node.body.body) {
      if (element.type === "StaticBlock" || element.key.type !== "PrivateIdentifier") continue;
      const method = element.type === "MethodDefinition" ? element.value : undefined;
      const suspends = method !== undefined && !method.generator && this.#inference.suspends(method);
      names.set(element.key.name, !suspends ? "plain" : method.async ? "async" : "suspending");
    }
    this.#classes.push(names);
  }

  /** It ends. */
  leave(): void {
    this.#classes.pop();
  }

  /** Whether the callee is `o.#m` of a method that suspends. */
  isSuspending(callee: Node): callee is SuspendingPrivateMember {
    return this.of(callee) === "suspending";
  }

  /** What the method behind `o.#name` is compiled to. */
  of(callee: Node): Kind {
    if (callee.type !== "MemberExpression" || callee.property.type !== "PrivateIdentifier") return "plain";
    const { name } = callee.property;
    return this.#classes.findLast((methods) => methods.has(name))?.get(name) ?? "plain";
  }
}
