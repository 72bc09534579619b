/** What the suspend compiler puts at the head of functions, blocks and the module. */

import { forEachChild, type FunctionNode, isFunction, lexicalUses, type Node, type NodeOf, objectKind } from "./ast.ts";
import { RewriterPart } from "./rewriter.ts";

/** Collects and writes the statements of heads. */
export class Heads extends RewriterPart {
  /** What attaches suspending forms, by block, function body or module. */
  readonly #attached = new Map<Node, string>();
  readonly #functionBodies = new Set<Node>();

  /** A function's body is about to be visited: its head is written by `put`, when all in it is known. */
  begin(body: NodeOf<"BlockStatement">): void {
    this.#functionBodies.add(body);
  }

  /** Statements with declarations of their own have been visited. */
  block(node: NodeOf<"BlockStatement"> | NodeOf<"Program">): void {
    const attached = this.attachments(node.body);
    if (!attached) return;
    this.#attached.set(node, attached);
    if (node.type === "BlockStatement" && !this.#functionBodies.has(node)) this.edits.prepend(node.start + 1, attached);
  }

  /** What the module's head needs. */
  module(program: NodeOf<"Program">): string {
    return this.#attached.get(program) ?? "";
  }

  /** Puts what a function's body needs at its head: temporaries, captured `arguments` and `super`, attachments. */
  put(node: FunctionNode): void {
    const body = node.body as NodeOf<"BlockStatement">;
    const text = this.of(node);
    if (!text) return;
    const directives = body.body.findLastIndex((statement) =>
      statement.type === "ExpressionStatement" && statement.directive !== undefined
    );
    const at = directives < 0 ? body.start + 1 : body.body[directives]!.end;
    this.edits.prepend(at, directives < 0 ? text : `;${text}`);
  }

  /** `$k.attach(f,f$s);` for the suspending functions that some statements declare and somebody may look at. */
  attachments(statements: readonly Node[]): string {
    const attached = new Map<string, string>();
    for (const statement of statements) {
      const exported = statement.type === "ExportNamedDeclaration" || statement.type === "ExportDefaultDeclaration";
      const declared = exported ? statement.declaration : statement;
      if (declared?.type !== "FunctionDeclaration" || !declared.id) continue;
      const { name } = declared.id;
      if (this.whole.functions.givesObject(declared)) {
        const { runtime, suffix } = this.names;
        attached.set(name, `${runtime}.declare${objectKind(declared)}(${name},${name}${suffix});`);
        continue;
      }
      const binding = this.scope.bindingOf.get(declared.id)!;
      const seen = exported || binding.reassigned || binding.references.some(({ call }) => !call);
      // Of two declarations of a name the last one counts.
      const suspends = seen && this.inference.suspends(declared);
      attached.set(name, suspends ? `${this.names.runtime}.attach(${name},${name}${this.names.suffix});` : "");
    }
    return [...attached.values()].join("");
  }

  /** What `put` puts. */
  of(node: FunctionNode): string {
    let text = this.temporaries.declaration(node) + (this.#attached.get(node.body) ?? "");
    if (node.type === "ArrowFunctionExpression") return text;
    const captured = this.#capturedBy(node);
    if (captured.arguments) text = `const ${this.names.arguments}=arguments;${text}`;
    if (captured.super) text = `const ${this.names.super}=${superObject(this.names.runtime)};${text}`;
    return text;
  }

  /** What the suspending arrows within a function take from it. */
  #capturedBy(node: FunctionNode): { arguments: boolean; super: boolean } {
    const captured = { arguments: false, super: false };
    const visit = (child: Node): void => {
      if (child.type === "ArrowFunctionExpression" && this.inference.suspends(child)) {
        const uses = lexicalUses(child);
        captured.arguments ||= uses.arguments;
        captured.super ||= uses.super;
      } else if (!isFunction(child) || child.type === "ArrowFunctionExpression") {
        forEachChild(child, visit);
      }
    };
    forEachChild(node, visit);
    return captured;
  }
}

/** An object that stands for `super`. */
export function superObject(runtime: string): string {
  return `${runtime}.superObject((k)=>super[k],(k,v)=>{super[k]=v})`;
}
