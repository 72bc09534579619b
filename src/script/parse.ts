/** Source text to syntax tree, with errors that show where. */

import { type Comment, parse } from "acorn";
import { forEachChild, type Node, type NodeOf } from "./ast.ts";
import { ScriptError } from "./program.ts";
import { Source } from "./source.ts";
import { eraseTypes } from "./typescript.ts";

/** A parsed file. */
export interface ParsedSource {
  readonly source: Source;
  readonly program: NodeOf<"Program">;
  readonly typescript: boolean;
}

/**
 * Parses a module. Types are erased when `typescript` is true, or "if-needed" when it does not parse as JavaScript.
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
    const decorator = source.text[Number(error.pos)] === "@";
    const message = decorator
      ? "k6d cannot run decorators"
      : `SyntaxError: ${error.message.replace(/ \(\d+:\d+\)$/, "")}`;
    throw source.error(message, Number(error.pos));
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
