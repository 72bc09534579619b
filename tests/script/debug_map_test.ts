import { assertEquals } from "@std/assert";
import { originalPositionFor, TraceMap } from "@jridgewell/trace-mapping";
import { sourceMapUrl, textOfDataUrl } from "../../src/script/source_map.ts";
import { load } from "./harness.ts";

/** Where a debugger shows a token of the compiled text, given the only line that has it. */
async function shownAt(files: Record<string, string>, token: RegExp): Promise<unknown> {
  const { code } = (await load(files, { inspected: true })).modules.at(-1)!;
  const map = new TraceMap(textOfDataUrl(sourceMapUrl(code)!));
  const lines = code.split("\n");
  const line = lines.findIndex((text) => token.test(text));
  const column = token.exec(lines[line]!)!.index;
  const { source, line: shownLine, column: shownColumn } = originalPositionFor(map, { line: line + 1, column });
  return [source, shownLine, shownColumn];
}

Deno.test("a debugger shows the author's places of code that was rewritten", async () => {
  const script =
    "import { wait } from 'k6/test';\nexport default function () {\n  wait(1); const after = wait(2); return after;\n}";
  assertEquals(await shownAt({ "s.js": script }, /after = /), ["file:///test/s.js", 3, 17]);
});

Deno.test("a debugger shows the author's places of TypeScript that was transformed", async () => {
  const script =
    "import { wait } from 'k6/test';\nenum E { A,\n B }\nexport default function (): void {\n  const x: number = wait(E.B);  const after: string = 'x'; after;\n}";
  assertEquals(await shownAt({ "s.ts": script }, /after = /), ["file:///test/s.ts", 5, 38]);
});
