/** `Selection`: nodes of a page that a script has chosen, with jQuery's methods to choose others and to read them. */

import { type AnyNode, isTag, type ParentNode } from "domhandler";
import { runBlocking } from "../../script/blocking_twin.ts";
import { type Coroutine, setSuspendingForm, type Suspension } from "../../script/suspension.ts";
import { queryEscape } from "../form_body.ts";
import { callSuspending } from "../suspending.ts";
import { dataOf, type DataValue } from "./data.ts";
import { type Element, nodeOf, wrap, wrapAll } from "./element.ts";
import { type ControlValue, type FormValue, formValues, valueOf } from "./form.ts";
import { innerHtml } from "./markup.ts";
import { findAll, type NodeTest, selectorTest } from "./selector.ts";
import {
  childElements,
  childrenOf,
  closestElement,
  firstBelow,
  parentElement,
  rootOf,
  siblingElement,
  textOf,
} from "./tree.ts";

type Callback = (index: number, node: Selection | Element) => unknown;
type Walk<T> = Generator<Suspension, T, unknown>;

/** The nodes that a script means by a `Selection` or an `Element`; undefined when it is neither. */
let nodesOf: (value: unknown) => readonly AnyNode[] | undefined;

const ANY: NodeTest = () => true;

/** Chosen nodes of a page, in order and each once. Selections don't change: what chooses gives another. */
export class Selection {
  readonly #nodes: readonly AnyNode[];
  readonly #previous: Selection | null;

