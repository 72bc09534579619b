/** Source text to syntax tree, with errors that show where. */

import { type Comment, parse } from "acorn";
import { stripTypeScriptTypes } from "node:module";
import { forEachChild, type Node, type NodeOf } from "./ast.ts";
import { ScriptError } from "./program.ts";
import { Source } from "./source.ts";

/** A parsed file. */
export interface ParsedSource {
  readonly source: Source;
  readonly program: NodeOf<"Program">;
  readonly typescript: boolean;
}

/**
 * Parses a module. Types are erased in place when `typescript` is true, or "if-needed" when it does not parse as JavaScript.
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
  const source = new Source(url, typescript ? eraseTypes(url, text) : text, text);
  const program = parseJavaScript(source);
  refuseUnsupported(source, program);
  return { source, program, typescript };
}

function parseJavaScript(source: Source): NodeOf<"Program"> {
  const comments: Comment[] = [];
  try {
    return parse(source.text, {
      ecmaVersion: "latest",
      sourceType: "module",
      preserveParens: true,
      allowHashBang: true,
      onComment: comments,
    });
  } catch (error) {
    if (!(error instanceof SyntaxError) || !("pos" in error)) throw error;
    throw source.error(`SyntaxError: ${error.message.replace(/ \(\d+:\d+\)$/, "")}`, Number(error.pos));
  }
}

/** What `stripTypeScriptTypes` names its input in messages. */
const AT_POSITION = /\s*(?:\n\s+)?at file:\/\/\/stripTypeScriptTypes\.ts:(\d+):(\d+)/;

function eraseTypes(url: string, text: string): string {
  try {
    return quietly(() => stripTypeScriptTypes(text, { mode: "strip" }));
  } catch (error) {
    throw erasureError(url, text, error);
  }
}

function erasureError(url: string, text: string, error: unknown): Error {
  const source = new Source(url, text);
  const message = error instanceof Error ? error.message : String(error);
  const found = AT_POSITION.exec(message);
  if (found) {
    const first = message.slice(0, found.index).split("\n")[0]!;
    const plain = first.replace(/^SyntaxError: /, "").replace(" in strip-only mode", "");
    return source.errorAt(`SyntaxError: ${plain}`, { line: Number(found[1]), column: Number(found[2]) });
  }
  // Strip mode says no more than "Syntax error"; the other mode says what and where.
  try {
    quietly(() => stripTypeScriptTypes(text, { mode: "transform" }));
  } catch (other) {
    if (other instanceof Error && AT_POSITION.test(other.message)) return erasureError(url, text, other);
  }
  return source.errorAt(`SyntaxError: ${message}`, { line: 1, column: 1 });
}

/** `stripTypeScriptTypes` announces on first use that it is experimental; that is not the user's business. */
function quietly<T>(work: () => T): T {
  const emitWarning = process.emitWarning;
  process.emitWarning = () => {};
  try {
    return work();
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** Refuses the syntax that k6d cannot run yet. */
function refuseUnsupported(source: Source, program: Node): void {
  const visit = (node: Node, inFunction: boolean): void => {
    switch (node.type) {
      case "AwaitExpression":
        throw source.error(
          inFunction ? "k6d cannot run `await` yet" : "k6d cannot run a top-level `await` yet; do the work in setup()",
          node.start,
        );
      case "ForOfStatement":
        if (node.await) throw source.error("k6d cannot run `for await` yet", node.start);
        break;
      case "ImportExpression":
        throw source.error("import() is not possible in a k6 script; use an import declaration", node.start);
      case "ImportDeclaration":
        if (node.attributes?.length) {
          throw source.error("k6d cannot import with attributes yet; read the file with open()", node.start);
        }
        break;
      case "FunctionDeclaration":
      case "FunctionExpression":
      case "ArrowFunctionExpression":
        if (node.async) {
          throw source.error("k6d cannot run `async` functions yet; k6's blocking calls need none", node.start);
        }
        inFunction = true;
    }
    forEachChild(node, (child) => visit(child, inFunction));
  };
  visit(program, false);
}
