import { assertEquals } from "@std/assert";
import { parseSourceMap, PositionMap, sourceMapUrl, textOfDataUrl } from "../../src/script/source_map.ts";
import { load } from "./harness.ts";

/** Where a debugger shows a token of the compiled text, given the only line that has it. */
async function shownAt(files: Record<string, string>, token: RegExp): Promise<unknown> {
  const { code } = (await load(files, { inspected: true })).modules.at(-1)!;
  const map = new PositionMap(parseSourceMap(textOfDataUrl(sourceMapUrl(code)!), "file:///test/"));
  const lines = code.split("\n");
  const line = lines.findIndex((text) => token.test(text));
  const column = token.exec(lines[line]!)!.index;
  return map.original(line + 1, column + 1);
}

Deno.test("a debugger shows the author's places of code that was rewritten", async () => {
  const script =
    "import { wait } from 'k6/test';\nexport default function () {\n  wait(1); const after = wait(2); return after;\n}";
  assertEquals(await shownAt({ "s.js": script }, /after = /), { url: "file:///test/s.js", line: 3, column: 18 });
});

Deno.test("a debugger shows the author's places of TypeScript that was transformed", async () => {
  const script =
    "import { wait } from 'k6/test';\nenum E { A,\n B }\nexport default function (): void {\n  const x: number = wait(E.B);  const after: string = 'x'; after;\n}";
  assertEquals(await shownAt({ "s.ts": script }, /after = /), { url: "file:///test/s.ts", line: 5, column: 39 });
});
