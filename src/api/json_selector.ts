/**
 * `Response.json()`: parsing with k6's error text, and selectors in gjson's path syntax (its SYNTAX document): keys,
 * indexes, `*` and `?`, `#`, queries, `|`, modifiers, multipaths and literals.
 */

import { findJsonFlaw } from "./json_error.ts";

/** Parses a body as JSON; throws an `Error` that says where it is broken, worded as in k6. */
export function parseJsonBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const { offset, reason } = findJsonFlaw(text);
    const before = text.slice(0, Math.max(offset - 1, 0));
    const line = before.split("\n").length;
    const character = offset - (before.lastIndexOf("\n") + 1);
    throw new Error(`cannot parse json due to an error at line ${line}, character ${character} , error: ${reason}`, {
      cause,
    });
  }
}

/** Paths are few and come again in every iteration; a script that makes new ones can't fill memory. */
const MAX_CACHED_PATHS = 1024;
const compiledPaths = new Map<string, readonly Step[]>();

/**
 * Value at a path of a parsed JSON document; undefined when there is none or the path is malformed.
 *
 * ```ts
 * selectJson({ users: [{ id: 1, name: "Ann" }, { id: 2, name: "Bob" }] }, 'users.#(name=="Bob").id'); // 2
 * ```
 */
export function selectJson(value: unknown, path: string): unknown {
  let steps = compiledPaths.get(path);
  if (steps === undefined) {
    // Inside of queries an empty path is the element itself; here it is an empty key.
    steps = path === "" ? [{ piped: false, kind: "key", key: "" }] : compilePath(path);
    if (compiledPaths.size >= MAX_CACHED_PATHS) compiledPaths.clear();
    compiledPaths.set(path, steps);
  }
  return walk(value, steps, 0, steps.length);
}

/** One component of a path. `piped`: it comes after `|`, so it takes the whole result before it, not each element. */
type Step =
  & { readonly piped: boolean }
  & (
    | { readonly kind: "key"; readonly key: string }
    | { readonly kind: "pattern"; readonly pattern: RegExp }
    | { readonly kind: "each" }
    | { readonly kind: "query"; readonly query: Query; readonly all: boolean }
    | { readonly kind: "modifier"; readonly modify: Modifier; readonly argument: string }
    | { readonly kind: "multipath"; readonly into: "array" | "object"; readonly parts: readonly NamedPath[] }
    | { readonly kind: "literal"; readonly value: unknown }
  );

/** One part of a multipath (`{"name":path,…}`, `[path,…]`); without a name of its own it has that of its last component. */
interface NamedPath {
  readonly name: string;
  readonly path: readonly Step[];
}

/** A condition on an array's elements: the value at `path` compared with `operand`, or only looked for without `operator`. */
interface Query {
  readonly path: readonly Step[];
  readonly operator: string;
  readonly operand: string;
  /** For `%` and `!%`. */
  readonly pattern: RegExp | undefined;
}

type Modifier = (value: unknown, argument: string) => unknown;

function walk(start: unknown, steps: readonly Step[], from: number, to: number): unknown {
  let value = start;
  for (let i = from; i < to && value !== undefined; i++) {
    const step = steps[i]!;
    switch (step.kind) {
      case "key":
        value = member(value, step.key);
        break;
      case "pattern":
        value = matchingMember(value, step.pattern);
        break;
      case "modifier":
        value = step.modify(value, step.argument);
        break;
      case "multipath":
        value = gather(value, step.into, step.parts);
        break;
      case "literal":
        value = step.value;
        break;
      case "each":
      case "query": {
        if (!Array.isArray(value)) return undefined;
        if (step.kind === "query" && !step.all) {
          value = value.find((element) => holds(step.query, element));
          break;
        }
        // What follows with a dot is done to each element; what follows with a pipe, to the array of the results.
        const end = endOfDots(steps, i + 1, to);
        const elements = step.kind === "query" ? value.filter((element) => holds(step.query, element)) : value;
        if (end > i + 1) value = each(elements, steps, i + 1, end);
        else value = step.kind === "each" ? elements.length : elements;
        i = end - 1;
      }
    }
  }
  return value;
}

/** The values that are there. */
function gather(value: unknown, into: "array" | "object", parts: readonly NamedPath[]): unknown {
  const found = parts
    .map(({ name, path }) => [name, walk(value, path, 0, path.length)] as const)
    .filter(([, result]) => result !== undefined);
  return into === "object" ? Object.fromEntries(found) : found.map(([, result]) => result);
}

function endOfDots(steps: readonly Step[], from: number, to: number): number {
  let end = from;
  while (end < to && !steps[end]!.piped) end++;
  return end;
}

function each(elements: readonly unknown[], steps: readonly Step[], from: number, to: number): unknown[] {
  const results: unknown[] = [];
  for (const element of elements) {
    const result = walk(element, steps, from, to);
    if (result !== undefined) results.push(result);
  }
  return results;
}

