/** The module `k6/html`. Loaded only for scripts that use it, see lazy_modules.ts. */

import { Attribute, Element } from "./html/element.ts";
import { Selection } from "./html/selection.ts";
import { parsePage } from "./html/tree.ts";
import { typedElements } from "./html/typed_elements.ts";

/** `parseHTML(text)`: the whole page as a `Selection` of its document. What is no text is turned into it, a null body too. */
export function parseHTML(text?: unknown): Selection {
  return new Selection([parsePage(String(text))], null);
}

/** The module's object. */
export const exports: Readonly<Record<string, unknown>> = { parseHTML };

/** Classes that scripts get instances of. */
export const classes: readonly unknown[] = [Selection, Element, Attribute, ...typedElements];
