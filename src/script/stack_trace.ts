/** Stack traces as the author should see them: the script's own frames, at the author's lines and columns. */

import type { ProgramModule } from "./program.ts";
import { type MappedPosition, PositionMap } from "./source_map.ts";

/** A place in the script as its author sees it. */
export type ScriptPosition = MappedPosition;

/** What leads from a compiled module's places to the author's. */
interface Places {
  readonly columnEdits: Int32Array;
  readonly sourceMap: PositionMap | undefined;
}

/** Of the compiled modules, by URL. */
const modules = new Map<string, Places>();
/** Ends the function names of suspending forms (suspend.ts). */
const SUSPENDING_FORM = /\$k_*s$/;
/** The name of a default function that its author gave none (parsed_module.ts). */
const UNNAMED_DEFAULT = /^\$k_*D$/;
let installed = false;

/** Makes a compiled module's frames map back to its source. */
export function registerModule({ url, columnEdits, sourceMap }: Omit<ProgramModule, "code">): void {
  modules.set(url, { columnEdits, sourceMap: sourceMap && new PositionMap(sourceMap) });
  if (installed) return;
  installed = true;
  // Each call between suspending functions takes up to three frames, most of them not the script's.
  Error.stackTraceLimit = 50;
  // V8 asks for this property. What a script puts there has no effect, as in k6: it would be handed other users' errors.
  Object.defineProperty(Error, "prepareStackTrace", {
    get: () => formatStack,
    set() {},
    enumerable: false,
    configurable: false,
  });
}

/** Makes an error's `stack` of V8's frames. */
type StackFormatter = (error: unknown, frames: readonly NodeJS.CallSite[]) => unknown;

let formatStack: StackFormatter = scriptStack;

/** What a frame begins with: in the script, and in code that isn't its. */
const SCRIPT_FRAME = "\n\tat ", OWN_FRAME = "\n    at ";

function scriptStack(error: unknown, frames: readonly NodeJS.CallSite[]): string {
  const first = headline(error);
  let text = first;
  for (const frame of frames) {
    const position = scriptPositionOf(frame);
    if (!position) continue;
    const name = functionName(frame);
    const place = `${position.url}:${position.line}:${position.column}`;
    text += SCRIPT_FRAME + (name ? `${name} (${place})` : place);
  }
  // An error without any script frame is k6d's own: show where it is.
  return text === first ? [first, ...frames].join(OWN_FRAME) : text;
}

/** The innermost place of the script on the current stack, if any. */
export function scriptPosition(): ScriptPosition | undefined {
  for (const frame of currentFrames(scriptPosition)) {
    const position = scriptPositionOf(frame);
    if (position) return position;
  }
  return undefined;
}

/** URL of the module whose code runs, if any: the file as it was loaded, whatever a source map says. */
export function scriptModuleUrl(): string | undefined {
  for (const frame of currentFrames(scriptModuleUrl)) {
    const url = frame.getScriptNameOrSourceURL?.();
    if (url && modules.has(url)) return url;
  }
  return undefined;
}

/** A call that makes its whole thread wait. */
export interface BlockingSite {
  /** `url:line:column` of the call. */
  readonly position: string;
  /** What was called, for example `http.get()`. */
  readonly what: string;
  /** What stands between there and the iteration and can't be suspended, in words: `inside a constructor`. */
  readonly through: string;
}

/** Describes the call of `callee` that is under way, or of the constructor that `callee` stands in. */
// deno-lint-ignore ban-types -- any function that may stand on the stack
export function blockingSite(callee: Function, what: string, inConstructor: boolean): BlockingSite {
  let frames = currentFrames(callee);
  if (inConstructor) frames = frames.slice(1 + frames.findIndex((frame) => scriptPositionOf(frame) !== undefined));
  const through = obstacle(frames);
  return { position: firstPosition(frames), what, through: inConstructor && through === AT_ONCE ? UNKNOWN : through };
}

function firstPosition(frames: readonly NodeJS.CallSite[]): string {
  for (const frame of frames) {
    const place = scriptPositionOf(frame);
    if (place) return `${place.url}:${place.line}:${place.column}`;
  }
  return "script";
}

