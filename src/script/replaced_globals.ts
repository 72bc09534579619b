/** Which globals a script puts something else in the place of, as far as the text shows. */

import { forEachChild, type Node, staticKey, unwrap } from "./ast.ts";
import type { ModuleScope } from "./scope.ts";

const GLOBAL_OBJECTS: ReadonlySet<string> = new Set(["globalThis", "global"]);

/**
 * Names that a module assigns to (`setTimeout = …`, `globalThis.setTimeout = …`). All of a script's modules have to look
 * them up on the global object of their virtual user, as the real one has them as they were.
 */
export function replacedGlobals(program: Node, scope: ModuleScope): string[] {
  const names = scope.free.filter(({ write }) => write).map(({ node }) => node.name);
  // Most modules don't name it, and large ones take their time.
  if (!scope.free.some(({ node }) => GLOBAL_OBJECTS.has(node.name))) return names;
  const visit = (node: Node): void => {
    if (node.type === "AssignmentExpression" && node.left.type === "MemberExpression") {
      const object = unwrap(node.left.object);
      const key = staticKey(node.left, node.left.property);
      const isGlobal = object.type === "Identifier" && !scope.bindingOf.has(object) && GLOBAL_OBJECTS.has(object.name);
      if (isGlobal && key !== undefined) names.push(key);
    }
    forEachChild(node, visit);
  };
  visit(program);
  return names;
}
