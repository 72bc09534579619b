/** What the generators of random programs share: expressions, the place they stand in, names, and a budget. */

import { Choices } from "../choices.ts";

/** Parts of the language that can be switched off. */
export type Feature =
  /** Blocking calls where nothing can be suspended. */
  | "twin"
  /** Promises and their reactions. */
  | "promise"
  /** `async` functions, `await`. */
  | "async"
  /** Async generators and `for await`. */
  | "async generator";

/** How tightly an expression binds, as far as parentheses depend on it. */
export const COMMA = 0, ASSIGNMENT = 1, OPERATION = 2, PRIMARY = 3;

/** Text of an expression. */
export interface Expression {
  readonly text: string;
  readonly level: number;
}

/** An expression that needs no parentheses anywhere. */
export const primary = (text: string): Expression => ({ text, level: PRIMARY });
/** A unary or binary operation that may be an operand in its turn. */
export const operation = (text: string): Expression => ({ text, level: OPERATION });
/** An assignment, a conditional, an arrow, a `yield`. */
export const assignment = (text: string): Expression => ({ text, level: ASSIGNMENT });
/** `a, b`. */
export const comma = (text: string): Expression => ({ text, level: COMMA });

/** A name that holds a number. */
export interface Variable {
  readonly name: string;
  readonly writable: boolean;
}

/** Makes an expression with a number as its value, or whatever a faulty program may have instead. */
export type Make = (builder: Builder, place: Place) => Expression;

/** Where code stands: what it may say there. */
export interface Place {
  /** The kind of function around, as statistics name it. */
  readonly kind: string;
  readonly depth: number;
  readonly variables: readonly Variable[];
  /** Ways to call the functions of enclosing blocks. */
  readonly locals: readonly Make[];
  readonly await: boolean;
  readonly yield: boolean;
  readonly return: boolean;
  readonly arguments: boolean;
  /** `this.v` is a number that can be read and written. */
  readonly thisValue: boolean;
  /** `super.m`, `super.g` may be there. */
  readonly super: boolean;
  readonly newTarget: boolean;
  /** Labels of the loops around; "" for one without. */
  readonly loops: readonly string[];
  /** Labels of the blocks around. */
  readonly blocks: readonly string[];
  /** Private members of the class around that hold numbers or make them. */
  readonly privates: readonly string[];
}

/** The top level of a module, where nothing blocks. */
export const TOP: Place = {
  kind: "init",
  depth: 0,
  variables: [],
  locals: [],
  await: false,
  yield: false,
  return: false,
  arguments: false,
  thisValue: false,
  super: false,
  newTarget: false,
  loops: [],
  blocks: [],
  privates: [],
};

/** A place inside a small arrow that is written around an expression. */
export function inArrow(place: Place): Place {
  return { ...place, await: false, yield: false };
}

/** One kind of expression or statement and how often it comes. */
export interface Area<Made> {
  readonly weight: number;
  readonly make: (builder: Builder, place: Place) => Made;
  /** Whether it can stand at a place; anywhere by default. */
  readonly where?: (place: Place) => boolean;
  readonly feature?: Feature;
}

const MAX_DEPTH = 5;

/** The generators' common state. */
export class Builder {
  /** Expressions that may still be made of others; then only the simplest are. */
  fuel = 0;
  /** Ways to call what the modules declare. */
  readonly globals: Make[] = [];
  #serial = 0;

  constructor(
    readonly choices: Choices,
    readonly features: ReadonlySet<Feature>,
    readonly leaves: readonly Area<Expression>[],
    readonly numbers: readonly Area<Expression>[],
  ) {}

  /** A name that occurs nowhere else in the program. */
  fresh(prefix: string): string {
    return `${prefix}${++this.#serial}`;
  }

  /** Makes a declaration with a budget of its own. */
  fueled<T>(fuel: number, make: () => T): T {
    this.fuel = fuel;
    return this.choices.span("declaration", make);
  }

  number(place: Place): Expression {
    if (this.fuel <= 0 || place.depth >= MAX_DEPTH) return this.choose(this.leaves, place);
    this.fuel--;
    return this.choices.span("number", () => this.choose(this.numbers, { ...place, depth: place.depth + 1 }));
  }

  /** A number as an operand of anything. */
  primary(place: Place): string {
    return this.#atLeast(PRIMARY, place);
  }

  /** A number as an operand of a binary operator. */
  operand(place: Place): string {
    return this.#atLeast(OPERATION, place);
  }

  /** A number as an argument, element, initializer. */
  argument(place: Place): string {
    return this.#atLeast(ASSIGNMENT, place);
  }

  /** A number where any expression may stand. */
  any(place: Place): string {
    return this.number(place).text;
  }

  /** Up to `count` arguments. */
  arguments(place: Place, count = 2): string {
    return Array.from({ length: this.choices.below(count + 1) }, () => this.argument(place)).join(", ");
  }

  #atLeast(level: number, place: Place): string {
    return parenthesized(this.number(place), level);
  }

  /** One of the areas that the place and the features allow. */
  choose<Made>(areas: readonly Area<Made>[], place: Place): Made {
    let total = 0;
    for (const area of areas) if (this.#allows(area, place)) total += area.weight;
    let left = this.choices.below(total);
    for (const area of areas) {
      if (!this.#allows(area, place)) continue;
      left -= area.weight;
      if (left < 0) return area.make(this, place);
    }
    throw new Error("no area can stand here");
  }

  #allows({ where, feature }: Area<unknown>, place: Place): boolean {
    return (where === undefined || where(place)) && (feature === undefined || this.features.has(feature));
  }
}

/** The text of an expression where `level` is wanted. */
export function parenthesized({ text, level }: Expression, wanted: number): string {
  return level >= wanted ? text : `(${text})`;
}
