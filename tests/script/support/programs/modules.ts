/** Puts declarations into modules that import each other, and into one plain text that means the same. */

import type { Choices } from "../choices.ts";

/** What a module declares. */
export interface Declaration {
  /** Names that no other declaration of the program has. */
  readonly names: readonly string[];
  readonly text: string;
  /** A variable whose last value belongs to the program's outcome. */
  readonly state?: string;
}

/** A program in its two shapes. */
export interface LinkedText {
  /** Texts by file name, the script first: what is compiled. */
  readonly files: Readonly<Record<string, string>>;
  /** All modules in one function body that returns `{ default, state, restart }`: what V8 runs as it is. */
  readonly plain: string;
}

/** What every module of a random program has at hand: tracing, the limit of steps, a few helpers. */
const LIBRARY = `let steps = 0;
const none = undefined;
function t(value) { __ENV.trace(value); return value; }
function enter() { if (++steps > 100) throw new Error("too long"); }
function restart() { steps = 0; }
function look(f) { t(typeof f === "function" ? \`\${f.name}/\${f.length} \${properties(f)}\` : f); return 1; }
function properties(f) { return Object.getOwnPropertyNames(f).sort().filter((name) => name !== "prototype" || !/Async/.test(Object.prototype.toString.call(f))); }
function apply(f, ...args) { return f(...args); }
function caught(e) { return __ENV.describe(e); }
function* walk(...items) { try { for (const item of items) yield t(item); } finally { t("closed"); } }
function flaky(x, place) { return wait(x % 7 === 5 ? new Error("flaky") : x, place); }`;
const LIBRARY_NAMES = ["t", "enter", "look", "apply", "caught", "walk", "flaky", "none"];

/** The program of some modules; the last one is the script and declares `main`. */
export function linkModules(choices: Choices, modules: readonly (readonly Declaration[])[]): LinkedText {
  const script = modules.length - 1;
  const files: Record<string, string> = { [`m${script}.js`]: "" };
  const plain = [LIBRARY];
  const texts = modules.map((declarations) => declarations.map(({ text }) => text).join("\n"));
  const exported = modules.map((declarations) =>
    declarations.flatMap(({ names }) => names).map((name) => ({
      name,
      as: choices.chance(20) ? `${name}Out` : name,
    }))
  );
  const imports = texts.map((text, index): number[] => {
    const used = new Set(text.match(/[\w$]+/g));
    const head = [
      `import { wait } from "k6/test"; import { group } from "k6";`,
      `import { ${LIBRARY_NAMES.join(", ")} } from "./library.js";`,
    ];
    const others: number[] = [];
    exported.forEach((names, other) => {
      const wanted = names.filter(({ name }) => used.has(name));
      if (other === index || wanted.length === 0) return;
      others.push(other);
      const from = choices.chance(30) ? `all${other}.js` : `m${other}.js`;
      if (from.startsWith("all")) {
        const list = names.map(({ as }) => as).join(", ");
        files[from] = `export ${choices.pick(["*", `{ ${list} }`])} from "./m${other}.js";\n`;
      }
      if (choices.chance(25)) {
        const space = `space${index}of${other}`;
        head.push(`import * as ${space} from "./${from}";`);
        const getters = names.map(({ name, as }) => `get ${as}() { return ${name}; }`);
        plain.push(`const ${space} = { ${getters.join(", ")} };`);
        for (const { name, as } of wanted) {
          texts[index] = texts[index]!.replace(new RegExp(`(?<![\\w$])${name}(?!\\w)`, "g"), `${space}.${as}`);
        }
      } else {
        const list = wanted.map(({ name, as }) => name === as ? name : `${as} as ${name}`);
        head.push(`import { ${list.join(", ")} } from "./${from}";`);
      }
    });
    const list = exported[index]!.map(({ name, as }) => name === as ? name : `${name} as ${as}`);
    const tail = [`export { ${list.join(", ")} };`];
    if (index === script) {
      head.push(`import { restart } from "./library.js";`);
      const states = modules[index]!.flatMap(({ state }) => state ?? []);
      texts[index] += `\nfunction state() { return [${states}]; }`;
      tail.push("export { state, restart };", "export default main;");
    }
    files[`m${index}.js`] = [...head, texts[index], ...tail, ""].join("\n");
    return others;
  });
  files["library.js"] = `import { wait } from "k6/test";\n${LIBRARY}\nexport { ${LIBRARY_NAMES}, restart };\n`;
  for (const index of evaluationOrder(imports, script)) plain.push(texts[index]!);
  plain.push("return { default: main, state, restart };");
  return { files, plain: plain.join("\n") };
}

/** Modules in the order in which they run: imports before importers, in the order of the import declarations. */
function evaluationOrder(imports: readonly (readonly number[])[], entry: number): number[] {
  const order: number[] = [];
  const seen = new Set<number>();
  const visit = (index: number): void => {
    if (seen.has(index)) return;
    seen.add(index);
    for (const other of imports[index]!) visit(other);
    order.push(index);
  };
  visit(entry);
  return order;
}
