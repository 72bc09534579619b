/** What only `async` bodies hold: `await`, the `yield` of async generators, and `for await`. */

import { forEachChild, isFunction, type Node, type NodeOf } from "./ast.ts";
import { type Place, RewriterPart } from "./rewriter.ts";
import { calleeText } from "./suspend_calls.ts";
import { skipTo } from "./source_text.ts";

/** Rewrites what waits for promises. */
export class Awaits extends RewriterPart {
  /** `await x` is a yield of the marker. */
  await(node: NodeOf<"AwaitExpression">, place: Place): void {
    this.edits.replace(node.start, node.start + 5, `(yield ${this.names.runtime}.await(`);
    this.whole.visit(node.argument, place);
    this.edits.insert(node.end, "))");
  }

  /** In an async generator the author's `yield` is one of many. */
  yield(node: NodeOf<"YieldExpression">, place: Place): void {
    const { runtime } = this.names;
    if (!isAsyncGenerator(place.fn)) return this.#plainYield(node, place);
    if (node.delegate) {
      const star = skipTo(this.text, node.start + 5, "*");
      this.edits.replace(node.start, star + 1, `(yield*${runtime}.delegate(`);
    } else {
      this.edits.replace(node.start, node.start + 5, `(yield ${runtime}.yield((yield ${runtime}.await(`);
    }
    if (node.argument) this.whole.visit(node.argument, place);
    this.edits.insert(node.end, node.delegate ? "))" : "))))");
  }

  #plainYield(node: NodeOf<"YieldExpression">, place: Place): void {
    if (!place.suspending) return forEachChild(node, (child) => this.whole.visit(child, place));
    const end = node.delegate ? skipTo(this.text, node.start + 5, "*") + 1 : node.start + 5;
    const { runtime } = this.names;
    this.edits.replace(node.start, end, node.delegate ? `(yield*${runtime}.delegateTo(` : `(yield ${runtime}.yield(`);
    if (node.argument) this.whole.visit(node.argument, place);
    this.edits.insert(node.end, node.delegate ? `,${JSON.stringify(calleeText(node.argument!))}))` : "))");
  }

  /** An async generator awaits what it returns. */
  return(node: NodeOf<"ReturnStatement">, place: Place): void {
    if (!node.argument) return;
    if (!isAsyncGenerator(place.fn)) return this.whole.visit(node.argument, place);
    // Its own parentheses: it may be `a, b`.
    this.edits.insert(node.argument.start, `(yield ${this.names.runtime}.await((`);
    this.whole.visit(node.argument, place);
    this.edits.insert(node.argument.end, ")))");
  }

  /**
   * `for await (x of e) …` is `for (;w.goesOn;) for (x of (w.isOpen||w.open(e), yield* w.step())) …`; see `ForAwait`.
   * Labels go with the inner loop.
   */
  forAwait(node: NodeOf<"ForOfStatement">, start: number, place: Place): void {
    const loop = this.temporaries.fresh(place.fn!);
    const labels = this.text.slice(start, node.start);
    const keyword = skipTo(this.text, node.start + 3, "await");
    const head = `{${loop}=${this.names.runtime}.forAwait();try{for(;${loop}.goesOn;)`;
    this.edits.replace(start, keyword + 5, `${head}${labels.replace(/\s+/g, " ")}for`);
    this.whole.visit(node.left, place);
    this.edits.insert(node.right.start, `(${loop}.isOpen||${loop}.open(`);
    this.whole.visit(node.right, place);
    this.edits.insert(node.right.end, `),yield*${loop}.step())`);
    this.whole.visit(node.body, place);
    const { temporary } = this.names;
    this.edits.insert(
      node.end,
      `}catch(${temporary}){throw ${loop}.thrown(${temporary})}finally{yield*${loop}.close()}}`,
    );
  }
}

function isAsyncGenerator(fn: Node | undefined): boolean {
  return fn !== undefined && isFunction(fn) && fn.async === true && fn.generator === true;
}