function obstacle(frames: readonly NodeJS.CallSite[]): string {
  let caller = "";
  let depth = 0;
  for (const frame of frames) {
    const name = frame.getFunctionName() ?? "";
    if (scriptPositionOf(frame)) {
      const construct = INITIALIZERS[name];
      if (construct !== undefined) return construct;
      if (frame.isConstructor()) return "inside a constructor";
      if (/^[gs]et /.test(name)) return "inside a getter or setter";
      caller = name;
      depth++;
    } else if (name === "next") {
      // Calls inside an author's generator are plain ones; compiled methods are generators, too.
      return depth > 1 || SUSPENDING_FORM.test(caller) ? AT_ONCE : "inside a generator";
    } else if (name !== "" && !frame.getFileName()) {
      return `in a callback of ${frame.getTypeName() ?? "Object"}.${name}()`;
    }
  }
  return AT_ONCE;
}

/** What V8 calls the functions that it makes of a class's fields. */
const INITIALIZERS: Readonly<Record<string, string>> = {
  "<instance_members_initializer>": "in the initial value of a field",
  "<static_initializer>": "in a static field or block",
};

const UNKNOWN = "in a constructor that it did not see called";

const AT_ONCE = "where JavaScript itself makes the call, as for an iterator, toString() or a parameter's default value";

/** Whether k6d's own code or a library of it, not a script's, called `callee`. Only scripts' code is evaluated text. */
// deno-lint-ignore ban-types -- any function that may stand on the stack
export function isCalledByOwnCode(callee: Function): boolean {
  const frames = currentFrames(callee, 8);
  for (let i = 0; i < frames.length; i++) {
    if (frames[i]!.isEval()) return false;
    if (frames[i]!.getScriptNameOrSourceURL?.()) return true;
  }
  return true;
}

// deno-lint-ignore ban-types -- any function that may stand on the stack
function currentFrames(below: Function, limit = 50): NodeJS.CallSite[] {
  const { stackTraceLimit } = Error;
  const holder: { stack?: unknown } = {};
  try {
    formatStack = (_error, frames) => frames;
    Error.stackTraceLimit = limit;
    Error.captureStackTrace(holder, below);
    return holder.stack as NodeJS.CallSite[];
  } finally {
    formatStack = scriptStack;
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** For an error that has no place in the script: without the frames of k6d's own code. */
export function withoutFrames<E extends Error>(error: E): E {
  error.stack = headline(error);
  return error;
}

/** A stack as the script's author should see it: of an error without any frame of the script, the headline alone. */
export function withoutOwnFrames(stack: string): string {
  const frames = stack.includes(SCRIPT_FRAME) ? -1 : stack.indexOf(OWN_FRAME);
  return frames < 0 ? stack : stack.slice(0, frames);
}

function headline(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  try {
    const name = String(error.name);
    const message = String(error.message);
    return message === "" ? name : name === "" ? message : `${name}: ${message}`;
  } catch {
    return "an error whose name or message can't be read";
  }
}

function scriptPositionOf(frame: NodeJS.CallSite): ScriptPosition | undefined {
  const url = frame.getScriptNameOrSourceURL?.();
  const places = url ? modules.get(url) : undefined;
  const line = frame.getLineNumber();
  const column = frame.getColumnNumber();
  if (!url || !places || line === null || column === null) return undefined;
  const compiled = { url, line, column: sourceColumn(places.columnEdits, line, column) };
  return places.sourceMap?.original(line, compiled.column) ?? compiled;
}

/** The author's column for a column of the compiled text. */
export function sourceColumn(edits: Int32Array, line: number, column: number): number {
  let low = 0, high = edits.length / 3;
  while (low < high) {
    const middle = (low + high) >> 1;
    const at = edits[3 * middle]!;
    if (at < line || at === line && edits[3 * middle + 1]! <= column) low = middle + 1;
    else high = middle;
  }
  const shift = low > 0 && edits[3 * low - 3] === line ? edits[3 * low - 1]! : 0;
  return Math.max(1, column - shift);
}

/** The author's name of a frame's function: without the suffix of suspending forms. */
function functionName(frame: NodeJS.CallSite): string {
  const name = frame.getFunctionName() ?? "";
  // What V8 calls a function without a name in evaluated text.
  if (name === "eval") return "";
  return name.replace(SUSPENDING_FORM, "").replace(UNNAMED_DEFAULT, "default").replace(
    /^.*\./,
    (owner) => owner === "Object." ? "" : owner,
  );
}
