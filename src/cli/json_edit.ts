/** Changes single values in the text of a JSON file and leaves all else as somebody wrote it, byte for byte. */

import { type ObjectExpression, parseExpressionAt, type Property } from "acorn";

/**
 * Sets a value, and makes the objects on the way to it that aren't there, or are null. The last name of `path` is found in any case (`Token` for
 * `token`), as k6 reads it. Throws a `TypeError` when something on the way is no object. `text` must be JSON: an object.
 */
export function setJsonValue(text: string, path: readonly string[], value: unknown): string {
  const { object, found, missing } = find(text, path);
  const below = found === undefined ? missing.slice(1) : missing;
  const nested = below.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);
  if (found === undefined) return insert(text, object, missing[0] ?? "", nested);
  return splice(text, found.value.start, found.value.end, written(text, found.start, nested));
}

/** Removes a value, wherever it is there more than once; objects that become empty stay. */
export function removeJsonValue(text: string, path: readonly string[]): string {
  const { object, found, missing } = find(text, path);
  if (found === undefined || missing.length > 0) return text;
  const properties = propertiesOf(object);
  const at = properties.indexOf(found);
  const next = properties[at + 1];
  const before = properties[at - 1];
  const shorter = next !== undefined
    ? splice(text, found.start, next.start, "")
    : before !== undefined
    ? splice(text, before.end, found.end, "")
    : splice(text, object.start, object.end, "{}");
  return removeJsonValue(shorter, path);
}

/** How far a path goes. */
interface Place {
  /** The last object of the path that is there. */
  readonly object: ObjectExpression;
  /** The path's end, or a null on the way, in `object`. */
  readonly found: Property | undefined;
  /** Names that aren't there, the first of them in `object`, or below `found`. */
  readonly missing: readonly string[];
}

function find(text: string, path: readonly string[]): Place {
  let object = asObject(parseExpressionAt(text, 0, { ecmaVersion: "latest" }), "the file");
  for (const [index, name] of path.entries()) {
    const isLast = index === path.length - 1;
    const found = propertiesOf(object).findLast((property) => {
      const key = keyOf(property);
      return isLast ? key.toLowerCase() === name.toLowerCase() : key === name;
    });
    if (found === undefined) return { object, found, missing: path.slice(index) };
    if (isLast || isNull(found.value)) return { object, found, missing: path.slice(index + 1) };
    object = asObject(found.value, path.slice(0, index + 1).join("."));
  }
  throw new TypeError("The path is empty");
}

function asObject(node: { readonly type: string }, what: string): ObjectExpression {
  if (node.type !== "ObjectExpression") throw new TypeError(`${what} is no object`);
  return node as ObjectExpression;
}

function isNull(node: Property["value"]): boolean {
  return node.type === "Literal" && node.value === null;
}

/** JSON has no other members. */
function propertiesOf(object: ObjectExpression): readonly Property[] {
  return object.properties.filter((property) => property.type === "Property");
}

function keyOf({ key }: Property): string {
  return key.type === "Literal" ? String(key.value) : "";
}

function insert(text: string, object: ObjectExpression, name: string, value: unknown): string {
  const last = propertiesOf(object).at(-1);
  const member = (at: number) => `${JSON.stringify(name)}: ${written(text, at, value)}`;
  if (last !== undefined) {
    // The line break and indentation before the last member, or what else divides it from what is before it.
    const gap = /\s*$/.exec(text.slice(0, last.start))?.[0] ?? "";
    return splice(text, last.end, last.end, `,${gap === "" ? " " : gap}${member(last.start)}`);
  }
  const outer = lineIndent(text, object.start);
  return splice(
    text,
    object.start,
    object.end,
    `{\n${outer}${UNIT}${reindented(member(object.start), outer + UNIT)}\n${outer}}`,
  );
}

const UNIT = "  ";

/** A value as it is written behind the member that begins at `at`: over several lines where that stands on a line of its own. */
function written(text: string, at: number, value: unknown): string {
  return reindented(JSON.stringify(value, null, UNIT.length), lineIndent(text, at));
}

function reindented(json: string, indent: string): string {
  return json.replaceAll("\n", `\n${indent}`);
}

/** The blanks with which the line begins. */
function lineIndent(text: string, at: number): string {
  const start = text.lastIndexOf("\n", at - 1) + 1;
  return /^[ \t]*/.exec(text.slice(start, at))?.[0] ?? "";
}

function splice(text: string, start: number, end: number, replacement: string): string {
  return text.slice(0, start) + replacement + text.slice(end);
}
