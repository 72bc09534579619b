/** The suspend compiler's `async` functions: the body becomes a generator, the author's function gives its promise. */

import { expectedArguments, type FunctionNode, lexicalUses, lowerFirst, type NodeOf, objectKind } from "./ast.ts";
import { type Place, RewriterPart } from "./rewriter.ts";
import { skipBlanks, skipTo } from "./source_text.ts";
import { superObject } from "./suspend_heads.ts";

/** Rewrites `async` functions and async generators. */
export class AsyncFunctions extends RewriterPart {
  /** A declaration or expression. */
  function(node: Exclude<FunctionNode, NodeOf<"ArrowFunctionExpression">>, name: string): void {
    const { runtime, suffix } = this.names;
    const text = this.text;
    const keyword = node.async ? skipTo(text, node.start + 5, "function") : node.start;
    const keywordEnd = node.generator ? skipTo(text, keyword + 8, "*") + 1 : keyword + 8;
    const own = node.id?.name;
    const kind = objectKind(node);
    if (node.type === "FunctionDeclaration" && node.id) {
      const body = `return ${runtime}.${lowerFirst(kind)}(${own}${suffix},this,arguments,${own})`;
      this.whole.functions.declare(node, body);
      this.edits.replace(node.start, keywordEnd, "function*");
      this.edits.insert(node.id.end, suffix);
      return this.whole.functions.body(node, false);
    }
    const fn = `${runtime}.${lowerFirst(kind)}Fn(`;
    const selfReferring = own !== undefined && this.scope.bindingOf.get(node.id!)!.references.length > 0;
    this.edits.insert(node.start, selfReferring ? `(()=>{const ${own}=${fn}` : fn);
    this.edits.replace(node.start, keywordEnd, "function*");
    if (node.id) this.edits.insert(node.id.end, suffix);
    else this.edits.insert(keywordEnd, this.whole.functions.generatorName(name));
    this.whole.functions.body(node, false);
    this.edits.insert(
      node.end,
      `,${expectedArguments(node)},${JSON.stringify(own ?? name)})${selfReferring ? `;return ${own}})()` : ""}`,
    );
  }

  /** What an arrow takes from around it comes in through a function of its own, unless an arrow around has it. */
  arrow(node: NodeOf<"ArrowFunctionExpression">, place: Place, name: string): void {
    const { runtime, arguments: args, super: superMember, target } = this.names;
    const text = this.text;
    const uses = lexicalUses(node);
    const taken: [name: string, value: string][] = [];
    if (uses.arguments && !place.inArrow) taken.push([args, "arguments"]);
    if (uses.super && !place.inArrow) taken.push([superMember, superObject(this.names.runtime)]);
    if (uses.newTarget && !place.inArrow) taken.push([target, "new.target"]);
    if (taken.length > 0) this.edits.insert(node.start, `((${taken.map(([name]) => name)})=>`);
    this.edits.insert(node.start, `${runtime}.asyncArrow(function*${this.whole.functions.generatorName(name)}`);
    const arrowStart = this.whole.functions.arrowToken(node);
    const afterAsync = skipBlanks(text, node.start + 5);
    const bare = text[afterAsync] !== "(";
    this.edits.replace(node.start, afterAsync, bare ? "(" : "");
    if (bare) this.edits.insert(node.params[0]!.end, ")");
    this.edits.replace(arrowStart, arrowStart + 2, "");
    this.whole.functions.body(node, true);
    const self = uses.this || uses.super ? ",()=>this" : "";
    this.edits.insert(node.end, `,${expectedArguments(node)},${JSON.stringify(name)}${self})`);
    if (taken.length > 0) this.edits.insert(node.end, `)(${taken.map(([, value]) => value)})`);
  }

  /** A method of an object literal. */
  property(node: NodeOf<"Property">, value: FunctionNode, name: string): void {
    const end = this.keywordsEnd(node.start, value);
    const { runtime } = this.names;
    if (node.computed || name === "__proto__" || lexicalUses(value).super) {
      this.edits.replace(node.start, end, "");
      return this.inline(value);
    }
    this.edits.replace(node.start, end, "");
    this.edits.insert(
      value.start,
      `:${runtime}.${lowerFirst(objectKind(value))}Fn(function*${this.whole.functions.generatorName(name)}`,
    );
    this.whole.functions.body(value, false);
    this.edits.insert(value.end, `,${expectedArguments(value)},${JSON.stringify(name)})`);
  }

  /** A method that stays one, around the compiled body. */
  inline(value: FunctionNode): void {
    const { runtime, arguments: args, super: superMember } = this.names;
    const uses = lexicalUses(value);
    const captured = uses.super ? `const ${args}=arguments,${superMember}=${superObject(this.names.runtime)};` : "";
    const call = `return ${runtime}.${lowerFirst(objectKind(value))}(function*`;
    this.edits.insert(value.start, `(${this.whole.functions.parameters(value)}){${captured}${call}`);
    this.whole.functions.body(value, uses.super);
    this.edits.insert(value.end, ",this,arguments)}");
  }

  /** Offset behind `async` and, for an async generator, the star. */
  keywordsEnd(start: number, value: FunctionNode): number {
    const end = value.async ? skipTo(this.text, start, "async") + 5 : start;
    return value.generator ? skipTo(this.text, end, "*") + 1 : end;
  }
}
