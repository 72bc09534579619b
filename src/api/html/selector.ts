/** CSS selectors as tests of nodes. */

import { compile, type Options } from "css-select";
import { type AnyNode, type Element, isTag } from "domhandler";
import * as domUtils from "domutils";
import { elementsBelow, isWithin, textOf } from "./tree.ts";

/** Whether a node is one of those that a script means. */
export type NodeTest = (node: AnyNode) => boolean;

type CssOptions = Options<AnyNode, Element>;

const OPTIONS: CssOptions = {
  adapter: { ...domUtils, isTag, getText: textOf },
  // jQuery's way: what a selector begins with may lie outside of where is searched.
  relativeSelector: false,
};

const RELATIVE_OPTIONS: CssOptions = { ...OPTIONS, relativeSelector: true };

/** Selectors of a script that are kept compiled; beyond it the memory starts afresh. */
const COMPILED_LIMIT = 1000;

const compiled = new Map<string, NodeTest>();

/** The test that a selector is. As in k6, one that can't be read holds for nothing. */
export function selectorTest(selector: string): NodeTest {
  let test = compiled.get(selector);
  if (test === undefined) {
    test = compileOrNothing(selector, OPTIONS);
    if (compiled.size >= COMPILED_LIMIT) compiled.clear();
    compiled.set(selector, test);
  }
  return test;
}

/** The elements below any of `roots` that a selector finds, each once. */
export function findAll(roots: readonly AnyNode[], selector: string): Element[] {
  const isRelative = /^\s*[>+~]/.test(selector);
  const test = isRelative ? null : selectorTest(selector);
  const [only] = roots;
  if (roots.length === 1) return elementsBelow(only!, test ?? relativeTest(selector, only!));
  const found = new Set<Element>();
  for (const root of roots) {
    for (const element of elementsBelow(root, test ?? relativeTest(selector, root))) found.add(element);
  }
  return [...found];
}

/** A selector such as `> li` begins at a node. */
function relativeTest(selector: string, root: AnyNode): NodeTest {
  const test = compileOrNothing(selector, RELATIVE_OPTIONS, root);
  return (node) => isWithin(root, node) && test(node);
}

function compileOrNothing(selector: string, options: CssOptions, context?: AnyNode): NodeTest {
  try {
    return compile<AnyNode, Element>(selector, { ...options }, context);
  } catch (error) {
    if (error instanceof Error) return () => false;
    throw error;
  }
}
