/** Stack traces as the author should see them: the script's own frames, at the author's lines and columns. */

/** A place in the script, counted from 1. */
export interface ScriptPosition {
  readonly url: string;
  readonly line: number;
  readonly column: number;
}

/** Column maps of the compiled modules by URL (see `ProgramModule.columnEdits`). */
const columnEdits = new Map<string, Int32Array>();
let installed = false;

/** Makes a compiled module's frames map back to its source. */
export function registerModule(url: string, edits: Int32Array): void {
  columnEdits.set(url, edits);
  if (installed) return;
  installed = true;
  Error.prepareStackTrace = (error, frames) => {
    let text = headline(error);
    for (const frame of frames) {
      const position = scriptPositionOf(frame);
      if (!position) continue;
      const name = functionName(frame);
      const place = `${position.url}:${position.line}:${position.column}`;
      text += name ? `\n\tat ${name} (${place})` : `\n\tat ${place}`;
    }
    return text;
  };
}

/** The innermost place of the script on the current stack, if any. */
export function scriptPosition(): ScriptPosition | undefined {
  for (const frame of currentFrames()) {
    const position = scriptPositionOf(frame);
    if (position) return position;
  }
  return undefined;
}

/** Where a blocking call was made, and what between it and the iteration could not be suspended, in words. */
export function callSite(): { position: string; through: string } {
  const frames = currentFrames();
  const first = frames.findIndex((frame) => scriptPositionOf(frame) !== undefined);
  const position = first < 0 ? undefined : scriptPositionOf(frames[first]!);
  const place = position ? `${position.url}:${position.line}:${position.column}` : "script";
  for (const frame of frames.slice(Math.max(first, 0))) {
    const inScript = scriptPositionOf(frame) !== undefined;
    if (inScript && frame.isConstructor()) return { position: place, through: "inside a constructor" };
    if (!inScript && frame.isNative() || frame.getFileName() === null && frame.getFunctionName() !== null) {
      const name = frame.getFunctionName();
      if (name === "next") break;
      return { position: place, through: `called from native code, ${frame.getTypeName() ?? ""}.${name}` };
    }
  }
  return { position: place, through: "inside code that runs to its end at once" };
}

function currentFrames(): NodeJS.CallSite[] {
  const previous = Error.prepareStackTrace;
  const limit = Error.stackTraceLimit;
  const holder: { stack?: unknown } = {};
  Error.prepareStackTrace = (_error, frames) => frames;
  Error.stackTraceLimit = 50;
  Error.captureStackTrace(holder, currentFrames);
  const frames = holder.stack as NodeJS.CallSite[];
  Error.prepareStackTrace = previous;
  Error.stackTraceLimit = limit;
  return frames;
}

function headline(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const name = String(error.name);
  const message = String(error.message);
  return message === "" ? name : name === "" ? message : `${name}: ${message}`;
}

function scriptPositionOf(frame: NodeJS.CallSite): ScriptPosition | undefined {
  const url = frame.getScriptNameOrSourceURL?.();
  const edits = url ? columnEdits.get(url) : undefined;
  const line = frame.getLineNumber();
  const column = frame.getColumnNumber();
  if (!url || !edits || line === null || column === null) return undefined;
  return { url, line, column: sourceColumn(edits, line, column) };
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
  return name.replace(/\$k_*s$/, "").replace(/^.*\./, (owner) => owner === "Object." ? "" : owner);
}
