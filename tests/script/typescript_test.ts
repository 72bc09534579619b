import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { host, instantiate, load, run } from "./harness.ts";

async function exportsOf(files: Record<string, string>): Promise<Record<string, unknown>> {
  return instantiate(await load(files), host([]));
}

const more: Record<string, { source: string; result: unknown }> = {
  "enums": {
    source:
      "enum C { Red, Green = 5, Blue } enum S { A = 'a' } export const r = [C.Blue, C[5], S.A, Object.keys(C).length];",
    result: [6, "Green", "a", 6],
  },
  "constant enums": {
    source: "const enum F { A = 1 << 0, B = 1 << 1, Both = A | B } export const r = [F.Both, F.B];",
    result: [3, 2],
  },
  "namespaces": {
    source:
      "namespace N { export const two = 2; export namespace I { export function twice(x: number) { return x * two; } } } export const r = N.I.twice(4);",
    result: 8,
  },
  "parameter properties, declared and definite fields": {
    source:
      "class A { constructor(public readonly name: string, protected legs = 4, private secret?: string) {} } class B extends A { declare phantom: number; kind = 'b' as const; size!: number; constructor() { super('x'); } } export const r = Object.keys(new B());",
    result: ["name", "legs", "secret", "kind", "size"],
  },
  "satisfies, assertions, generics and overloads": {
    source:
      "function over(x: string): string; function over(x: any): any { return x; } const first = <T,>(list: T[]): T | undefined => list[0]; export const r = [first([over('a') as string])!, <number>(1 as unknown), ({ a: 1 }) satisfies object];",
    result: ["a", 1, { a: 1 }],
  },
  "abstract and optional members, this parameters": {
    source:
      "abstract class A { abstract m(): string; say?(): void; n(this: A): string { return this.m(); } } class B extends A { override m(): string { return 'b'; } } export const r = new B().n();",
    result: "b",
  },
};

for (const [name, { source, result }] of Object.entries(more)) {
  for (const extension of ["ts", "mts", "tsx"]) {
    Deno.test(`TypeScript in .${extension}: ${name}`, async () => {
      assertEquals((await exportsOf({ [`s.${extension}`]: source })).r, result);
    });
  }
}

Deno.test("enums and functions are imported from other TypeScript modules", async () => {
  const exports = await exportsOf({
    "s.ts":
      "import { Level, hit, type Unused } from './m.ts'; import { Options } from 'k6/options'; export const r = Level[Level.High]; export default function () { return hit(Level.High); }",
    "m.ts":
      "import { wait } from 'k6/test'; export enum Level { Low, High } export interface Unused {} export const hit = (n: Level) => wait(n);",
  });
  assertEquals(exports.r, "High");
  assertEquals(run(exports), 1);
});

Deno.test("a stack shows the author's places although an enum moved the text", async () => {
  const exports = await exportsOf({
    "s.ts": [
      "import { wait } from 'k6/test';",
      "enum Level { Low,",
      "  High }",
      "class A { constructor(private readonly n: number) {}",
      "  m(): void {",
      "    const x: number = wait(Level.High);  throw new Error(`bad ${x}`);",
      "  }",
      "}",
      "export default function () { new A(1).m(); }",
    ].join("\n"),
  });
  const error = assertThrows(() => run(exports)) as Error;
  assertEquals(error.stack!.split("\n\tat "), [
    "Error: bad 1",
    "m (file:///test/s.ts:6:48)",
    "default (file:///test/s.ts:9:39)",
  ]);
});

Deno.test("a bundle's source map, inline or beside it, leads to the author's source", async () => {
  // Line 2 of the bundle is line 1 of its source.
  const map = JSON.stringify({ version: 3, sources: ["../src/a.ts"], names: [], mappings: ";AAAA,yBAEE" });
  const bundle = "/* bundled */\nexport default () => { throw new Error('x') };\n";
  const inline = `data:application/json;base64,${btoa(map)}`;
  for (
    const files of [
      { "dist/s.js": `${bundle}//# sourceMappingURL=s.js.map\n`, "dist/s.js.map": map },
      { "dist/s.js": `${bundle}//# sourceMappingURL=${inline}` },
    ]
  ) {
    const error = assertThrows((await exportsOf(files)).default as () => void) as Error;
    assertStringIncludes(error.stack!, "(file:///test/src/a.ts:3:3)");
  }
});
