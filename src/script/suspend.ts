/**
 * The suspend compiler's second half: rewrites the functions and calls of one module that may suspend.
 *
 * A suspending function's body becomes a generator (its suspending form) and the author's function a thin wrapper that
 * runs it without suspending; a call that may suspend becomes `(yield* …)`. Nothing else is touched, no line moves.
 */

import { forEachChild, isFunction, type Node, type NodeOf } from "./ast.ts";
import type { Edits } from "./edits.ts";
import type { Inference } from "./inference.ts";
import type { Names } from "./names.ts";
import { PrivateMethods } from "./private_methods.ts";
import { type Place, PLAIN, type Rewriter, type SuspendInput } from "./rewriter.ts";
import type { ModuleScope } from "./scope.ts";
import { AsyncFunctions } from "./suspend_async_functions.ts";
import { Awaits } from "./suspend_await.ts";
import { Calls } from "./suspend_calls.ts";
import { Classes } from "./suspend_classes.ts";
import { Functions } from "./suspend_functions.ts";
import { Heads } from "./suspend_heads.ts";
import { Iterations } from "./suspend_iteration.ts";
import { Temporaries } from "./temporaries.ts";

/** Records the edits of a module. Returns statements for the module's head. */
export function suspendModule(input: SuspendInput, edits: Edits): string {
  return new SuspendRewriter(input, edits).run();
}

/** Walks the tree and leaves each kind of nodes to its part. */
class SuspendRewriter implements Rewriter {
  readonly program: NodeOf<"Program">;
  readonly text: string;
  readonly scope: ModuleScope;
  readonly inference: Inference;
  readonly names: Names;
  readonly replaced: ReadonlySet<Node>;
  readonly temporaries: Temporaries;
  readonly privateMethods: PrivateMethods;
  readonly heads: Heads;
  readonly functions: Functions;
  readonly asyncFunctions: AsyncFunctions;
  readonly #calls: Calls;
  readonly #classes: Classes;
  readonly #awaits: Awaits;
  readonly #iterations: Iterations;

  constructor(input: SuspendInput, readonly edits: Edits) {
    this.program = input.program;
    this.text = input.text;
    this.scope = input.scope;
    this.inference = input.inference;
    this.names = input.names;
    this.replaced = input.replaced;
    this.temporaries = new Temporaries(input.names.temporary);
    this.privateMethods = new PrivateMethods(input.inference);
    this.heads = new Heads(this);
    this.functions = new Functions(this);
    this.asyncFunctions = new AsyncFunctions(this);
    this.#calls = new Calls(this);
    this.#classes = new Classes(this);
    this.#awaits = new Awaits(this);
    this.#iterations = new Iterations(this);
  }

  run(): string {
    const { program } = this;
    this.#block(program, { ...PLAIN, fn: program });
    return this.temporaries.declaration(program) + this.functions.default + this.heads.module(program);
  }

  visit(node: Node, place: Place): void {
    switch (node.type) {
      case "FunctionDeclaration":
      case "FunctionExpression":
      case "ArrowFunctionExpression":
        return this.functions.function(node, place, "");
      case "ExportDefaultDeclaration":
        if (isFunction(node.declaration)) return this.functions.function(node.declaration, place, "default");
        return this.visit(node.declaration, place);
      case "ClassDeclaration":
      case "ClassExpression":
        return this.#classes.class(node, place);
      case "AwaitExpression":
        return this.#awaits.await(node, place);
      case "YieldExpression":
        return this.#awaits.yield(node, place);
      case "ReturnStatement":
        return this.#awaits.return(node, place);
      case "LabeledStatement":
      case "ForOfStatement":
        return this.#statement(node, place);
      case "SpreadElement":
        if (place.suspending && this.inference.suspendingCall(node)) return this.#iterations.spread(node, place);
        return this.visit(node.argument, place);
      case "BlockStatement":
        return this.#block(node, place);
      case "SwitchStatement":
        return this.#switch(node, place);
      case "VariableDeclarator":
        this.visit(node.id, place);
        if (node.init) this.functions.named(node.init, node.id, place);
        return;
      case "AssignmentExpression":
        this.visit(node.left, place);
        return this.functions.named(node.right, node.left, place);
      case "AssignmentPattern":
        this.visit(node.left, place);
        return this.functions.named(node.right, node.left, place);
      case "Property":
        return this.functions.property(node, place);
      case "CallExpression":
        return this.#calls.call(node, place);
      case "NewExpression":
        return this.#calls.construction(node, place);
      case "TaggedTemplateExpression":
        return this.#calls.taggedTemplate(node, place);
      case "ChainExpression":
        return this.#calls.chain(node, place);
      case "ExpressionStatement": {
        this.visit(node.expression, place);
        // A statement that used to begin with a name must not begin with a parenthesis: it would call the line above.
        if (this.text[node.start] !== "(" && this.edits.opensParenthesis(node.start)) {
          this.edits.prepend(node.start, "0,");
        }
        return;
      }
      case "Identifier":
        if (place.inArrow && node.name === "arguments") {
          this.edits.replace(node.start, node.end, this.names.arguments);
        }
        return;
      case "MetaProperty":
        if (place.inArrow && node.meta.name === "new") this.edits.replace(node.start, node.end, this.names.target);
        return;
      case "MemberExpression":
        if (place.inArrow && node.object.type === "Super") return this.#calls.superMember(node, place);
        if (this.privateMethods.isSuspending(node)) {
          // The method itself as a value.
          this.edits.insert(node.start, `${this.names.runtime}.privateMethod(`);
          this.visit(node.object, place);
          this.edits.insert(node.end, ")");
          return;
        }
        this.visit(node.object, place);
        if (node.computed) this.visit(node.property, place);
        return;
      default:
        forEachChild(node, (child) => this.visit(child, place));
    }
  }

  #block(node: NodeOf<"BlockStatement"> | NodeOf<"Program">, place: Place): void {
    forEachChild(node, (child) => this.visit(child, place));
    this.heads.block(node);
  }

  #switch(node: NodeOf<"SwitchStatement">, place: Place): void {
    const attached = this.heads.attachments(node.cases.flatMap((clause) => clause.consequent));
    this.visit(node.discriminant, place);
    for (const clause of node.cases) {
      if (clause.test) this.visit(clause.test, place);
      const first = clause.consequent[0];
      if (attached && first) this.edits.insert(first.start, attached);
      for (const statement of clause.consequent) this.visit(statement, place);
    }
  }

  #statement(node: NodeOf<"LabeledStatement"> | NodeOf<"ForOfStatement">, place: Place): void {
    let inner: Node = node;
    while (inner.type === "LabeledStatement") inner = inner.body;
    if (inner.type === "ForOfStatement") {
      if (inner.await) return this.#awaits.forAwait(inner, node.start, place);
      const suspends = place.suspending && this.inference.suspendingCall(inner);
      if (suspends) return this.#iterations.forOf(inner, node.start, place);
    }
    forEachChild(node, (child) => this.visit(child, place));
  }
}
