/** Which assignments may change one of JavaScript's own objects, as far as the text shows. */

import { forEachChild, type Node, type NodeOf, staticKey, unwrap } from "./ast.ts";
import type { ModuleScope } from "./scope.ts";

/** Names of a property that may hold one. */
const LEADS_TO_BUILTIN: ReadonlySet<string> = new Set(["prototype", "__proto__", "constructor"]);

/**
 * The objects in a module whose properties are assigned or deleted and that may be JavaScript's own: `Array.prototype`
 * in `Array.prototype.last = …`. They are names and chains of them, so text can be put around them.
 */
export function builtinWriteTargets(program: Node, scope: ModuleScope): readonly Node[] {
  const found: Node[] = [];
  const target = (node: Node): void => {
    switch (node.type) {
      case "MemberExpression":
        if (mayBeBuiltin(node.object, scope)) found.push(node.object);
        break;
      case "ParenthesizedExpression":
        target(node.expression);
        break;
      case "AssignmentPattern":
        target(node.left);
        break;
      case "RestElement":
        target(node.argument);
        break;
      case "ArrayPattern":
        for (const element of node.elements) if (element) target(element);
        break;
      case "ObjectPattern":
        for (const property of node.properties) target(property.type === "RestElement" ? property : property.value);
    }
  };
  const visit = (node: Node): void => {
    if (node.type === "AssignmentExpression") target(node.left);
    else if (node.type === "UpdateExpression") target(node.argument);
    else if (node.type === "UnaryExpression" && node.operator === "delete") target(node.argument);
    else if ((node.type === "ForInStatement" || node.type === "ForOfStatement")) target(node.left);
    forEachChild(node, visit);
  };
  visit(program);
  return found;
}

function mayBeBuiltin(object: Node, scope: ModuleScope): boolean {
  const node = unwrap(object);
  if (node.type === "Identifier") return isBuiltinName(node, scope);
  if (node.type !== "MemberExpression" || node.optional) return false;
  const key = staticKey(node, node.property);
  const root = rootOf(node);
  if (key === undefined || root === undefined) return false;
  if (root.type === "ThisExpression") return LEADS_TO_BUILTIN.has(key);
  const binding = scope.bindingOf.get(root);
  if (LEADS_TO_BUILTIN.has(key)) {
    // The prototype of the author's own class.
    return !(binding?.kind === "class" || binding?.kind === "function");
  }
  return binding === undefined && (root.name in globalThis || root.name === "global");
}

/** A global that is an object, an import (a module of k6's), or a constant that stands for such an object. */
function isBuiltinName(name: NodeOf<"Identifier">, scope: ModuleScope): boolean {
  const binding = scope.bindingOf.get(name);
  if (binding === undefined) return name.name in globalThis && name.name !== "globalThis";
  if (binding.kind === "import") return true;
  return binding.kind === "const" && binding.init !== undefined && mayBeBuiltin(binding.init, scope);
}

/** The name that a chain of names begins with. */
function rootOf(node: Node): NodeOf<"Identifier"> | NodeOf<"ThisExpression"> | undefined {
  let link = unwrap(node);
  while (link.type === "MemberExpression" && !link.optional && !link.computed) link = unwrap(link.object);
  return link.type === "Identifier" || link.type === "ThisExpression" ? link : undefined;
}
