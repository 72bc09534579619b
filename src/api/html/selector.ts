/** CSS selectors as tests of nodes. */

import { compile, type Options } from "css-select";
import { parse, type Selector, SelectorType } from "css-what";
import { type AnyNode, type Element, isTag, isText } from "domhandler";
import * as domUtils from "domutils";
import { placePseudos } from "./sibling_places.ts";
import { childrenOf, elementsBelow, parentElement, siblingElement, textOf } from "./tree.ts";

/** Whether a node is one of those that a script means. */
export type NodeTest = (node: AnyNode) => boolean;

type ElementTest = (element: Element) => boolean;
type CssOptions = Options<AnyNode, Element>;

const PLAIN_OPTIONS: CssOptions = { adapter: { ...domUtils, isTag, getText: textOf } };

const OPTIONS: CssOptions = {
  ...PLAIN_OPTIONS,
  // An element with white space is not empty (CSS Selectors 3, and browsers), css-select thinks otherwise.
  pseudos: { ...placePseudos(compileSelector), empty: (element) => !childrenOf(element).some(isTagOrText) },
};

/** Selectors of a script that are kept compiled; beyond it the memory starts afresh. */
const COMPILED_LIMIT = 1000;

const compiled = new Map<string, NodeTest>();

/**
 * The test that a selector is. What it begins with may lie outside of where is searched, as in jQuery. As in k6, one that
 * can't be read holds for nothing.
 */
export function selectorTest(selector: string): NodeTest {
  let test = compiled.get(selector);
  if (test === undefined) {
    test = orNothing(() => compileSelector(selector));
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
  return orNothing(() => {
    checkArguments(selector);
    return compile<AnyNode, Element>(selector, { ...OPTIONS, relativeSelector: true }, root);
  });
}

const isTagOrText = (node: AnyNode): boolean => isTag(node) || isText(node);

function orNothing(compileTest: () => NodeTest): NodeTest {
  try {
    return compileTest();
  } catch (error) {
    if (error instanceof Error) return () => false;
    throw error;
  }
}

/** What a script writes wrong in the parentheses of `:nth-child()` ours see when they are asked, css-select's own here. */
function checkArguments(selector: string): void {
  if (selector.includes(":nth-")) compile<AnyNode, Element>(selector, { ...PLAIN_OPTIONS });
}

function compileSelector(selector: string): NodeTest {
  checkArguments(selector);
  const tests = parse(selector).map(compileComplex);
  const [only] = tests;
  const test: ElementTest = tests.length === 1 ? only! : (element) => tests.some((test) => test(element));
  return (node) => isTag(node) && test(node);
}

/** Compounds and what is between them: of `ul > li a` each part asks for the one before it. */
function compileComplex(selector: readonly Selector[]): ElementTest {
  let before: ElementTest | undefined;
  let compound: Selector[] = [];
  for (const part of selector) {
    const combinator = COMBINATORS.get(part.type);
    if (combinator === undefined) {
      compound.push(part);
    } else {
      before = combinator(compileCompound(compound, before));
      compound = [];
    }
  }
  return compileCompound(compound, before);
}

function compileCompound(compound: Selector[], before: ElementTest | undefined): ElementTest {
  if (compound.length === 0) throw new Error("a selector begins or ends with a combinator");
  return compile<AnyNode, Element>(
    [compound],
    before === undefined ? { ...OPTIONS } : { ...OPTIONS, rootFunc: before },
  );
}

type Step = (element: Element) => Element | null;

const previousElement: Step = (element) => siblingElement(element, "prev");

/** By the types of their tokens. */
const COMBINATORS: ReadonlyMap<string, (before: ElementTest) => ElementTest> = new Map([
  [SelectorType.Child, (before) => nearest(parentElement, before)],
  [SelectorType.Descendant, (before) => any(parentElement, before)],
  [SelectorType.Adjacent, (before) => nearest(previousElement, before)],
  [SelectorType.Sibling, (before) => any(previousElement, before)],
]);

function nearest(step: Step, before: ElementTest): ElementTest {
  return (element) => {
    const next = step(element);
    return next !== null && before(next);
  };
}

/**
 * Whether `before` holds for any element on the way. Remembers the answers, because css-select's own combinators take n²
 * in long lists, and more in pages that nest deeply.
 */
function any(step: Step, before: ElementTest): ElementTest {
  /** Whether it holds for an element or one further on. Pages never change. */
  const known = new WeakMap<Element, boolean>();
  return (element) => {
    const passed: Element[] = [];
    let holds = false;
    for (let at = step(element); at !== null && !holds; at = step(at)) {
      const answer = known.get(at);
      if (answer !== undefined) {
        holds = answer;
        break;
      }
      passed.push(at);
      holds = before(at);
    }
    for (const one of passed) known.set(one, holds);
    return holds;
  };
}
