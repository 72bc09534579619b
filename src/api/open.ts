/** The global `open(path, mode?)` of the init stage. */

import { scriptModuleUrl } from "../script/stack_trace.ts";
import { currentUser } from "../worker/virtual_user.ts";
import { decodeText } from "./response_body.ts";
import { session } from "./session.ts";

/** Path of a script that came from standard input. */
const STDIN_MODULE = "/-";

/** Contents of a file: text, or an ArrayBuffer with mode `"b"`. A relative path starts at the module that calls. */
export function openForScript(path: unknown, mode?: unknown): string | ArrayBuffer {
  if (currentUser !== null && !currentUser.inInit) {
    throw new Error(
      `the "open" function is only available in the init stage (i.e. the global scope), see https://grafana.com/docs/k6/latest/using-k6/test-lifecycle for more information`,
    );
  }
  const text = String(path ?? "");
  if (text === "") throw new Error("open() can't be used with an empty filename");
  const bytes = new Uint8Array(session.openFile(resolve(text)));
  return mode === "b" ? bytes.slice().buffer : decodeText(bytes.slice());
}

function resolve(path: string): string {
  if (path.startsWith("file://")) return decodeURIComponent(path.slice("file://".length));
  if (path.startsWith("/")) return path;
  const module = decodeURIComponent((scriptModuleUrl() ?? "file:///").slice("file://".length));
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
