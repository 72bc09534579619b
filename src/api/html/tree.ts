/** Pages as trees of nodes: parsing, and walking without recursion, however deep they are. */

import { type AnyNode, Element, hasChildren, isTag, isText, type ParentNode } from "domhandler";
import { parse } from "parse5";
import { adapter, type Htmlparser2TreeAdapterMap } from "parse5-htmlparser2-tree-adapter";
import type { TreeAdapter } from "parse5";

/**
 * How deep the elements of a page may nest. The parser's time grows with the depth of what is open; browsers stop
 * nesting at this depth, too.
 */
const MAX_DEPTH = 512;

/** How many elements any page may have, however short it is. */
const ELEMENTS_AT_LEAST = 1000;

/**
 * Parses a page as browsers do (WHATWG HTML, section 13.2), whatever it is.
 *
 * @throws {Error} When it is made to exhaust who reads it.
 */
export function parsePage(text: string): ParentNode {
  return parse<Htmlparser2TreeAdapterMap>(text, { treeAdapter: boundedAdapter(text.length) });
}

/** Counts what the parser makes of a page: a few kinds of mistakes in one make it build more and more. */
function boundedAdapter(characters: number): TreeAdapter<Htmlparser2TreeAdapterMap> {
  // A tag takes three characters at least; real pages have one in twenty.
  const mostElements = ELEMENTS_AT_LEAST + characters / 2;
  let depth = 0;
  let elements = 0;
  return {
    ...adapter,
    createElement(name, namespace, attributes) {
      if (++elements > mostElements) {
        throw new Error("the page can't be parsed: it unfolds to far more elements than it has tags");
      }
      const element = new Element(name, attributes.length === 0 ? NO_ATTRIBUTES : attributesOf(attributes), []);
      element.namespace = namespace;
      return element;
    },
    adoptAttributes(element, attributes) {
      // In place: a page may have thousands of `<html>` tags, and all add to one element.
      if (element.attribs === NO_ATTRIBUTES) element.attribs = Object.create(null);
      for (const [name, value] of Object.entries(attributesOf(attributes))) element.attribs[name] ??= value;
    },
    onItemPush() {
      if (++depth > MAX_DEPTH) {
        throw new Error(`the page can't be parsed: its elements nest more than ${MAX_DEPTH} levels deep`);
      }
    },
    onItemPop() {
      depth--;
    },
    // What a template holds are its children, as for k6.
    setTemplateContent() {},
    getTemplateContent: (template) => template as unknown as ReturnType<typeof adapter.getTemplateContent>,
  };
}

type TokenAttributes = Parameters<TreeAdapter<Htmlparser2TreeAdapterMap>["createElement"]>[2];

/** Shared by elements without any; a large page has thousands. */
const NO_ATTRIBUTES: Record<string, string> = Object.freeze(Object.create(null));

/** By name; without a prototype, whose names are no attributes. */
function attributesOf(attributes: TokenAttributes): Record<string, string> {
  const values: Record<string, string> = Object.create(null);
  for (const { prefix, name, value } of attributes) values[prefix ? `${prefix}:${name}` : name] = value;
  return values;
}

/** The node after `node` in the order of the page, within `root`; null at the end. Hot. */
export function nextWithin(root: AnyNode, node: AnyNode): AnyNode | null {
  if (hasChildren(node) && node.children.length > 0) return node.children[0]!;
  for (let at: AnyNode | null = node; at !== null && at !== root; at = at.parent) {
    if (at.next !== null) return at.next;
  }
  return null;
}

/** The elements below a node that a test holds for, in the order of the page. */
export function elementsBelow(root: AnyNode, test: (element: Element) => boolean): Element[] {
  const found: Element[] = [];
  for (let node = nextWithin(root, root); node !== null; node = nextWithin(root, node)) {
    if (isTag(node) && test(node)) found.push(node);
  }
  return found;
}

/** The first element below a node that a test holds for. */
export function firstBelow(root: AnyNode, test: (element: Element) => boolean): Element | undefined {
  for (let node = nextWithin(root, root); node !== null; node = nextWithin(root, node)) {
    if (isTag(node) && test(node)) return node;
  }
  return undefined;
}

/** All text in a node. */
export function textOf(root: AnyNode): string {
  if (isText(root)) return root.data;
  let text = "";
  for (let node = nextWithin(root, root); node !== null; node = nextWithin(root, node)) {
    if (isText(node)) text += node.data;
  }
  return text;
}

/** The nodes directly in a node. */
export function childrenOf(node: AnyNode): readonly AnyNode[] {
  return hasChildren(node) ? node.children : [];
}

/** The elements directly in a node. */
export function childElements(node: AnyNode): Element[] {
  return childrenOf(node).filter(isTag);
}

/** The element that a node is in. */
export function parentElement(node: AnyNode): Element | null {
  const { parent } = node;
  return parent !== null && isTag(parent) ? parent : null;
}

/** The nearest element that a test holds for, from the node itself upward. */
export function closestElement(node: AnyNode, test: (element: Element) => boolean): Element | undefined {
  for (let at = isTag(node) ? node : parentElement(node); at !== null; at = parentElement(at)) {
    if (test(at)) return at;
  }
  return undefined;
}

/** Whether `node` is `root` or in it. */
export function isWithin(root: AnyNode, node: AnyNode): boolean {
  for (let at: AnyNode | null = node; at !== null; at = at.parent) if (at === root) return true;
  return false;
}

/** The top of the tree that a node is in. */
export function rootOf(node: AnyNode): AnyNode {
  let root = node;
  while (root.parent !== null) root = root.parent;
  return root;
}

/** The element beside a node, after it (`next`) or before it (`prev`). */
export function siblingElement(node: AnyNode, direction: "next" | "prev"): Element | null {
  let sibling: AnyNode | null = node[direction];
  while (sibling !== null && !isTag(sibling)) sibling = sibling[direction];
  return sibling;
}
