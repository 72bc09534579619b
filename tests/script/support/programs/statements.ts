/** Random statements: declarations, branches, loops, exceptions. */

import { type Area, type Builder, type Place, type Variable } from "./builder.ts";
import { anyFunction, callOf, functionDeclaration } from "./functions.ts";

/** Statements and the place after them. */
export interface Statements {
  readonly text: string;
  readonly place: Place;
}

/** Up to `count` statements, each with a blank or line end behind it. */
export function statements(b: Builder, place: Place, count: number): Statements {
  let text = "";
  for (let i = 0; i < count && b.fuel > 0; i++) {
    const made = b.choices.span("statement", () => b.choose(areas, place));
    text += made.text + (b.choices.chance(30) ? "\n" : " ");
    place = made.place;
  }
  return { text, place };
}

/** A block of its own: `{ … }`. */
export function block(b: Builder, place: Place, before = "", max = 2): string {
  return `{ ${before}${statements(b, { ...place, depth: place.depth + 1 }, b.choices.below(max + 1)).text}}`;
}

type Maker = (b: Builder, p: Place) => string;

/** A statement that declares nothing. */
const simple = (weight: number, make: Maker, where?: (place: Place) => boolean): Area<Statements> => ({
  weight,
  make: (b, p) => ({ text: make(b, p), place: p }),
  ...where && { where },
});

const nestable = (p: Place) => p.depth < 4;

const areas: readonly Area<Statements>[] = [
  simple(10, (b, p) => `t(${b.argument(p)});`),
  simple(8, expressionStatement),
  { weight: 10, make: declaration },
  { weight: 4, make: destructuring },
  { weight: 3, make: localFunction, where: nestable },
  simple(4, (b, p) => `if (${b.any(p)}) ${block(b, p)}${b.choices.chance(50) ? ` else ${block(b, p)}` : ""}`, nestable),
  simple(1, (b, p) => `if (${b.any(p)}) t(${b.argument(p)});\nelse (${b.any(p)})\n;`),
  simple(2, (b, p) => `t(${b.argument(p)})\nt(${b.argument(p)});`),
  simple(3, forLoop, nestable),
  simple(4, forOf, nestable),
  simple(2, forIn, nestable),
  simple(2, whileLoop, nestable),
  simple(6, tryStatement, nestable),
  simple(3, switchStatement, nestable),
  simple(2, labelledBlock, nestable),
  simple(2, (b, p) => leave(b, p), (p) => p.return || p.loops.length > 0),
  simple(1, (b, p) => `if (${b.any(p)}) throw new Error(\`thrown \${${b.any(p)}}\`);`),
  simple(1, (b, p) => `if (${b.any(p)}) throw ${b.argument(p)};`),
];

