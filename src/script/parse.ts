/** Source text to syntax tree, with errors that show where. */

import { type Options, parse, Parser } from "acorn";
import { forEachChild, isFunction, type Node, type NodeOf } from "./ast.ts";
import { type ModuleFormat, ScriptError } from "./program.ts";
import { Source } from "./source.ts";
import { eraseTypes } from "./typescript.ts";

/** A parsed file. */
export interface ParsedSource {
  readonly source: Source;
  readonly program: NodeOf<"Program">;
  readonly format: ModuleFormat;
  readonly typescript: boolean;
}

/**
 * Parses a module: an ES module if it has import, export or a top-level await, else CommonJS, as in k6. Types are erased when `typescript` is true, or "if-needed" when it does not parse as JavaScript.
 *
 * @throws {ScriptError} With `url:line:column` and a code frame.
 */
export function parseModule(url: string, text: string, typescript: boolean | "if-needed"): ParsedSource {
  if (typescript === "if-needed") {
    try {
      return parseModule(url, text, false);
    } catch (error) {
      if (!(error instanceof ScriptError)) throw error;
      try {
        return parseModule(url, text, true);
      } catch {
        // Neither language: the JavaScript error is the plainer one.
        throw error;
      }
    }
  }
  const erased = typescript ? eraseTypes(url, text) : undefined;
  const source = new Source(url, erased?.text ?? text, text, erased?.map);
  const { program, format } = parseJavaScript(source);
  refuseUnsupported(source, program);
  return { source, program, format, typescript };
}

/** An ES module whose default export is what a data file holds. */
export function parseData(url: string, text: string, type: "json" | "text"): ParsedSource {
  if (type === "json") checkJson(url, text);
  const literal = JSON.stringify(text);
  const source = new Source(url, `export default ${type === "json" ? `JSON.parse(${literal})` : literal};`, text);
  return { source, program: parse(source.text, OPTIONS), format: "data", typescript: false };
}

function checkJson(url: string, text: string): void {
  try {
    JSON.parse(text);
  } catch (error) {
    const message = (error as SyntaxError).message.replace(/\s+/g, " ");
    const position = Number(/ in JSON at position (\d+)/.exec(message)?.[1] ?? 0);
    throw new Source(url, text).error(`SyntaxError: ${message}`, position);
  }
}

const OPTIONS: Options = { ecmaVersion: "latest", sourceType: "module", preserveParens: true, allowHashBang: true };

function parseJavaScript(source: Source): { program: NodeOf<"Program">; format: "module" | "commonjs" } {
  try {
    const program = parse(source.text, OPTIONS);
    return { program, format: program.body.some(isModuleStatement) ? "module" : "commonjs" };
  } catch (error) {
    if (!(error instanceof SyntaxError) || !("pos" in error)) throw error;
    const program = parseCommonJs(source.text);
    if (program) return { program, format: "commonjs" };
    const decorator = source.text[Number(error.pos)] === "@";
    const message = decorator
      ? "k6d cannot run decorators"
      : `SyntaxError: ${error.message.replace(/ \(\d+:\d+\)$/, "")}`;
    throw source.error(message, Number(error.pos));
  }
}

/** Undefined when it isn't that either. */
function parseCommonJs(text: string): NodeOf<"Program"> | undefined {
  try {
    return StrictParser.parse(text, { ...OPTIONS, sourceType: "commonjs" });
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** k6 runs all code in strict mode. */
class StrictParser extends Parser {
  constructor(options: Options, input: string, startPos?: number) {
    super(options, input, startPos);
    (this as unknown as { strict: boolean }).strict = true;
  }
}

/** Syntax that only an ES module has: import, export, `import.meta`, `await` outside of functions. */
function isModuleStatement(node: Node): boolean {
  switch (node.type) {
    case "ImportDeclaration":
    case "ExportNamedDeclaration":
    case "ExportDefaultDeclaration":
    case "ExportAllDeclaration":
    case "AwaitExpression":
      return true;
    case "MetaProperty":
      return node.meta.name === "import";
    case "ForOfStatement":
      if (node.await) return true;
  }
  if (isFunction(node)) return false;
  let found = false;
  forEachChild(node, (child) => found ||= isModuleStatement(child));
  return found;
}

/** Refuses the syntax that k6d cannot run yet. */
function refuseUnsupported(source: Source, program: Node): void {
  if (!source.text.includes("using")) return;
  const visit = (node: Node): void => {
    switch (node.type) {
      case "VariableDeclaration":
        if (node.kind === "await using") throw source.error("k6d cannot run `await using`", node.start);
    }
    forEachChild(node, visit);
  };
  visit(program);
}
