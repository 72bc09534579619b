/** Parameters whose default values may suspend: when they can as well be bound at the head of the body. */

import { boundNames, holdsFunction } from "./constructors.ts";
import { forEachChild, type FunctionNode, isFunction, type Node } from "./ast.ts";

/**
 * Whether binding the parameters in a block around the body changes nothing: no closure made by a default value may see
 * that its scope differs, and no `var` or function of the body may bear a parameter's name. A generator evaluates its
 * parameters when it is called, before its body.
 */
export function canMoveParameters(node: FunctionNode): boolean {
  if (node.generator || !node.params.some(mayCall) || node.params.some(holdsFunction)) return false;
  const names = new Set(node.params.flatMap(boundNames));
  const redeclares = (child: Node): boolean => {
    if (child.type === "FunctionDeclaration") return names.has(child.id?.name ?? "");
    if (isFunction(child) || child.type === "ClassBody") return false;
    if (child.type === "VariableDeclaration" && child.kind === "var") {
      if (child.declarations.some(({ id }) => boundNames(id).some((name) => names.has(name)))) return true;
    }
    let found = false;
    forEachChild(child, (inner) => found ||= redeclares(inner));
    return found;
  };
  return !redeclares(node.body);
}

/** Whether something in there may be called. */
function mayCall(node: Node): boolean {
  if (node.type === "CallExpression" || node.type === "NewExpression" || node.type === "TaggedTemplateExpression") {
    return true;
  }
  let found = false;
  forEachChild(node, (child) => found ||= mayCall(child));
  return found;
}