  static {
    nodesOf = (value) => {
      if (typeof value === "object" && value !== null && #nodes in value) return value.#nodes;
      const node = nodeOf(value);
      return node === undefined ? undefined : [node];
    };
    const suspending = (
      plain: (...args: never[]) => unknown,
      form: (self: Selection, argument: unknown) => Coroutine,
    ) =>
      setSuspendingForm(plain, function (this: Selection, argument?: unknown) {
        return form(this, argument);
      });
    suspending(this.prototype.each, (self, callback) => self.#each(callback));
    suspending(this.prototype.filter, (self, wanted) => self.#filter(wanted));
    suspending(this.prototype.is, (self, wanted) => self.#is(wanted));
    suspending(this.prototype.map, (self, callback) => self.#map(callback));
    suspending(this.prototype.not, (self, wanted) => self.#not(wanted));
  }

  /** @param previous What `end()` goes back to. */
  constructor(nodes: readonly AnyNode[], previous: Selection | null) {
    this.#nodes = nodes;
    this.#previous = previous;
  }

  // What else to choose.

  add(wanted?: unknown): Selection {
    const added = nodesOf(wanted) ?? findAll([...new Set(this.#nodes.map(rootOf))], String(wanted));
    return this.#choose([...this.#nodes, ...added]);
  }

  children(wanted?: unknown): Selection {
    return this.#step(childElements, wanted);
  }

  closest(wanted?: unknown): Selection {
    const test = testOf(wanted);
    return this.#choose(this.#nodes.flatMap((node) => closestElement(node, test) ?? []));
  }

  contents(): Selection {
    return this.#step(childrenOf, undefined);
  }

  end(): Selection {
    return this.#previous ?? new Selection([], null);
  }

  eq(index?: unknown): Selection {
    return this.#at(Number(index));
  }

  filter(wanted?: unknown): Selection {
    return runBlocking(this.#filter(wanted), this.filter) as Selection;
  }

  find(wanted?: unknown): Selection {
    const nodes = nodesOf(wanted);
    if (nodes === undefined) return this.#choose(findAll(this.#nodes, String(wanted)));
    const roots = new Set(this.#nodes);
    return this.#choose(nodes.filter((node) => ancestors(node).some((ancestor) => roots.has(ancestor))));
  }

  first(): Selection {
    return this.#at(0);
  }

  has(wanted?: unknown): Selection {
    const test = testOf(wanted);
    return this.#choose(this.#nodes.filter((node) => firstBelow(node, test) !== undefined));
  }

  last(): Selection {
    return this.#at(-1);
  }

  next(wanted?: unknown): Selection {
    return this.#step((node) => siblingElement(node, "next") ?? [], wanted);
  }

  nextAll(wanted?: unknown): Selection {
    return this.#stepUntil(nextElement, undefined, wanted);
  }

  nextUntil(until?: unknown, wanted?: unknown): Selection {
    return this.#stepUntil(nextElement, until, wanted);
  }

  not(wanted?: unknown): Selection {
    return runBlocking(this.#not(wanted), this.not) as Selection;
  }

  parent(wanted?: unknown): Selection {
    return this.#step((node) => parentElement(node) ?? [], wanted);
  }

  parents(wanted?: unknown): Selection {
    return this.#stepUntil(parentElement, undefined, wanted);
  }

  parentsUntil(until?: unknown, wanted?: unknown): Selection {
    return this.#stepUntil(parentElement, until, wanted);
  }

  prev(wanted?: unknown): Selection {
    return this.#step((node) => siblingElement(node, "prev") ?? [], wanted);
  }

  prevAll(wanted?: unknown): Selection {
    return this.#stepUntil(previousElement, undefined, wanted);
  }

  prevUntil(until?: unknown, wanted?: unknown): Selection {
    return this.#stepUntil(previousElement, until, wanted);
  }

  siblings(wanted?: unknown): Selection {
    const asked = new Map<ParentNode, number>();
    return this.#step((node) => {
      if (node.parent === null) return [];
      const before = asked.get(node.parent) ?? 0;
      asked.set(node.parent, before + 1);
      // After the second of one parent all its children are siblings of some; a long list must not take n².
      return before < 2 ? childElements(node.parent).filter((other) => other !== node) : [];
    }, wanted);
  }

  /** The first element in the selection that a selector finds. */
  single(wanted?: unknown): Selection {
    return this.find(wanted).first();
  }

  slice(start?: unknown, end?: unknown): Selection {
    const last = end === undefined ? undefined : Number(end);
    return this.#choose(this.#nodes.slice(Number(start ?? 0), last));
  }

  // What is chosen.

  /** Calls back with the index and the `Element`. */
  each(callback?: unknown): Selection {
    return runBlocking(this.#each(callback), this.each) as Selection;
  }

  get(): Element[];
  get(index: unknown): Element | undefined;
  get(index?: unknown): Element | undefined | Element[] {
    return index === undefined ? wrapAll(this.#nodes) : wrap(this.#nodes.at(Number(index)));
  }

  index(wanted?: unknown): number {
    const [node] = this.#nodes;
    if (wanted === undefined) {
      return node === undefined || node.parent === null || !isTag(node) ? -1 : childElements(node.parent).indexOf(node);
    }
    const nodes = nodesOf(wanted);
    if (nodes !== undefined) return nodes.length === 0 ? -1 : this.#nodes.indexOf(nodes[0]!);
    return node === undefined ? -1 : findAll([rootOf(node)], String(wanted)).findIndex((found) => found === node);
  }

  /** Whether any node is one of those that are meant. */
  is(wanted?: unknown): boolean {
    return runBlocking(this.#is(wanted), this.is) as boolean;
  }

  /** Calls back with the index and a `Selection` of one; gives an array of the results. */
  map(callback?: unknown): unknown[] {
    return runBlocking(this.#map(callback), this.map) as unknown[];
  }

  size(): number {
    return this.#nodes.length;
  }

  toArray(): Selection[] {
    return this.#nodes.map((node) => this.#choose([node]));
  }

  // What it holds.

  attr(name?: unknown, missing?: unknown): unknown {
    const [node] = this.#nodes;
    const value = node !== undefined && isTag(node) ? node.attribs[String(name).toLowerCase()] : undefined;
    return value ?? missing;
  }

  /** The value of one `data-` attribute, or all by name, as what they look like: numbers, booleans, JSON. */
  data(name?: unknown): DataValue | Record<string, DataValue> | undefined {
    const [node] = this.#nodes;
    return node !== undefined && isTag(node) ? dataOf(node, name) : undefined;
  }

  /** What stands between the tags of the first node; empty text without one, as in k6. */
  html(): string {
    const [node] = this.#nodes;
    return node === undefined ? "" : innerHtml(node);
  }

  serialize(): string {
    return this.serializeArray()
      .sort((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0)
      .flatMap(({ name, value }) => [value].flat().map((text) => `${queryEscape(name)}=${queryEscape(text)}`))
      .join("&");
  }

  serializeArray(): FormValue[] {
    return formValues(this.#nodes);
  }

  serializeObject(): Record<string, ControlValue> {
    return Object.fromEntries(this.serializeArray().map(({ name, value }) => [name, value]));
  }

  text(): string {
    return this.#nodes.map(textOf).join("");
  }

  val(): ControlValue | undefined {
    const [node] = this.#nodes;
    return node === undefined ? undefined : valueOf(node);
  }

  *#each(callback: unknown): Walk<Selection> {
    const fn = callable(callback, "each()");
    for (const [index, node] of this.#nodes.entries()) yield* callSuspending(fn, index, wrap(node)!);
    return this;
  }

  *#map(callback: unknown): Walk<unknown[]> {
    const fn = callable(callback, "map()");
    const results: unknown[] = [];
    for (const [index, node] of this.#nodes.entries()) {
      results.push(yield* callSuspending(fn, index, this.#choose([node])));
    }
    return results;
  }

  *#filter(wanted: unknown): Walk<Selection> {
    return this.#choose(yield* this.#meant(wanted));
  }

  *#not(wanted: unknown): Walk<Selection> {
    const meant = new Set(yield* this.#meant(wanted));
    return this.#choose(this.#nodes.filter((node) => !meant.has(node)));
  }

  *#is(wanted: unknown): Walk<boolean> {
    return (yield* this.#meant(wanted)).length > 0;
  }

  /** Those of the nodes that a selector, another selection or a function of the script means. */
  *#meant(wanted: unknown): Walk<AnyNode[]> {
    if (typeof wanted !== "function") return this.#nodes.filter(testOf(wanted));
    const meant: AnyNode[] = [];
    for (const [index, node] of this.#nodes.entries()) {
      if (yield* callSuspending(wanted as Callback, index, this.#choose([node]))) meant.push(node);
    }
    return meant;
  }

  #at(index: number): Selection {
    const node = this.#nodes.at(index);
    return this.#choose(node === undefined ? [] : [node]);
  }

  /** From each node to others, of which `wanted` may choose some. */
  #step(from: (node: AnyNode) => AnyNode | readonly AnyNode[], wanted: unknown): Selection {
    const test = wanted === undefined ? ANY : testOf(wanted);
    return this.#choose(this.#nodes.flatMap(from).filter(test));
  }

  /** Over and over until a node that `until` means, or one that another's way has passed: the rest of it is the same. */
  #stepUntil(next: Next, until: unknown, wanted: unknown): Selection {
    const stops = until === undefined || until === null ? undefined : testOf(until);
    const passed = new Set<AnyNode>();
    for (const node of this.#nodes) {
      for (let at = next(node); at !== null && !passed.has(at) && stops?.(at) !== true; at = next(at)) passed.add(at);
    }
    return this.#choose(wanted === undefined ? [...passed] : [...passed].filter(testOf(wanted)));
  }

  /** Each once. */
  #choose(nodes: readonly AnyNode[]): Selection {
    return new Selection(nodes.length < 2 ? nodes : [...new Set(nodes)], this);
  }
}

/** The test for what a script means by a selector, a `Selection` or an `Element`. */
function testOf(wanted: unknown): NodeTest {
  const nodes = nodesOf(wanted);
  if (nodes === undefined) return selectorTest(String(wanted));
  const set = new Set(nodes);
  return (node) => set.has(node);
}

function ancestors(node: AnyNode): AnyNode[] {
  const found: AnyNode[] = [];
  for (let at = node.parent; at !== null; at = at.parent) found.push(at);
  return found;
}

function callable(callback: unknown, what: string): Callback {
  if (typeof callback === "function") return callback as Callback;
  throw new TypeError(`${what} failed: it needs a function`);
}

type Next = (node: AnyNode) => AnyNode | null;

const nextElement: Next = (node) => siblingElement(node, "next");
const previousElement: Next = (node) => siblingElement(node, "prev");
