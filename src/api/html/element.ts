/** Nodes of a page as scripts see them: `Element` with the methods that all have, and `Attribute`. */

import {
  type AnyNode,
  type Element as DomElement,
  hasChildren,
  isComment,
  isDocument,
  isTag,
  isText,
} from "domhandler";
import { innerHtml, outerHtml } from "./markup.ts";
import { Selection } from "./selection.ts";
import { findAll, selectorTest } from "./selector.ts";
import {
  childElements,
  childrenOf,
  elementsBelow,
  isWithin,
  parentElement,
  rootOf,
  siblingElement,
  textOf,
} from "./tree.ts";

const HTML_NAMESPACE = "http://www.w3.org/1999/xhtml";

const NO_ATTRIBUTES: Readonly<Record<string, string>> = {};

/** The node behind an `Element` that a script holds; undefined when the value is none. */
export let nodeOf: (value: unknown) => AnyNode | undefined;

/** A node of a page: an element, text, a comment or the document. What the DOM has as properties are methods, as in k6. */
export class Element {
  readonly #node: AnyNode;

  constructor(node: AnyNode) {
    this.#node = node;
  }

  static {
    nodeOf = (value) => typeof value === "object" && value !== null && #node in value ? value.#node : undefined;
  }

  attributes(): Record<string, Attribute> {
    return Object.fromEntries(
      Object.keys(attributesOf(this.#node)).map((name) => [name, new Attribute(this, name)]),
    );
  }

  childElementCount(): number {
    return childElements(this.#node).length;
  }

  childNodes(): Element[] {
    return wrapAll(childrenOf(this.#node));
  }

  children(): Element[] {
    return wrapAll(childElements(this.#node));
  }

  classList(): string[] {
    return tokens(attributesOf(this.#node).class);
  }

  className(): string | undefined {
    return attributesOf(this.#node).class;
  }

  contains(element?: unknown): boolean {
    const node = nodeOf(element);
    return node !== undefined && isWithin(this.#node, node);
  }

  firstChild(): Element | undefined {
    return wrap(childrenOf(this.#node)[0]);
  }

  firstElementChild(): Element | undefined {
    return wrap(childElements(this.#node)[0]);
  }

  getAttribute(name?: unknown): string | undefined {
    return attributesOf(this.#node)[attributeName(name)];
  }

  getAttributeNode(name?: unknown): Attribute | undefined {
    return this.hasAttribute(name) ? new Attribute(this, attributeName(name)) : undefined;
  }

  getElementsByClassName(names?: unknown): Element[] {
    const wanted = tokens(String(names));
    if (wanted.length === 0) return [];
    return wrapAll(elementsBelow(this.#node, ({ attribs }) => {
      const present = tokens(attribs.class);
      return wanted.every((name) => present.includes(name));
    }));
  }

  getElementsByTagName(name?: unknown): Element[] {
    const wanted = String(name).toLowerCase();
    return wrapAll(elementsBelow(this.#node, (element) => wanted === "*" || element.name.toLowerCase() === wanted));
  }

  hasAttribute(name?: unknown): boolean {
    return Object.hasOwn(attributesOf(this.#node), attributeName(name));
  }

  hasAttributes(): boolean {
    return Object.keys(attributesOf(this.#node)).length > 0;
  }

  hasChildNodes(): boolean {
    return childrenOf(this.#node).length > 0;
  }

  id(): string {
    return attributesOf(this.#node).id ?? "";
  }

  innerHTML(): string | undefined {
    return hasChildren(this.#node) ? innerHtml(this.#node) : undefined;
  }

  isDefaultNamespace(): boolean {
    return this.namespaceURI() === HTML_NAMESPACE;
  }

  isEqualNode(element?: unknown): boolean {
    const node = nodeOf(element);
    return node !== undefined && (node === this.#node || outerHtml(node) === outerHtml(this.#node));
  }

  isSameNode(element?: unknown): boolean {
    return nodeOf(element) === this.#node;
  }

  lang(): string | undefined {
    return attributesOf(this.#node).lang;
  }

  lastChild(): Element | undefined {
    return wrap(childrenOf(this.#node).at(-1));
  }

  lastElementChild(): Element | undefined {
    return wrap(childElements(this.#node).at(-1));
  }

  matches(selector?: unknown): boolean {
    return selectorTest(String(selector))(this.#node);
  }

  namespaceURI(): string {
    return isTag(this.#node) ? this.#node.namespace ?? "" : "";
  }

  nextElementSibling(): Element | undefined {
    return wrap(siblingElement(this.#node, "next"));
  }

  nextSibling(): Element | undefined {
    return wrap(this.#node.next);
  }

  /** In lower case, as in k6. */
  nodeName(): string {
    const node = this.#node;
    if (isTag(node)) return node.name;
    if (isText(node)) return "#text";
    if (isComment(node)) return "#comment";
    return isDocument(node) ? "#document" : doctypeName(node);
  }

  nodeType(): number {
    const node = this.#node;
    if (isTag(node)) return NODE_TYPES.element;
    if (isText(node)) return NODE_TYPES.text;
    if (isComment(node)) return NODE_TYPES.comment;
    return isDocument(node) ? NODE_TYPES.document : NODE_TYPES.doctype;
  }

  nodeValue(): string | undefined {
    return isText(this.#node) || isComment(this.#node) ? this.#node.data : undefined;
  }

  ownerDocument(): Element | undefined {
    const root = rootOf(this.#node);
    return root === this.#node ? undefined : wrap(root);
  }

  parentElement(): Element | undefined {
    return wrap(parentElement(this.#node));
  }

  parentNode(): Element | undefined {
    return wrap(this.#node.parent);
  }

  previousElementSibling(): Element | undefined {
    return wrap(siblingElement(this.#node, "prev"));
  }

  previousSibling(): Element | undefined {
    return wrap(this.#node.prev);
  }

  querySelector(selector?: unknown): Element | undefined {
    return wrap(findAll([this.#node], String(selector))[0]);
  }

  querySelectorAll(selector?: unknown): Element[] {
    return wrapAll(findAll([this.#node], String(selector)));
  }

  selection(): Selection {
    return new Selection([this.#node], null);
  }

  textContent(): string {
    return textOf(this.#node);
  }

  toString(): string {
    return `[object ${this.nodeName()}]`;
  }
}

/** An attribute of an element. */
export class Attribute {
  readonly name: string;
  readonly value: string;
  readonly owner_element: Element;

  constructor(owner: Element, name: string) {
    this.name = name;
    this.value = owner.getAttribute(name) ?? "";
    this.owner_element = owner;
  }

  get ownerElement(): Element {
    return this.owner_element;
  }

  /** What stands after the colon. */
  localName(): string {
    return this.name.slice(this.name.indexOf(":") + 1);
  }

  /** Attributes of HTML have no namespace. */
  namespaceURI(): string {
    return "";
  }

  /** What stands before the colon. */
  prefix(): string {
    return this.name.slice(0, Math.max(this.name.indexOf(":"), 0));
  }
}

/** The values of `Element.nodeType()`. */
const NODE_TYPES = { element: 1, text: 3, comment: 8, document: 9, doctype: 10 } as const;

const classes = new Map<string, typeof Element>();

/** Says what elements of a tag are for scripts. */
export function setElementClass(tag: string, type: typeof Element): void {
  classes.set(tag, type);
}

/** A node for scripts; undefined for none. */
export function wrap(node: AnyNode | null | undefined): Element | undefined {
  if (node === null || node === undefined) return undefined;
  const type = isTag(node) ? classes.get(node.name) ?? Element : Element;
  return new type(node);
}

/** Nodes for scripts. */
export function wrapAll(nodes: readonly AnyNode[]): Element[] {
  return nodes.map((node) => wrap(node)!);
}

/** The words of an attribute that holds several. */
export function tokens(text: string | undefined): string[] {
  return text?.split(/[\t\n\f\r ]+/).filter((token) => token !== "") ?? [];
}

function attributesOf(node: AnyNode): DomElement["attribs"] {
  return isTag(node) ? node.attribs : NO_ATTRIBUTES;
}

function attributeName(name: unknown): string {
  return String(name).toLowerCase();
}

function doctypeName(node: AnyNode): string {
  return "x-name" in node ? String(node["x-name"]) : "";
}
