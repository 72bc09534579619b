/** Random generators and the ways to walk them. */

import { type Area, type Builder, type Expression, inArrow, type Make, type Place, primary } from "./builder.ts";
import { parametersAndBody } from "./functions.ts";

/** `function* name(a, b) { … }`. */
export function generatorText(b: Builder, place: Place, name: string): string {
  const before = b.choices.chance(40)
    ? `try { yield ${b.choices.below(4)}; } finally { t(wait("closed", "generator")); } `
    : "";
  return `function* ${name}${parametersAndBody(b, place, { kind: "generator", yield: true }, before)}`;
}

/** The ways to walk the generator that `reference` makes. */
export function generatorUses(reference: string): Make[] {
  const made = (b: Builder, p: Place) => `${reference}(${b.arguments(p)})`;
  return [(b, p) =>
    b.choices.pick<() => Expression>([
      () => primary(`[...${made(b, p)}].length`),
      () => primary(`Array.from(${made(b, p)}, (a) => t(a)).length`),
      () => primary(`${made(b, p)}.next().value`),
      () => primary(`(([a, b]) => b)(${made(b, p)})`),
      () => primary(`Math.max(...${made(b, p)})`),
      () =>
        primary(
          `((i) => { t(i.next().value); t(i.next(${b.choices.below(5)}).done); return i.return(5).value; })(${
            made(b, p)
          })`,
        ),
      () =>
        primary(
          `((i) => { t(i.next().value); try { return t(i.throw(new Error("thrown in")).value); } catch (e) { return t(caught(e)); } })(${
            made(b, p)
          })`,
        ),
      () => primary(`(() => { for (const x of ${made(b, inArrow(p))}) { t(x); if (x > 2) break; } })()`),
      () => primary(`new Set(${made(b, p)}).size`),
      () => primary(`look(${reference})`),
    ])()];
}

/** Expressions that hold a generator of their own. */
export const generatorExpressions: readonly Area<Expression>[] = [
  {
    weight: 2,
    feature: "twin",
    where: (p) => p.kind !== "init",
    make: (b, p) => primary(`[...(${generatorText(b, p, "")})(${b.arguments(p)})].length`),
  },
  {
    weight: 2,
    feature: "twin",
    where: (p) => p.kind !== "init",
    make: (b, p) => {
      const tag = parametersAndBody(b, p, { kind: "tag" });
      return primary(`(function ${tag})\`a\${${b.any(p)}}b\${${b.any(p)}}\``);
    },
  },
];
