/**
 * Whether a script could change the bytes of an ArrayBuffer that it is given: only through a view on it, and for that it
 * has to name a constructor of views, or to reach one by a name that can't be foreseen.
 */

import type { ParsedModule } from "./parsed_module.ts";

/** Constructors of views; names that lead to them from any object; names of methods that take an ArrayBuffer's bytes away. */
const TELLTALES =
  /\b(?:(?:Big)?(?:Ui|I)nt\d+(?:Clamped)?Array|Float\d+Array|DataView|__proto__|getPrototypeOf|transfer(?:ToFixedLength)?)\b|(?<![\w$])constructor(?!\s*\()|\.\s*constructor\b/;

/** What evaluates text, or names globals by text. */
const REACHING = new Set(["eval", "Function", "Reflect"]);

const GLOBAL_OBJECTS = new Set(["globalThis", "global"]);

/** The global object in any other use than `globalThis.name`. */
const GLOBAL_OBJECT_AT_LARGE = /\bglobal(?:This)?\b(?!\s*(?:\?\.|\.)\s*[A-Za-z_$])/;

/**
 * True unless it certainly can't. Comments count, too, and a name put together from pieces doesn't: who hides what he
 * does gets what comes of it.
 */
export function mayWriteBytes({ source, scope }: ParsedModule): boolean {
  if (TELLTALES.test(source.text)) return true;
  const free = new Set(scope.free.map(({ node }) => node.name));
  if (!free.isDisjointFrom(REACHING)) return true;
  // A name may be written with escapes.
  if (free.values().some((name) => TELLTALES.test(name))) return true;
  return !free.isDisjointFrom(GLOBAL_OBJECTS) && GLOBAL_OBJECT_AT_LARGE.test(source.text);
}
