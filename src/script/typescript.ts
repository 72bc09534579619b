/** TypeScript to JavaScript: types are erased in place; what is more than types is transformed, with a source map. */

import { stripTypeScriptTypes } from "node:module";
import type { ScriptSourceMap } from "./program.ts";
import { Source } from "./source.ts";
import { parseSourceMap, sourceMapUrl, textOfDataUrl } from "./source_map.ts";

/** True for the names that hold TypeScript: `.ts`, `.mts`, `.cts`, `.tsx`. */
export function isTypeScript(url: string): boolean {
  return /\.(?:[mc]?ts|tsx)$/.test(new URL(url).pathname);
}

/** JavaScript made of TypeScript; without a map every offset is the author's. */
export interface ErasedTypeScript {
  readonly text: string;
  readonly map: ScriptSourceMap | undefined;
}

/**
 * Erases types. Enums, namespaces and parameter properties become JavaScript; decorators stay as they are.
 *
 * @throws {ScriptError} With `url:line:column` and a code frame.
 */
export function eraseTypes(url: string, text: string): ErasedTypeScript {
  try {
    return { text: quietly(() => stripTypeScriptTypes(text, { mode: "strip" })), map: undefined };
  } catch {
    // It is more than types, or wrong: the other mode knows.
    return transform(url, text);
  }
}

function transform(url: string, text: string): ErasedTypeScript {
  let transformed: string;
  try {
    transformed = quietly(() => stripTypeScriptTypes(text, { mode: "transform", sourceMap: true }));
  } catch (error) {
    throw transformError(url, text, error);
  }
  const mapUrl = sourceMapUrl(transformed)!;
  const { mappings } = parseSourceMap(textOfDataUrl(mapUrl), url);
  const code = transformed.slice(0, transformed.lastIndexOf("//# sourceMappingURL="));
  return { text: replaceCommonJs(code), map: { mappings, sources: [url] } };
}

/** `import x = require("y")` and `export = x`, which the transform leaves alone. */
function replaceCommonJs(code: string): string {
  return code
    .replace(/^import (?=[\p{ID_Start}$_][\p{ID_Continue}$]* = require\()/gmu, "const  ")
    .replace(/^export = /gm, "module.exports = ");
}

/** What `stripTypeScriptTypes` names its input in messages. */
const AT_POSITION = /\s*(?:\n\s+)?at file:\/\/\/stripTypeScriptTypes\.ts:(\d+):(\d+)/;

function transformError(url: string, text: string, error: unknown): Error {
  const source = new Source(url, text);
  const message = error instanceof Error ? error.message : String(error);
  const found = AT_POSITION.exec(message);
  if (!found) return source.errorAt(`SyntaxError: ${message}`, { line: 1, column: 1 });
  const first = message.slice(0, found.index).split("\n")[0]!.replace(/^SyntaxError: /, "");
  const jsx = /\.tsx$/.test(url) ? "; k6d reads no JSX, in a .tsx file neither" : "";
  return source.errorAt(`SyntaxError: ${first}${jsx}`, { line: Number(found[1]), column: Number(found[2]) });
}

/** `stripTypeScriptTypes` announces on first use that it is experimental; that is not the user's business. */
function quietly<T>(work: () => T): T {
  const emitWarning = process.emitWarning;
  process.emitWarning = () => {};
  try {
    return work();
  } finally {
    process.emitWarning = emitWarning;
  }
}
