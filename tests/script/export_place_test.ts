import { assertEquals } from "@std/assert";
import { placeOfExport } from "../../src/script/export_place.ts";
import { loadProgram } from "../../src/script/load.ts";

const SCRIPTS: readonly [name: string, script: string, exported: string, line: string][] = [
  [
    "a default function",
    `import http from "k6/http";\n\nexport default function () {\n  http.get("x");\n}`,
    "default",
    ":3",
  ],
  ["a default arrow function", `const a = 1;\nexport default () => a;`, "default", ":2"],
  ["a named function that blocks", `import { sleep } from "k6";\nexport function buy() {\n  sleep(1);\n}`, "buy", ":2"],
  ["a constant", `\n\nexport const look = () => {};`, "look", ":3"],
  ["another name", `\nfunction inner() {}\nexport { inner as outer };`, "outer", ":2"],
  ["a named default function", `\nexport default function named() {}`, "default", ":2"],
  ["what can't be told", `export { sleep as rest } from "k6";\nexport default function () {}`, "rest", ""],
];

for (const [name, script, exported, line] of SCRIPTS) {
  Deno.test(`the place of an export: ${name}`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      await Deno.writeTextFile(`${folder}/script.js`, script);
      const program = await loadProgram({ path: `${folder}/script.js` });
      assertEquals(placeOfExport(program, exported).replace(/^.*script\.js/, ""), line);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}