/** A statement without its semicolon, where the next line can't continue it; or one that begins with a bracket. */
function expressionStatement(b: Builder, p: Place): string {
  const text = b.any(p);
  // A block, function or class at the start would be a declaration.
  if (/^(\{|function|class|async|let)/.test(text)) return `(${text});`;
  return b.choices.chance(30) ? `${text}\n;` : `${text};`;
}

function declared(place: Place, ...variables: Variable[]): Place {
  const names = new Set(variables.map(({ name }) => name));
  return { ...place, variables: [...place.variables.filter(({ name }) => !names.has(name)), ...variables] };
}

function declaration(b: Builder, p: Place): Statements {
  const name = b.fresh("x");
  const keyword = b.choices.pick(["let", "const", "var"]);
  const end = b.choices.chance(20) ? "\n;" : ";";
  return {
    text: `${keyword} ${name} = ${b.argument(p)}${end}`,
    place: declared(p, { name, writable: keyword !== "const" }),
  };
}

function destructuring(b: Builder, p: Place): Statements {
  const [x, y] = [b.fresh("x"), b.fresh("y")];
  const one = { ...p, variables: [...p.variables, { name: x, writable: true }] };
  const text = b.choices.pick([
    () => `let [${x}, ${y} = ${b.argument(one)}] = [${b.argument(p)}];`,
    () => `let { x: ${x} = ${b.argument(p)}, ...${y} } = { y: ${b.argument(p)} };`,
    () => `let { [\`k\${${b.any(p)}}\`]: ${x} = ${b.argument(p)}, ${y} = 1 } = { k1: ${b.argument(p)} };`,
    () => `let ${x} = 0, ${y}; [${x}, ${y} = ${b.argument(one)}] = [${b.argument(p)}, ${b.argument(p)}];`,
    () => `let ${x}, ${y}; ({ a: ${x} = ${b.argument(p)}, b: [${y} = 2] } = { b: [${b.argument(p)}] });`,
  ])();
  return { text, place: declared(p, { name: x, writable: true }, { name: y, writable: true }) };
}

function localFunction(b: Builder, p: Place): Statements {
  const name = b.fresh("l");
  const place = { ...p, locals: [...p.locals, callOf(name)] };
  const text = b.choices.chance(50)
    ? functionDeclaration(b, place, name)
    : `const ${name} = ${anyFunction(b, p).text};`;
  return { text, place };
}

function forLoop(b: Builder, p: Place): string {
  const i = b.fresh("i");
  const label = loopLabel(b);
  const inner = declared(p, { name: i, writable: false });
  const test = b.choices.chance(20) ? `${i} < 2 && ${b.primary(inner)} < 5` : `${i} < 2`;
  const step = b.choices.chance(20) ? `t(${i}++)` : `${i}++`;
  return `${label}for (let ${i} = 0; ${test}; ${step}) ${loopBody(b, inner, label)}`;
}

function forOf(b: Builder, p: Place): string {
  const x = b.fresh("x");
  const label = loopLabel(b);
  const inner = declared(p, { name: x, writable: false });
  const list = b.choices.pick([
    () => `[${b.argument(p)}, ${b.argument(p)}]`,
    () => `new Set([${b.argument(p)}, 1])`,
    () => `"ab"`,
    () => `walk(${b.argument(p)}, ${b.argument(p)})`,
  ])();
  const head = b.choices.pick([
    () => `const ${x} of ${list}`,
    () => `let { x: ${x} = ${b.argument(p)} } of ${list}`,
    () => `const ${x} of ${list}`,
  ])();
  return `${label}for (${head}) ${loopBody(b, inner, label)}`;
}

function forIn(b: Builder, p: Place): string {
  const x = b.fresh("x");
  const label = loopLabel(b);
  const inner = declared(p, { name: x, writable: false });
  return `${label}for (const ${x} in { a: ${b.argument(p)}, b: ${b.argument(p)} }) ${loopBody(b, inner, label)}`;
}

function whileLoop(b: Builder, p: Place): string {
  const i = b.fresh("i");
  const label = loopLabel(b);
  const inner = declared(p, { name: i, writable: false });
  return b.choices.chance(50)
    ? `let ${i} = 2; ${label}while (${i}-- > 0 && ${b.primary(inner)}) ${loopBody(b, inner, label)}`
    : `let ${i} = 2; ${label}do ${loopBody(b, inner, label)} while (--${i} > 0 && ${b.primary(inner)});`;
}

function loopLabel(b: Builder): string {
  return b.choices.chance(30) ? `${b.fresh("L")}: ` : "";
}

function loopBody(b: Builder, p: Place, label: string): string {
  return block(b, { ...p, loops: [...p.loops, label.slice(0, -2)] }, "enter(); ");
}

function labelledBlock(b: Builder, p: Place): string {
  const label = b.fresh("B");
  return `${label}: ${block(b, { ...p, blocks: [...p.blocks, label] }, "", 3)}`;
}

/** `return`, `break`, `continue`, behind a test. */
function leave(b: Builder, p: Place): string {
  return `if (${b.any(p)}) ${jump(b, p)}`;
}

function jump(b: Builder, p: Place): string {
  const ways: (() => string)[] = [];
  if (p.return) ways.push(() => `return ${b.any(p)};`);
  if (p.loops.length > 0) {
    ways.push(() => `${b.choices.pick(["continue", "break"])};`);
    for (const label of p.loops) if (label) ways.push(() => `${b.choices.pick(["continue", "break"])} ${label};`);
  }
  for (const label of p.blocks) ways.push(() => `break ${label};`);
  return b.choices.pick(ways)();
}

function tryStatement(b: Builder, p: Place): string {
  const body = block(
    b,
    p,
    p.kind !== "init" && b.choices.chance(30) ? `t(wait(new Error(\`e\${${b.any(p)}}\`), "${p.kind}")); ` : "",
    3,
  );
  const shape = b.choices.below(3);
  const handler = shape === 2 ? "" : b.choices.pick([
    () => ` catch (e) ${block(b, p, "t(caught(e)); ")}`,
    () => ` catch ${block(b, p, "t(0); ")}`,
    () => ` catch ({ message, length: n = ${b.argument(p)} }) ${block(b, p, "t(message); t(n); ")}`,
  ])();
  if (shape === 0) return `try ${body}${handler}`;
  const leaving = b.choices.chance(20) && (p.return || p.loops.length > 0) ? leave(b, p) : "";
  return `try ${body}${handler} finally ${block(b, p, `t("finally"); ${leaving}`)}`;
}

function switchStatement(b: Builder, p: Place): string {
  const inner = { ...p, depth: p.depth + 1 };
  const clause = (head: string) =>
    `${head}: ${statements(b, inner, b.choices.below(2)).text}${b.choices.chance(50) ? "break; " : ""}`;
  const clauses = [
    clause(`case ${b.any(p)}`),
    clause("default"),
    clause(`case ${b.any(p)}`),
  ];
  return `switch (${b.any(p)}) { ${clauses.slice(b.choices.below(2)).join("")}}`;
}
