/** The global `open(path, mode?)` of the init stage. */

import { scriptModuleUrl } from "../script/stack_trace.ts";
import { currentUser } from "../worker/virtual_user.ts";
import { decodeText } from "./response_body.ts";
import { session } from "./session.ts";
import { isWorthSharing, sharedFile } from "./shared_file.ts";

/** Path of a script that came from standard input. */
const STDIN_MODULE = "/-";

/** Contents of a file: text, or an ArrayBuffer with mode `"b"`. A relative path starts at the module that calls. */
export function openForScript(path: unknown, mode?: unknown): string | ArrayBuffer {
  requireInit(`the "open" function`);
  const text = String(path ?? "");
  if (text === "") throw new Error("open() can't be used with an empty filename");
  const content = session.openFile(resolvePath(text));
  if (mode !== "b") return textOf(content);
  return isWorthSharing(content.byteLength) && !session.mayWriteBytes
    ? sharedFile(content)
    : new Uint8Array(content).slice().buffer;
}

/** Decoded once a worker: virtual users may have a string in common. */
function textOf(content: SharedArrayBuffer): string {
  let text = texts.get(content);
  if (text === undefined) texts.set(content, text = decodeText(new Uint8Array(content)));
  return text;
}

const texts = new WeakMap<SharedArrayBuffer, string>();

/** Throws outside of the init stage; `what` begins the message. */
export function requireInit(what: string): void {
  if (currentUser === null || currentUser.inInit) return;
  throw new Error(
    `${what} is only available in the init stage (i.e. the global scope), see https://grafana.com/docs/k6/latest/using-k6/test-lifecycle for more information`,
  );
}

/** The absolute path of a file; a relative one starts at the module that calls. */
export function resolvePath(path: string): string {
  if (path.startsWith("file://")) return decodeURIComponent(path.slice("file://".length));
  if (path.startsWith("/")) return path;
  const url = scriptModuleUrl() ?? "file:///";
  if (!url.startsWith("file://")) throw new Error(`"${path}" can't be opened: ${url} is not a file of this machine`);
  const module = decodeURIComponent(url.slice("file://".length));
  // The main thread, which reads the file, is where a script from standard input stands: in the working directory.
  if (module === STDIN_MODULE) return path;
  const parts = [...module.split("/").slice(0, -1), ...path.split("/")];
  const resolved: string[] = [];
  for (const part of parts) {
    if (part === "..") resolved.pop();
    else if (part !== "." && part !== "") resolved.push(part);
  }
  return `/${resolved.join("/")}`;
}
