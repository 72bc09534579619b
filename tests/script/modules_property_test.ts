/** Random graphs of ES modules behave, linked by k6d, as they do when V8 links them. */

import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { ScriptError } from "../../src/script/program.ts";
import { host, instantiate, load } from "./harness.ts";

const NAMES = ["a", "b", "c", "default"];
const NUM_RUNS = Number(Deno.env.get("K6D_PROPERTY_RUNS") ?? 150);

/** A module's text; `trace(…)` stands for what observes it. */
const moduleText = (count: number) => {
  const other = fc.nat({ max: count - 1 }).map((index) => `./m${index}.js`);
  const name = fc.constantFrom(...NAMES);
  const observed = (value: string) => `try { trace(${value}); } catch (e) { trace(e.name); }`;
  const imported = fc.oneof(
    fc.tuple(name, other).map(([name, from]) => ({ clause: `{ ${name} as $ }`, from })),
    other.map((from) => ({ clause: "* as $", from })),
    other.map((from) => ({ clause: "$", from })),
  );
  const reexport = fc.oneof(
    fc.tuple(name, name, other).map(([name, as, from]) => ({
      names: [as],
      text: `export { ${name} as ${as} } from "${from}";`,
    })),
    fc.tuple(name, other).map(([as, from]) => ({ names: [as], text: `export * as ${as} from "${from}";` })),
    other.map((from) => ({ names: [], text: `export * from "${from}";` })),
  );
  const own = fc.tuple(name, fc.constantFrom("let", "const", "function", "class", "named")).map(([name, kind]) => {
    const local = `own_${name}`;
    const as = `export { ${local} as ${name} };`;
    switch (kind) {
      case "function":
        return { names: [name], text: `function ${local}() { return typeof ${local}; } ${as}` };
      case "class":
        return { names: [name], text: `class ${local} { static x = 1; } ${as}` };
      case "named":
        return name === "default"
          ? { names: [name], text: "export default function () { return 1; }" }
          : { names: [name], text: `export const ${name} = "const ${name}";` };
      default:
        return { names: [name], text: `${kind} ${local} = "${kind} ${name}"; ${as}` };
    }
  });
  return fc.record({
    imports: fc.array(imported, { maxLength: 3 }),
    exports: fc.array(fc.oneof(own, own, reexport), { maxLength: 4 }),
    changes: fc.boolean(),
  }).map(({ imports, exports, changes }) => {
    const taken = new Set<string>();
    const kept = exports.filter(({ names }) => names.every((name) => !taken.has(name) && taken.add(name)));
    const heads = imports.map(({ clause, from }, index) =>
      `import ${clause.replace("$", `i${index}`)} from "${from}";`
    );
    const looks = imports.flatMap((_, index) => [
      observed(
        `"i${index}", typeof i${index} === "object" ? Reflect.ownKeys(i${index}).map(String) : typeof i${index} === "function" ? i${index}.name : String(i${index})`,
      ),
      observed(`typeof i${index} === "object" && i${index} !== null && Object.prototype.toString.call(i${index})`),
      observed(`(() => { i${index} = 1; })()`),
    ]);
    const state = changes ? "export let n = 0; export function step() { n++; }" : "";
    return [
      ...heads,
      "trace('begin');",
      ...looks,
      state,
      ...kept.map(({ text }) => text),
      ...looks,
      "trace('end'); export {};",
    ]
      .join("\n");
  });
};

const graph = fc.integer({ min: 1, max: 4 }).chain((count) =>
  fc.array(moduleText(count), { minLength: count, maxLength: count })
);

/** What a run showed: its trace, or that it can't be linked. */
type Outcome = { readonly linked: false } | {
  readonly linked: true;
  readonly trace: unknown[];
  readonly threw: boolean;
};

async function natively(texts: readonly string[]): Promise<Outcome> {
  const folder = await Deno.makeTempDir();
  const trace: unknown[] = [];
  const holder = globalThis as { propertyTrace?: (...values: unknown[]) => void };
  holder.propertyTrace = (...values) => void trace.push(values);
  try {
    for (const [index, text] of texts.entries()) {
      await Deno.writeTextFile(
        `${folder}/m${index}.js`,
        `const trace = globalThis.propertyTrace.bind(null, ${index});\n${text}`,
      );
    }
    const exports = await import(`file://${folder}/m0.js`);
    trace.push(Object.keys(exports).sort());
    return { linked: true, trace, threw: false };
  } catch (error) {
    // Linking fails before anything runs.
    return trace.length === 0 && error instanceof SyntaxError
      ? { linked: false }
      : { linked: true, trace, threw: true };
  } finally {
    delete holder.propertyTrace;
    await Deno.remove(folder, { recursive: true });
  }
}

async function inK6d(texts: readonly string[]): Promise<Outcome> {
  const files = Object.fromEntries(
    texts.map((
      text,
      index,
    ) => [`m${index}.js`, `const trace = (...values) => __ENV.trace([${index}, ...values]);\n${text}`]),
  );
  const trace: unknown[] = [];
  try {
    const exports = instantiate(await load(files), host(trace));
    trace.push(Object.keys(exports).sort());
    return { linked: true, trace, threw: false };
  } catch (error) {
    return error instanceof ScriptError ? { linked: false } : { linked: true, trace, threw: true };
  }
}

Deno.test("random graphs of modules: cycles, re-exports, dead zones, live bindings, namespaces", async () => {
  await fc.assert(
    fc.asyncProperty(graph, async (texts) => {
      assertEquals(await inK6d(texts), await natively(texts), texts.join("\n--\n"));
    }),
    { numRuns: NUM_RUNS },
  );
});
