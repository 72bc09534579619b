/** Random expressions: operators, calls, literals, chains. */

import {
  type Area,
  assignment,
  type Builder,
  comma,
  type Expression,
  inArrow,
  operation,
  type Place,
  primary,
} from "./builder.ts";
import { arrowExpression, functionExpression } from "./functions.ts";

/** The blocking primitive, with the kind of its place for the statistics. */
export function blockingCall(builder: Builder, place: Place): Expression {
  const gap = builder.choices.pick(["", "", "", " ", " /* ( */ ", "\n"]);
  const name = builder.choices.pick(["wait", "wait", "flaky"]);
  return primary(`${name}${gap}(${builder.argument(place)}, "${place.kind}")`);
}

/** What ends the growth of an expression. */
export const leaves: readonly Area<Expression>[] = [
  { weight: 4, make: (b) => primary(String(b.choices.below(6))) },
  {
    weight: 12,
    where: (p) => p.variables.length > 0,
    make: (b, p) => primary(b.choices.pick(p.variables).name),
  },
  { weight: 1, where: (p) => p.arguments, make: (b) => primary(b.choices.pick(["arguments.length", "arguments[0]"])) },
  { weight: 4, where: (p) => p.thisValue, make: () => primary("this.v") },
  { weight: 1, feature: "twin", where: (p) => p.newTarget, make: () => primary("t(typeof new.target)") },
  { weight: 1, make: () => primary("__VU") },
  {
    weight: 3,
    where: (p) => p.kind !== "init",
    make: (b, p) => primary(`wait(${b.choices.below(6)}, "${p.kind}")`),
  },
];

/** Expressions made of others. */
export const operators: readonly Area<Expression>[] = [
  { weight: 14, where: (p) => p.kind !== "init", make: blockingCall },
  { weight: 6, make: (b, p) => primary(`t(${b.argument(p)})`) },
  {
    weight: 8,
    make: (b, p) =>
      operation(`${b.operand(p)} ${b.choices.pick(["+ +", "-", "*", "<", "===", "|", "%"])} ${b.primary(p)}`),
  },
  { weight: 4, make: (b, p) => operation(`${b.operand(p)} ${b.choices.pick(["&&", "||"])} ${b.primary(p)}`) },
  { weight: 2, make: (b, p) => assignment(`${b.primary(p)} ?? ${b.primary(p)}`) },
  { weight: 1, make: (b, p) => assignment(`${b.primary(p)} ** ${b.primary(p)}`) },
  { weight: 2, make: (b, p) => operation(`${b.choices.pick(["- ", "! ", "+", "~"])}${b.primary(p)}`) },
  { weight: 3, make: (b, p) => assignment(`${b.operand(p)} ? ${b.argument(p)} : ${b.argument(p)}`) },
  { weight: 3, make: (b, p) => comma(`${b.argument(p)}, ${b.argument(p)}`) },
  { weight: 1, make: (b, p) => primary(`(void ${b.primary(p)}, ${b.argument(p)})`) },
  { weight: 1, make: (b, p) => primary(`(typeof ${b.primary(p)}).length`) },
  {
    weight: 5,
    where: (p) => p.variables.some(({ writable }) => writable),
    make: (b, p) => {
      // Numbers only are added: strings that double would grow without end.
      const { name } = b.choices.pick(p.variables.filter(({ writable }) => writable));
      if (b.choices.chance(25)) return assignment(`${name} += +${b.primary(p)}`);
      return b.choices.chance(25)
        ? primary(b.choices.pick([`${name}++`, `--${name}`].map((text) => `(${text})`)))
        : assignment(`${name} ${b.choices.pick(["=", "-=", "||=", "&&=", "??=", "*="])} ${b.argument(p)}`);
    },
  },
  {
    weight: 3,
    where: (p) => p.thisValue,
    make: (b, p) => assignment(`this.v ${b.choices.pick(["=", "-=", "??=", "&&="])} ${b.argument(p)}`),
  },
  {
    weight: 3,
    where: (p) => p.privates.length > 0,
    make: (b, p) => {
      const name = b.choices.pick(p.privates);
      if (name.endsWith("()")) return primary(`this.${name.slice(0, -2)}(${b.arguments(p)})`);
      return b.choices.chance(50) ? primary(`this.${name}`) : assignment(`this.${name} -= ${b.argument(p)}`);
    },
  },
  {
    weight: 6,
    where: (p) => p.super,
    make: (b, p) =>
      b.choices.pick([
        () => primary(`super.m(${b.arguments(p)})`),
        () => primary(`super["m"](${b.arguments(p)})`),
        () => primary("super.g"),
        () => primary(`super.missing?.(${b.argument(p)})`),
        () => assignment(`super.w = ${b.argument(p)}`),
      ])(),
  },
  { weight: 2, make: (b, p) => primary("`${" + b.any(p) + "}-${" + b.any(p) + "}`.length") },
  { weight: 3, make: (b, p) => primary(`[${b.argument(p)}, ...[${b.argument(p)}, 1], ${b.argument(p)}].length`) },
  { weight: 3, make: (b, p) => primary(`[${b.argument(p)}, ${b.argument(p)}][${b.any(p)}]`) },
  { weight: 2, make: (b, p) => primary(`({ x: ${b.argument(p)}, [\`k\${${b.any(p)}}\`]: ${b.argument(p)} }).x`) },
  { weight: 2, make: (b, p) => primary(`({ ...{ x: ${b.argument(p)} }, y: ${b.argument(p)} }).x`) },
  { weight: 1, make: (b, p) => primary(`Math.max(...[${b.argument(p)}, ${b.argument(p)}], ${b.argument(p)})`) },
  { weight: 1, make: (b, p) => primary(`Object.keys({ a: ${b.argument(p)}, b: 1 }).length`) },
  {
    weight: 5,
    where: (p) => p.locals.length > 0 && p.kind !== "init",
    make: (b, p) => b.choices.pick(p.locals)(b, p),
  },
  {
    weight: 22,
    where: (p) => p.kind !== "init",
    make: (b, p) => b.globals.length > 0 ? b.choices.pick(b.globals)(b, p) : b.choose(leaves, p),
  },
  { weight: 3, where: (p) => p.kind !== "init", make: immediatelyInvoked },
  { weight: 4, where: (p) => p.kind !== "init", make: optionalChain },
  { weight: 2, where: (p) => p.kind !== "init", make: groupCall },
  { weight: 2, where: (p) => p.kind !== "init", make: receiverAndKey },
  { weight: 2, where: (p) => p.yield, make: (b, p) => assignment(`yield ${b.argument(p)}`) },
  { weight: 1, where: (p) => p.yield, make: (b, p) => assignment(`yield* [${b.argument(p)}, ${b.argument(p)}]`) },
  { weight: 8, feature: "async", where: (p) => p.await, make: (b, p) => operation(`await ${b.primary(p)}`) },
];

