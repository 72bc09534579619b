/** Reads the objects that clients send, field by field: what is missing or of the wrong type is refused, what is unknown reported. */

import { ApiError } from "./http.ts";

/** Reads one field's value; undefined when it is not of its type. */
export interface FieldType<Value> {
  readonly description: string;
  readonly read: (given: unknown) => Value | undefined;
}

/** Text of at least one character. */
export const text: FieldType<string> = {
  description: "text that is not empty",
  read: (given) => typeof given === "string" && given !== "" ? given : undefined,
};

/** Any text. */
export const anyText: FieldType<string> = {
  description: "text",
  read: (given) => typeof given === "string" ? given : undefined,
};

/** An integer ≥ 0. */
export const count: FieldType<number> = {
  description: "an integer of 0 or more",
  read: (given) => Number.isSafeInteger(given) && (given as number) >= 0 ? given as number : undefined,
};

/** An integer of any sign. */
export const integer: FieldType<number> = {
  description: "an integer",
  read: (given) => Number.isSafeInteger(given) ? given as number : undefined,
};

/** True or false. */
export const bool: FieldType<boolean> = {
  description: "true or false",
  read: (given) => typeof given === "boolean" ? given : undefined,
};

/** An object of any fields. */
export const anyObject: FieldType<Readonly<Record<string, unknown>>> = {
  description: "an object",
  read: (given) => isObject(given) ? given : undefined,
};

/** An object whose values are all of one type. */
export function record<Value>(values: FieldType<Value>): FieldType<Readonly<Record<string, Value>>> {
  return {
    description: `an object, each value ${values.description}`,
    read: (given) => {
      if (!isObject(given)) return undefined;
      const entries = Object.entries(given).map(([key, value]) => [key, values.read(value)] as const);
      return entries.some(([, value]) => value === undefined)
        ? undefined
        : Object.fromEntries(entries) as Record<string, Value>;
    },
  };
}

/** A list whose elements are all of one type. */
export function list<Element>(elements: FieldType<Element>): FieldType<readonly Element[]> {
  return {
    description: `a list, each element ${elements.description}`,
    read: (given) => {
      if (!Array.isArray(given)) return undefined;
      const read = given.map(elements.read);
      return read.includes(undefined) ? undefined : read as Element[];
    },
  };
}

/** Or null. */
export function nullable<Value>(type: FieldType<Value>): FieldType<Value | null> {
  return {
    description: `${type.description}, or null`,
    read: (given) => given === null ? null : type.read(given),
  };
}

/** The whole numbers of a form's text. */
export function numeric(type: FieldType<number>): FieldType<number> {
  return {
    description: `${type.description} in digits`,
    read: (given) => typeof given === "string" && /^-?\d+$/.test(given) ? type.read(Number(given)) : undefined,
  };
}

/** The fields of an object or a form. */
export class Fields {
  readonly #given: Readonly<Record<string, unknown>>;
  readonly #place: string;
  readonly #deviates: (rule: string) => void;
  readonly #known = new Set<string>();

  /** `place` is how messages name the object, `deviates` is told of unknown fields. Throws an `ApiError` unless it is an object. */
  constructor(given: unknown, place: string, deviates: (rule: string) => void) {
    if (!isObject(given)) throw new ApiError(400, `${place} must be an object`);
    this.#given = given;
    this.#place = place;
    this.#deviates = deviates;
  }

  /** The value of a field that must be there. Throws an `ApiError`. */
  required<Value>(name: string, type: FieldType<Value>): Value {
    const value = this.optional(name, type);
    if (value === undefined) throw this.#refusal(name, "is missing");
    return value;
  }

  /** Undefined when it isn't there. Throws an `ApiError` when it is of another type. */
  optional<Value>(name: string, type: FieldType<Value>): Value | undefined {
    this.#known.add(name);
    if (!Object.hasOwn(this.#given, name)) return undefined;
    const value = type.read(this.#given[name]);
    if (value === undefined) throw this.#refusal(name, `must be ${type.description}`);
    return value;
  }

  /** Reports the fields that nobody has asked for. */
  end(): void {
    for (const name of Object.keys(this.#given)) {
      if (!this.#known.has(name)) this.#deviates(`${this.#place} has an unknown field ${name}`);
    }
  }

  #refusal(name: string, problem: string): ApiError {
    return new ApiError(400, `${this.#place}: ${name} ${problem}`, { fields: { [name]: [problem] } });
  }
}

function isObject(given: unknown): given is Readonly<Record<string, unknown>> {
  return typeof given === "object" && given !== null && !Array.isArray(given);
}
