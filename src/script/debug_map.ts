/** For debuggers: a source map from compiled text to the author's, as the comment that V8 looks for. */

import { encode, type SourceMapMappings } from "@jridgewell/sourcemap-codec";
import type { ScriptSourceMap } from "./program.ts";
import { PositionMap } from "./source_map.ts";
import { sourceColumn } from "./stack_trace.ts";

/** What is known of a compiled module. */
export interface CompiledText {
  readonly url: string;
  readonly code: string;
  readonly columnEdits: Int32Array;
  readonly sourceMap: ScriptSourceMap | undefined;
  /** The author's text. */
  readonly original: string;
}

/** `//# sourceMappingURL=data:…`, with a mapping for every token. */
export function debugMapComment({ url, code, columnEdits, sourceMap, original }: CompiledText): string {
  const toAuthor = sourceMap && new PositionMap(sourceMap);
  const sources = [url];
  const mappings: SourceMapMappings = code.split(/\r\n|[\n\r\u2028\u2029]/).map((text, index) => {
    const line = index + 1;
    return Array.from(text.matchAll(/[\p{ID_Continue}$]+|\S/gu), ({ index: column }) => {
      const compiled = { url, line, column: sourceColumn(columnEdits, line, column + 1) };
      const author = toAuthor?.original(line, compiled.column) ?? compiled;
      let source = sources.indexOf(author.url);
      if (source < 0) source = sources.push(author.url) - 1;
      return [column, source, author.line - 1, author.column - 1];
    });
  });
  const map = { version: 3, sources, sourcesContent: [original], names: [], mappings: encode(mappings) };
  return `//# sourceMappingURL=data:application/json;base64,${
    new TextEncoder().encode(JSON.stringify(map)).toBase64()
  }`;
}
