/** The syntax tree as this room sees it: acorn's nodes, walked by their keys. */

import type { AnyNode } from "acorn";

/** Any node of a syntax tree. */
export type Node = AnyNode;
/** The nodes of one type. */
export type NodeOf<T extends Node["type"]> = Extract<Node, { type: T }>;
/** A function in any of its forms. */
export type FunctionNode = Extract<
  Node,
  { type: "FunctionDeclaration" | "FunctionExpression" | "ArrowFunctionExpression" }
>;
/** A class, declared or as an expression. */
export type ClassNode = Extract<Node, { type: "ClassDeclaration" | "ClassExpression" }>;

/** Calls `visit` with each direct child, in source order. */
export function forEachChild(node: Node, visit: (child: Node) => void): void {
  for (const key in node) {
    const value: unknown = node[key as keyof Node];
    if (Array.isArray(value)) {
      for (const item of value) if (isNode(item)) visit(item);
    } else if (isNode(value)) {
      visit(value);
    }
  }
}

/** A function in any of its three shapes; methods hold a `FunctionExpression`. */
export function isFunction(node: Node): node is FunctionNode {
  return node.type === "FunctionDeclaration" || node.type === "FunctionExpression" ||
    node.type === "ArrowFunctionExpression";
}

/** The expression inside any number of parentheses. */
export function unwrap(node: Node): Node {
  while (node.type === "ParenthesizedExpression") node = node.expression;
  return node;
}

/** The name of a property that the source spells out: `a.b`, `a["b"]`, `{ b: 1 }`; undefined when computed at run time. */
export function staticKey(node: { computed: boolean }, key: Node): string | undefined {
  const inner = unwrap(key);
  if (inner.type === "Literal" && (typeof inner.value === "string" || typeof inner.value === "number")) {
    return String(inner.value);
  }
  if (node.computed) return undefined;
  if (inner.type === "Identifier") return inner.name;
  return inner.type === "PrivateIdentifier" ? `#${inner.name}` : undefined;
}

/** `length` of a function: parameters before the first default or rest. */
export function expectedArguments(node: FunctionNode): number {
  const index = node.params.findIndex((param) => param.type === "AssignmentPattern" || param.type === "RestElement");
  return index < 0 ? node.params.length : index;
}

/** Middle of the names of what the runtime has for a function. */
export function objectKind(node: FunctionNode): "Async" | "AsyncGenerator" | "Generator" {
  return !node.async ? "Generator" : node.generator ? "AsyncGenerator" : "Async";
}

/** The name with a small first letter. */
export function lowerFirst(name: string): string {
  return name[0]!.toLowerCase() + name.slice(1);
}

/** What a function takes from its own activation, in its body and in the arrows within. */
export interface LexicalUses {
  this: boolean;
  arguments: boolean;
  super: boolean;
  newTarget: boolean;
}

const knownUses = new WeakMap<Node, LexicalUses>();

/** Looks through nested arrows, not into other functions or classes. */
export function lexicalUses(node: Node): Readonly<LexicalUses> {
  const known = knownUses.get(node);
  if (known) return known;
  const uses = { this: false, arguments: false, super: false, newTarget: false };
  const visit = (child: Node): void => {
    switch (child.type) {
      case "FunctionDeclaration":
      case "FunctionExpression":
        return;
      case "ClassBody":
        for (const element of child.body) {
          if (element.type !== "StaticBlock" && element.computed) visit(element.key);
        }
        return;
      case "ThisExpression":
        uses.this = true;
        return;
      case "Super":
        uses.super = true;
        return;
      case "MetaProperty":
        if (child.meta.name === "new") uses.newTarget = true;
        return;
      case "Identifier":
        if (child.name === "arguments") uses.arguments = true;
        return;
      default:
        forEachChild(child, visit);
    }
  };
  forEachChild(node, visit);
  knownUses.set(node, uses);
  return uses;
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && typeof (value as { type?: unknown }).type === "string";
}
