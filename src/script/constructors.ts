/** Which constructors can have a suspending form: those whose suspendable part can be cut off as a method of its own. */

import { type ClassNode, forEachChild, isFunction, lexicalUses, type Node, type NodeOf, unwrap } from "./ast.ts";

/** How a constructor is divided. */
export interface ConstructorShape {
  /** Statement of `super(…)`, behind which the suspendable part begins; undefined in a base class, where all of it is. */
  readonly superStatement: Node | undefined;
  readonly superCall: NodeOf<"CallExpression"> | undefined;
  /** In a derived class: the parameters' names, whose values the suspendable part is given. */
  readonly names: readonly string[];
}

/** The division of a class's constructor; undefined when it can only block. */
export function constructorShape(owner: ClassNode, element: NodeOf<"MethodDefinition">): ConstructorShape | undefined {
  if (element.kind !== "constructor") return undefined;
  const { params, body } = element.value;
  const uses = lexicalUses(element.value);
  if (uses.newTarget) return undefined;
  if (!owner.superClass) return { superStatement: undefined, superCall: undefined, names: [] };
  const [first, ...rest] = body.body;
  const call = first?.type === "ExpressionStatement" ? superCall(first.expression) : undefined;
  // What stands before the cut must not see what stands behind it, nor keep what is copied at it.
  const divisible = first && call && !uses.arguments && !lexicalUses(call).this &&
    !params.some((param) => param.type === "RestElement" || holdsFunction(param)) &&
    !call.arguments.some(holdsFunction) &&
    !rest.some((statement) => statement.type === "FunctionDeclaration" || callsSuper(statement));
  if (!divisible) return undefined;
  return { superStatement: first, superCall: call, names: params.flatMap(boundNames) };
}

/**
 * Whether making an object of a derived class runs nothing between the base class's constructor and what follows
 * `super(…)`: then the base class's body may as well run after it.
 */
export function isTransparent(node: ClassNode): boolean {
  return node.body.body.every((element) =>
    element.type === "StaticBlock" || element.static ||
    element.type === "MethodDefinition" && element.key.type !== "PrivateIdentifier"
  );
}

/** Whether a constructor may put another object in place of the new one. */
export function returnsValue({ value }: NodeOf<"MethodDefinition">): boolean {
  const returns = (node: Node): boolean => {
    if (node.type === "ReturnStatement") return Boolean(node.argument);
    if (isFunction(node) || node.type === "ClassBody") return false;
    let found = false;
    forEachChild(node, (child) => found ||= returns(child));
    return found;
  };
  return returns(value.body);
}

function superCall(node: Node): NodeOf<"CallExpression"> | undefined {
  return node.type === "CallExpression" && unwrap(node.callee).type === "Super" ? node : undefined;
}

function callsSuper(node: Node): boolean {
  return some(node, (child) => superCall(child) !== undefined);
}

/** Whether a function or a class stands in there. */
export function holdsFunction(node: Node): boolean {
  return some(node, (child) => isFunction(child) || child.type === "ClassExpression");
}

function some(node: Node, holds: (node: Node) => boolean): boolean {
  if (holds(node)) return true;
  let found = false;
  forEachChild(node, (child) => found ||= some(child, holds));
  return found;
}

/** Names that a pattern binds. */
export function boundNames(pattern: Node): string[] {
  switch (pattern.type) {
    case "Identifier":
      return [pattern.name];
    case "AssignmentPattern":
      return boundNames(pattern.left);
    case "ArrayPattern":
      return pattern.elements.flatMap((element) => element ? boundNames(element) : []);
    case "ObjectPattern":
      return pattern.properties.flatMap((property) =>
        boundNames(property.type === "RestElement" ? property.argument : property.value)
      );
    case "RestElement":
      return boundNames(pattern.argument);
    default:
      return [];
  }
}
