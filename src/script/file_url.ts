/** Paths and `file:` URLs. */

// Scripts find it gone from the global object.
const { URL } = globalThis;

/** The URL of an absolute path. */
export function toFileUrl(path: string): string {
  return new URL(path.replace(/[%?#]/g, encodeURIComponent), "file:///").href;
}

/** The path of a `file:` URL. */
export function fromFileUrl(url: string): string {
  return decodeURIComponent(new URL(url).pathname);
}

/** The URL of the folder that a file is in, with a slash at its end. */
export function dirname(url: string): string {
  return new URL(".", url).href;
}
