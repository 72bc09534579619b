/** `:nth-child()` and its like. css-select counts siblings anew for each element, which takes n² in long lists. */

import type { Options } from "css-select";
import { type AnyNode, type Element, isTag } from "domhandler";
import nthCheck from "nth-check";
import { childrenOf } from "./tree.ts";

type Pseudos = NonNullable<Options<AnyNode, Element>["pseudos"]>;
type ElementTest = (element: Element) => boolean;

/**
 * The pseudo-classes that tell an element's place among its siblings.
 *
 * @param compile Gives the test for the selector in `:nth-child(2 of selector)`.
 */
export function placePseudos(compile: (selector: string) => ElementTest): Pseudos {
  return {
    "nth-child": nth(() => "", "fromStart", compile),
    "nth-last-child": nth(() => "", "fromEnd", compile),
    "nth-of-type": nth(({ name }) => name, "fromStart"),
    "nth-last-of-type": nth(({ name }) => name, "fromEnd"),
    "last-child": ":nth-last-child(1)",
    "only-child": ":first-child:last-child",
    "first-of-type": ":nth-of-type(1)",
    "last-of-type": ":nth-last-of-type(1)",
    "only-of-type": ":first-of-type:last-of-type",
  };
}

/** Formulas of a script that are kept; beyond it the memory starts afresh. */
const FORMULAS_LIMIT = 1000;

/** A formula such as `2n+1`, by itself or before `of` and a selector. */
const FORMULA = /^(.+?)(?:\s+of\s+(.+))?$/is;

type Direction = "fromStart" | "fromEnd";
/** Elements with the same key are counted together; those without one are not counted. */
type KeyOf = (element: Element) => string | undefined;

function nth(keyOf: KeyOf, direction: Direction, compile?: (selector: string) => ElementTest) {
  const places = new SiblingPlaces(keyOf, direction);
  /** By the text in the parentheses. */
  const tests = new Map<string, ElementTest>();

  function testOf(text: string): ElementTest {
    const [, formula, selector] = FORMULA.exec(text.trim()) ?? [];
    const check = nthCheck(formula ?? text);
    let counted = places;
    if (selector !== undefined) {
      if (compile === undefined) throw new Error(`of ${selector} makes no sense here`);
      const wanted = compile(selector);
      counted = new SiblingPlaces((element) => wanted(element) ? "" : undefined, direction);
    }
    return (element) => {
      const place = counted.placeOf(element);
      return place !== undefined && check(place);
    };
  }

  return (element: Element, text?: string | null): boolean => {
    let test = tests.get(text ?? "");
    if (test === undefined) {
      if (tests.size >= FORMULAS_LIMIT) tests.clear();
      tests.set(text ?? "", test = testOf(text ?? ""));
    }
    return test(element);
  };
}

/** Up to so many siblings counting anew is cheaper than to remember. */
const FEW_SIBLINGS = 16;

/** The places of elements among those of their siblings that have the same key, from 0. Pages never change. */
class SiblingPlaces {
  readonly #known = new WeakMap<Element, number>();

  constructor(readonly keyOf: KeyOf, readonly direction: Direction) {}

  /** Undefined for an element that is not counted. Hot. */
  placeOf(element: Element): number | undefined {
    const key = this.keyOf(element);
    if (key === undefined) return undefined;
    const siblings = element.parent === null ? [element] : childrenOf(element.parent);
    return siblings.length > FEW_SIBLINGS ? this.#remembered(element, siblings) : this.#count(element, key, siblings);
  }

  #count(element: Element, key: string, siblings: readonly AnyNode[]): number {
    const step = this.direction === "fromStart" ? 1 : -1;
    let place = 0;
    for (let at = step === 1 ? 0 : siblings.length - 1; siblings[at] !== element; at += step) {
      const sibling = siblings[at]!;
      if (isTag(sibling) && this.keyOf(sibling) === key) place++;
    }
    return place;
  }

  #remembered(element: Element, siblings: readonly AnyNode[]): number {
    const place = this.#known.get(element);
    if (place !== undefined) return place;
    const counts = new Map<string, number>();
    for (const sibling of this.direction === "fromStart" ? siblings : siblings.toReversed()) {
      const key = isTag(sibling) ? this.keyOf(sibling) : undefined;
      if (key === undefined) continue;
      const count = counts.get(key) ?? 0;
      this.#known.set(sibling as Element, count);
      counts.set(key, count + 1);
    }
    return this.#known.get(element)!;
  }
}
