/** Specifiers to URLs, by k6's rules. */

import { dirname } from "./file_url.ts";

// Scripts find it gone from the global object.
const { URL } = globalThis;

/** How a module is asked for; packages may have an answer for each. */
export type RequestKind = "import" | "require";

/** What a specifier means before anything is read. */
export type Resolution =
  | { readonly kind: "builtin"; readonly specifier: string }
  | { readonly kind: "url"; readonly url: string }
  /** A bare or `npm:` name: a package, and what follows it (`"."` or `"./path"`). */
  | { readonly kind: "package"; readonly name: string; readonly version: string; readonly subpath: string }
  /** `#name` of the package that the importer belongs to. */
  | { readonly kind: "package-import" }
  | { readonly kind: "error"; readonly message: string };

const PACKAGE = /^(npm:\/?)?((?:@[a-z0-9~._-]+\/)?[a-z0-9~_-][a-z0-9~._-]*)(?:@([^/]+))?(\/.*)?$/i;

/** @param base URL of the importing module, or of the folder that relative specifiers start from (with a slash at its end). */
export function resolveSpecifier(specifier: string, base: string): Resolution {
  if (specifier === "k6" || specifier.startsWith("k6/")) return { kind: "builtin", specifier };
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(specifier)?.[1]?.toLowerCase();
  const remote = base.startsWith("https:");
  switch (scheme) {
    case "https":
      return { kind: "url", url: new URL(specifier).href };
    case "file":
      if (remote) {
        return {
          kind: "error",
          message: `A module from ${new URL(base).origin} can't import a local file: "${specifier}"`,
        };
      }
      return { kind: "url", url: toUrl(specifier, base) };
    case "npm":
    case undefined:
      break;
    case "node":
      return { kind: "error", message: `"${specifier}" is a module of Node.js, which scripts don't have` };
    default:
      return {
        kind: "error",
        message: `The moduleSpecifier "${specifier}" has the scheme "${scheme}"; only "file" and "https" are supported`,
      };
  }
  if (/^(?:\.{1,2}(?:\/|$)|\/)/.test(specifier)) return { kind: "url", url: toUrl(specifier, base) };
  if (specifier.startsWith("#") && !remote) return { kind: "package-import" };
  const named = PACKAGE.exec(specifier);
  // The packages of this machine are none of a remote module's business.
  if (!named || remote) {
    return {
      kind: "error",
      message: `The moduleSpecifier "${specifier}" couldn't be recognised as something k6 supports.`,
    };
  }
  const [, , name = "", version = "", path = ""] = named;
  return { kind: "package", name, version, subpath: `.${path}` };
}

/** The URL of a path or `file:` URL; what has a meaning in URLs but not in paths is escaped. */
export function toUrl(path: string, base: string): string {
  if (path.startsWith("file://")) return new URL(path).href;
  // A query may be meant where there are URLs anyway.
  const escaped = base.startsWith("https:") ? path : path.replace(/[%?#]/g, encodeURIComponent);
  return new URL(/^[a-z][a-z0-9+.-]*:/i.test(escaped) ? `./${escaped}` : escaped, dirname(base)).href;
}
