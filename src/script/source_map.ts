/** Source maps: of scripts that a bundler wrote, and of our own TypeScript transform. */

import { decode, type SourceMapMappings } from "@jridgewell/sourcemap-codec";
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
  /** By line; segments in the order of their columns. */
  #lines: SourceMapMappings | undefined;

  constructor(map: ScriptSourceMap) {
    this.#map = map;
  }

  /** Where the source of a place is: that of the last segment of its line before it; undefined when there is none. */
  original(line: number, column: number): MappedPosition | undefined {
    this.#lines ??= decode(this.#map.mappings);
    const segments = this.#lines[line - 1] ?? [];
    let low = 0, high = segments.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (segments[middle]![0] < column) low = middle + 1;
      else high = middle;
    }
    const segment = segments[low - 1];
    if (segment === undefined || segment.length === 1) return undefined;
    return { url: this.#map.sources[segment[1]] ?? "", line: segment[2] + 1, column: segment[3] + 1 };
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
