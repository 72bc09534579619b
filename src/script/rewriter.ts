/** What the parts of the suspend compiler's rewriter share. */

import type { FunctionNode, Node, NodeOf } from "./ast.ts";
import type { Edits } from "./edits.ts";
import type { Inference } from "./inference.ts";
import type { Names } from "./names.ts";
import type { PrivateMethods } from "./private_methods.ts";
import type { ModuleScope } from "./scope.ts";
import type { AsyncFunctions } from "./suspend_async_functions.ts";
import type { Functions } from "./suspend_functions.ts";
import type { Heads } from "./suspend_heads.ts";
import type { Temporaries } from "./temporaries.ts";

/** What the rewriter is told about the module. */
export interface SuspendInput {
  readonly program: NodeOf<"Program">;
  readonly text: string;
  readonly scope: ModuleScope;
  readonly inference: Inference;
  readonly names: Names;
  /** Identifiers that the linker puts other text in place of. */
  readonly replaced: ReadonlySet<Node>;
}

/** Where the rewriter stands. */
export interface Place {
  /** Inside a suspending form's body: `yield*` may stand here. */
  readonly suspending: boolean;
  /** The function (or module) whose temporaries are used. */
  readonly fn: FunctionNode | NodeOf<"Program"> | undefined;
  /** Arrows compiled to generators since the function that owns `this`: `arguments` and `super` must be captured. */
  readonly inArrow: boolean;
}

/** Outside of suspending forms. */
export const PLAIN: Place = { suspending: false, fn: undefined, inArrow: false };

/** The rewriter of one module. */
export interface Rewriter extends SuspendInput {
  readonly edits: Edits;
  readonly temporaries: Temporaries;
  readonly heads: Heads;
  readonly privateMethods: PrivateMethods;
  readonly functions: Functions;
  readonly asyncFunctions: AsyncFunctions;
  /** Records the edits of a node and all in it. */
  visit(node: Node, place: Place): void;
}

/** The part of the rewriter for one kind of nodes. */
export abstract class RewriterPart {
  protected readonly text: string;
  protected readonly names: Names;
  protected readonly scope: ModuleScope;
  protected readonly inference: Inference;
  protected readonly edits: Edits;
  protected readonly temporaries: Temporaries;

  constructor(protected readonly whole: Rewriter) {
    ({
      text: this.text,
      names: this.names,
      scope: this.scope,
      inference: this.inference,
      edits: this.edits,
      temporaries: this.temporaries,
    } = whole);
  }
}
