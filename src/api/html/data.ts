/** `data-` attributes as jQuery reads them. */

import type { Element } from "domhandler";

/** What such an attribute's text stands for. */
export type DataValue = string | number | boolean | null | object;

/** The value of one attribute (by `page-id` or `pageId`), or of all by their names in camel case. */
export function dataOf(
  { attribs }: Element,
  name: unknown,
): DataValue | Record<string, DataValue> | undefined {
  if (name !== undefined) {
    const text = attribs[`data-${String(name).replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`];
    return text === undefined ? undefined : dataValue(text);
  }
  return Object.fromEntries(
    Object.entries(attribs).filter(([name]) => name.startsWith("data-"))
      .map(([name, text]) => [camelCase(name.slice("data-".length)), dataValue(text)]),
  );
}

function camelCase(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function dataValue(text: string): DataValue {
  if (text === "true" || text === "false") return text === "true";
  if (text === "null") return null;
  // Only what reads the same as a number: `1.0`, `0x1` and `1e999` stay text.
  if (String(Number(text)) === text && Number.isFinite(Number(text))) return Number(text);
  if (!/^(?:\{[^]*\}|\[[^]*\])$/.test(text)) return text;
  try {
    return JSON.parse(text) as object;
  } catch (error) {
    if (error instanceof SyntaxError) return text;
    throw error;
  }
}
