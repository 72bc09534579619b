/** The suspend compiler's iteration: `for … of` and spread over what may be a generator that suspends. */

import type { NodeOf } from "./ast.ts";
import { type Place, RewriterPart } from "./rewriter.ts";
import { calleeText } from "./suspend_calls.ts";

/** Rewrites what walks an iterable. */
export class Iterations extends RewriterPart {
  /**
   * `for (x of e) …` is `for (w=null;w===null||w.goesOn;) for (x of w===null&&(w=loop(e)).isPlain ? e : yield* w.step()) …`;
   * see `ForOf`. Labels, from `start` on, go with the inner loop.
   */
  forOf(node: NodeOf<"ForOfStatement">, start: number, place: Place): void {
    const loop = this.temporaries.fresh(place.fn!);
    const iterable = this.temporaries.fresh(place.fn!);
    const { runtime, temporary: error } = this.names;
    this.edits.insert(start, `{${loop}=null;try{for(;${loop}===null||${loop}.goesOn;)`);
    this.whole.visit(node.left, place);
    this.edits.insert(node.right.start, `${loop}===null&&(${loop}=${runtime}.loop(${iterable}=`);
    this.whole.visit(node.right, place);
    const text = JSON.stringify(calleeText(node.right));
    this.edits.insert(node.right.end, `,${text})).isPlain?${iterable}:(yield*${loop}.step())`);
    this.whole.visit(node.body, place);
    const left = `${loop}!==null&&${loop}.isLeft`;
    this.edits.insert(
      node.end,
      `}catch(${error}){throw ${loop}===null?${error}:${loop}.thrown(${error})}finally{if(${left})yield*${loop}.close()}}`,
    );
  }

  /** `...e` of an array or of arguments. */
  spread(node: NodeOf<"SpreadElement">, place: Place): void {
    this.edits.insert(node.argument.start, `(yield*${this.names.runtime}.collect(`);
    this.whole.visit(node.argument, place);
    this.edits.insert(node.argument.end, `,${JSON.stringify(calleeText(node.argument))}))`);
  }
}
