import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { compileArguments, embeddedModules, INCLUDED } from "../../scripts/compile_plan.ts";
import { explainFailure } from "../../scripts/compile.ts";
import { listFiles } from "../../scripts/repository.ts";

Deno.test("the binary embeds every module, worker and asset that it loads", async () => {
  const { modules, missing } = await embeddedModules();
  assertEquals(missing, []);
  assert(modules.includes("main.ts"));
  for (const path of INCLUDED) assert(modules.includes(path), path);
});

Deno.test("every module of src is part of the binary, but for the results server, which only tests start", async () => {
  const { modules } = await embeddedModules();
  const left = listFiles("src", ".ts").filter((path) => !modules.includes(path) && !path.startsWith("src/hub/"));
  assertEquals(left, []);
});

Deno.test("what workers load only when a script needs it is part of the binary, with its packages", async () => {
  const { modules, packages } = await embeddedModules();
  for (const path of ["src/api/crypto.ts", "src/api/x509.ts", "src/api/html.ts", "src/api/html/selection.ts"]) {
    assert(modules.includes(path), path);
  }
  for (
    const name of ["parse5", "parse5-htmlparser2-tree-adapter", "css-select", "css-what", "nth-check", "domhandler"]
  ) {
    assert(packages.some((found) => found.startsWith(`${name}@`)), name);
  }
});

Deno.test("a worker that no argument names is found missing, and so is a computed import", async () => {
  const { missing } = await embeddedModules([], "tests/scripts/fixtures/starts_worker.ts");
  assertEquals(missing, [
    "tests/scripts/fixtures/starts_worker.ts loads tests/scripts/fixtures/worker.ts",
    "tests/scripts/fixtures/starts_worker.ts loads what cannot be known before it runs: import(name)",
  ]);
});

Deno.test("an included worker brings its own imports with it", async () => {
  const worker = "tests/scripts/fixtures/worker.ts";
  const { modules } = await embeddedModules([worker], "tests/scripts/fixtures/starts_worker.ts");
  assertEquals(modules, [
    "tests/scripts/fixtures/imported_by_worker.ts",
    "tests/scripts/fixtures/starts_worker.ts",
    worker,
  ]);
});

Deno.test("the binary has the unstable features that deno.json switches on", () => {
  assert(compileArguments().includes("--unstable-worker-options"));
});

Deno.test("a base runtime that cannot be downloaded is named, with the way to give it", () => {
  const stderr =
    "\x1b[31merror\x1b[0m: Writing deno compile executable\n\nCaused by:\n    1: error sending request for url " +
    "(https://dl.example/release/v2.9.6/denort-x86_64-unknown-linux-gnu.zip): client error (Connect)";
  const text = explainFailure(stderr, "x86_64-unknown-linux-gnu");
  assertStringIncludes(text, "denort 2.9.6 for x86_64-unknown-linux-gnu, cannot be downloaded");
  assertStringIncludes(text, "https://dl.example/release/v2.9.6/denort-x86_64-unknown-linux-gnu.zip\n");
  assertStringIncludes(text, "DENORT_BIN=/path/to/denort");
});
