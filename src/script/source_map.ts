/** Source maps: of scripts that a bundler wrote, and of our own TypeScript transform. */

import { originalPositionFor, TraceMap } from "@jridgewell/trace-mapping";
import type { ScriptSourceMap } from "./program.ts";

/** A place in a source; line and column count from 1. */
export interface MappedPosition {
  readonly url: string;
  readonly line: number;
  readonly column: number;
}

/** A source map that is decoded when it is first asked. */
export class PositionMap {
  readonly #map: ScriptSourceMap;
  #trace: TraceMap | undefined;

  constructor(map: ScriptSourceMap) {
    this.#map = map;
  }

  /** Where the source of a place is; undefined when the map doesn't say. */
  original(line: number, column: number): MappedPosition | undefined {
    this.#trace ??= new TraceMap({
      version: 3,
      names: [],
      sources: [...this.#map.sources],
      mappings: this.#map.mappings,
    });
    const found = originalPositionFor(this.#trace, { line, column: column - 1 });
    if (found.source === null) return undefined;
    return { url: found.source, line: found.line, column: found.column + 1 };
  }
}

/** The URL that a text's last `//# sourceMappingURL=` comment names, if it ends with one. */
export function sourceMapUrl(text: string): string | undefined {
  const at = text.lastIndexOf("//# sourceMappingURL=");
  if (at < 0) return undefined;
  return /^\S+(?=\s*$)/.exec(text.slice(at + "//# sourceMappingURL=".length))?.[0];
}

/**
 * Reads a source map; what it says beyond positions is left out.
 *
 * @param json Text of the map (revision 3, without sections).
 * @param url The map's own URL, or that of the text that holds it: sources are relative to it.
 * @throws {Error} When it is not a source map.
 */
export function parseSourceMap(json: string, url: string): ScriptSourceMap {
  const map: unknown = JSON.parse(json.replace(/^\)\]\}'[^\n]*\n/, ""));
  if (typeof map !== "object" || map === null) throw new Error("it is not a source map");
  const { mappings, sources, sourceRoot } = map as { mappings?: unknown; sources?: unknown; sourceRoot?: unknown };
  if (typeof mappings !== "string" || !Array.isArray(sources)) throw new Error("it has no mappings or no sources");
  const root = typeof sourceRoot === "string" && sourceRoot !== "" ? `${sourceRoot.replace(/\/$/, "")}/` : "";
  return { mappings, sources: sources.map((source) => resolve(`${root}${source ?? ""}`, url)) };
}

function resolve(source: string, base: string): string {
  return URL.parse(source, base)?.href ?? source;
}

/** The bytes of a `data:` URL as text. */
export function textOfDataUrl(url: string): string {
  const comma = url.indexOf(",");
  const content = url.slice(comma + 1);
  if (!url.slice(0, comma).endsWith(";base64")) return decodeURIComponent(content);
  return new TextDecoder().decode(Uint8Array.fromBase64(content));
}