function member(value: unknown, key: string): unknown {
  if (Array.isArray(value)) return isIndex(key) ? value[Number(key)] : undefined;
  return isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

function matchingMember(value: unknown, pattern: RegExp): unknown {
  if (!isObject(value)) return undefined;
  for (const key in value) {
    if (pattern.test(key)) return value[key];
  }
  return undefined;
}

function isIndex(key: string): boolean {
  return /^\d+$/.test(key);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether an element fulfils a query. The operand is text: what it means depends on the type of the element's value. */
function holds(query: Query, element: unknown): boolean {
  const value = walk(element, query.path, 0, query.path.length);
  const { operator, operand } = query;
  if (operand.startsWith("~")) return holdsLoosely(value, operator, operand);
  if (value === undefined) return false;
  switch (typeof value) {
    case "string":
      if (query.pattern !== undefined) return query.pattern.test(value) === (operator === "%");
      return compare(operator, value, operand);
    case "number":
      return compare(operator, value, Number(operand) || 0);
    case "boolean":
      return compare(operator, Number(value), operand === "true" ? 1 : operand === "false" ? 0 : NaN);
    default:
      return operator === "" || value === null && compare(operator, "null", operand);
  }
}

/** `~true`, `~false`, `~null` and `~*` (exists): compare after converting the value. */
function holdsLoosely(value: unknown, operator: string, operand: string): boolean {
  let same: boolean;
  switch (operand) {
    case "~true":
      same = value === true || value === "true" || value === "1" || typeof value === "number" && value !== 0;
      break;
    case "~false":
      same = value === undefined || value === null || value === false || value === "false" || value === "0" ||
        value === 0;
      break;
    case "~null":
      same = value === undefined || value === null;
      break;
    case "~*":
      same = value !== undefined;
      break;
    default:
      return false;
  }
  return operator === "==" ? same : operator === "!=" && !same;
}

function compare<T extends string | number>(operator: string, a: T, b: T): boolean {
  switch (operator) {
    case "":
      return true;
    case "==":
      return a === b;
    case "!=":
      return a !== b;
    case "<":
      return a < b;
    case "<=":
      return a <= b;
    case ">":
      return a > b;
    case ">=":
      return a >= b;
    default:
      return false;
  }
}

/** A component that nothing has: what a malformed query is compiled to. */
const NOWHERE = /(?!)/;

function compilePath(path: string): Step[] {
  const steps: Step[] = [];
  let piped = false;
  for (let at = 0; at < path.length || steps.length > 0 && at === path.length;) {
    const end = componentEnd(path, at);
    steps.push({ piped, ...compileComponent(path.slice(at, end)) } as Step);
    piped = path[end] === "|";
    at = end + 1;
  }
  return steps;
}

type Unpiped<T> = T extends unknown ? Omit<T, "piped"> : never;

function compileComponent(text: string): Unpiped<Step> {
  if (text === "#") return { kind: "each" };
  if (/^#[([]/.test(text)) return compileQuery(text);
  if (text.startsWith("@")) {
    const colon = text.indexOf(":");
    const name = text.slice(1, colon < 0 ? undefined : colon);
    const modify = modifiers.get(name);
    if (modify !== undefined) return { kind: "modifier", modify, argument: colon < 0 ? "" : text.slice(colon + 1) };
  }
  if (text.startsWith("!")) return compileLiteral(text.slice(1));
  if (/^(?:\{.*\}|\[.*\])$/s.test(text)) return compileMultipath(text);
  return /(?<!\\)(?:\\\\)*[*?]/.test(text)
    ? { kind: "pattern", pattern: globPattern(text) }
    : { kind: "key", key: unescape(text) };
}

/** Where the component that starts at `at` ends: at a dot or pipe outside of brackets, quotes and escapes. */
function componentEnd(path: string, at: number): number {
  const bracketed = /^(?:[@!{[]|#[([])/.test(path.slice(at, at + 2));
  let depth = 0;
  for (let i = at; i < path.length; i++) {
    const c = path[i]!;
    if (c === "\\") i++;
    else if (bracketed && c === '"') i = quoteEnd(path, i);
    else if (bracketed && "([{".includes(c)) depth++;
    else if (bracketed && ")]}".includes(c)) depth--;
    else if (depth <= 0 && (c === "." || c === "|")) return i;
  }
  return path.length;
}

/** Position of the quote that closes the one at `start`; the last position when none does. */
function quoteEnd(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === '"') return i;
  }
  return text.length - 1;
}

function compileLiteral(json: string): Unpiped<Step> {
  const value = parsed(json);
  return value === undefined ? { kind: "pattern", pattern: NOWHERE } : { kind: "literal", value };
}

/** `{…}` or `[…]`, with the brackets. */
function compileMultipath(text: string): Unpiped<Step> {
  const into = text.startsWith("{") ? "object" : "array";
  const parts = splitParts(text.slice(1, -1)).filter((part) => part !== "").map((part): NamedPath => {
    const named = into === "object" && part.startsWith('"') ? quoteEnd(part, 0) + 1 : 0;
    if (part[named] !== ":" || named === 0) return { name: lastName(part), path: compilePath(part) };
    return { name: unquote(part.slice(0, named)), path: compilePath(part.slice(named + 1)) };
  });
  return { kind: "multipath", into, parts };
}

/** The parts of a multipath between the commas that are outside of brackets, quotes and escapes. */
function splitParts(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (c === "\\") i++;
    else if (c === '"') i = quoteEnd(text, i);
    else if ("([{".includes(c)) depth++;
    else if (")]}".includes(c)) depth--;
    else if (depth === 0 && c === ",") {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  return [...parts, text.slice(start)];
}

/** What gjson names a part after: its last component, `_` when that is no plain name. */
function lastName(path: string): string {
  let start = 0;
  for (let end = componentEnd(path, 0); end < path.length; end = componentEnd(path, start)) start = end + 1;
  const name = unescape(path.slice(start));
  return /^[\w.: -]+$/.test(name) ? name : "_";
}

/** `#(…)` or `#(…)#`, with the brackets. */
function compileQuery(text: string): Unpiped<Step> {
  const match = /^#[([](.*)[)\]](#?)$/s.exec(text);
  if (match === null) return { kind: "pattern", pattern: NOWHERE };
  const inner = match[1]!;
  const at = operatorPosition(inner);
  const found = /^(?:[=!<>]=|!%|[=<>%])/.exec(inner.slice(at))?.[0] ?? "";
  const operator = found === "=" ? "==" : found;
  const operand = unquote(inner.slice(at + found.length).trim());
  const pattern = operator.endsWith("%") ? globPattern(operand) : undefined;
  const query = { path: compilePath(inner.slice(0, at).trim()), operator, operand, pattern };
  return { kind: "query", query, all: match[2] === "#" };
}

/** Where a query's operator starts: outside of nested queries, quotes and escapes; the end when there is none. */
function operatorPosition(query: string): number {
  let depth = 0;
  for (let i = 0; i < query.length; i++) {
    const c = query[i]!;
    if (c === "\\") i++;
    else if (c === '"') i = quoteEnd(query, i);
    else if ("([{".includes(c)) depth++;
    else if (")]}".includes(c)) depth--;
    else if (depth === 0 && "=!<>%".includes(c)) return i;
  }
  return query.length;
}

function unquote(operand: string): string {
  if (!/^".*"$/s.test(operand)) return operand;
  return operand.slice(1, -1).replace(/\\(["\\])/g, "$1");
}

function unescape(text: string): string {
  return text.includes("\\") ? text.replace(/\\(.)/gs, "$1") : text;
}

/** `*` is any text, `?` any one character, a backslash takes the meaning from what follows. */
function globPattern(glob: string): RegExp {
  const source = glob.replace(/\\(.)|\*+|[?$^.+()[\]{}|/\\]/gsu, (found, escaped: string | undefined) => {
    if (escaped !== undefined) return escaped.replace(/[$^.*+?()[\]{}|/\\]/u, "\\$&");
    return found[0] === "*" ? ".*" : found === "?" ? "." : `\\${found}`;
  });
  return new RegExp(`^${source}$`, "su");
}

const same: Modifier = (value) => value;

/** gjson's built-in modifiers; those for layout change nothing because the result is a value, not text. */
const modifiers: ReadonlyMap<string, Modifier> = new Map<string, Modifier>([
  ["this", same],
  ["pretty", same],
  ["ugly", same],
  ["valid", same],
  ["reverse", reverse],
  ["keys", (value) => isObject(value) ? Object.keys(value) : Array.isArray(value) ? value.map(() => null) : []],
  ["values", (value) => isObject(value) ? Object.values(value) : value],
  ["flatten", (value, argument) => Array.isArray(value) ? value.flat(isDeep(argument) ? Infinity : 1) : value],
  [
    "join",
    (value) => Array.isArray(value) ? Object.fromEntries(value.filter(isObject).flatMap(Object.entries)) : value,
  ],
  ["tostr", (value) => JSON.stringify(value)],
  ["fromstr", fromText],
  ["group", group],
]);

function reverse(value: unknown): unknown {
  if (Array.isArray(value)) return value.toReversed();
  return isObject(value) ? Object.fromEntries(Object.entries(value).reverse()) : value;
}

function isDeep(argument: string): boolean {
  return /"deep"\s*:\s*true/.test(argument);
}

function fromText(value: unknown): unknown {
  return typeof value === "string" ? parsed(value) : undefined;
}

/** Undefined for what is no JSON. */
function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** An object of arrays becomes an array of objects. */
function group(value: unknown): unknown {
  if (!isObject(value)) return undefined;
  const groups: [key: string, item: unknown][][] = [];
  for (const [key, list] of Object.entries(value)) {
    if (!Array.isArray(list)) continue;
    for (const [index, item] of list.entries()) (groups[index] ??= []).push([key, item]);
  }
  return groups.map((entries) => Object.fromEntries(entries));
}