function immediatelyInvoked(b: Builder, p: Place): Expression {
  const made = b.choices.chance(50) ? arrowExpression(b, p) : functionExpression(b, p);
  return primary(`(${made.text})(${b.arguments(p)})`);
}

/** Links that are there or not; the rest of a chain that ends early isn't evaluated. */
function optionalChain(b: Builder, p: Place): Expression {
  const f = () => arrowExpression(b, p).text;
  return b.choices.pick([
    () => primary(`({ f: ${f()} })?.f(${b.arguments(p)})`),
    () => primary(`({ f: ${f()} }).f?.(${b.arguments(p)})`),
    () => primary(`({ o: { f: ${f()} } })?.o?.["f"]?.(${b.arguments(p)})`),
    () => primary(`({}).f?.(${b.argument(p)}).x[${b.any(p)}]`),
    () => primary(`none?.[${b.any(p)}].x(${b.argument(p)})`),
    () => primary(`(none?.f(${b.argument(p)}))?.x`),
    () => primary(`wait({ x: ${b.argument(p)} }, "${p.kind}")?.x`),
    () => primary(`({ f: ${f()} })?.f(${b.argument(p)})?.toString().length`),
    () => operation(`delete wait({ x: { y: 1 } }, "${p.kind}")?.x.y`),
  ])();
}

function groupCall(b: Builder, p: Place): Expression {
  return primary(`group("a group", ${arrowExpression(b, p).text})`);
}

/** A method call whose receiver and key are computed, a callee that its own arguments change. */
function receiverAndKey(b: Builder, p: Place): Expression {
  return b.choices.pick([
    () => primary(`[${arrowExpression(b, p).text}][wait(0, "${p.kind}")](${b.arguments(p)})`),
    () => primary(`wait({ f: ${functionExpression(b, p).text} }, "${p.kind}").f(${b.arguments(p)})`),
    () => primary(`wait(${arrowExpression(b, p).text}, "${p.kind}")(${b.arguments(p)})`),
    () => primary(`((o) => o.f((o.f = null, ${b.argument(inArrow(p))})))({ f: ${arrowExpression(b, p).text} })`),
    () => primary(`((f) => f((f = null, ${b.argument(inArrow(p))})))(${arrowExpression(b, p).text})`),
  ])();
}
