/** What an output's settings are before they are checked: values from several sources, and how the usual kinds are read. */

import { OutputError } from "./output.ts";

/** One value: variables and arguments have texts, the configuration file and scripts all three. */
export type SettingValue = string | number | boolean;

/** The values of settings, each with the name of its source for messages; a later one takes the place of an earlier one. */
export class SettingValues<Key extends string> {
  readonly #values = new Map<Key, { readonly value: unknown; readonly source: string }>();
  readonly #prefix: string;
  readonly #isSecret: (key: Key) => boolean;

  /** `prefix` begins all messages; they don't show the values of keys for which `isSecret`. */
  constructor(prefix: string, isSecret: (key: Key) => boolean) {
    this.#prefix = prefix;
    this.#isSecret = isSecret;
  }

  set(key: Key, value: unknown, source: string): void {
    this.#values.set(key, { value, source });
  }

  /** Whether any source has the setting. */
  has(key: Key): boolean {
    return this.#values.has(key);
  }

  /** The value as `parse` understands it; one that it refuses (null) is an `OutputError` that says what is expected. */
  get<T>(key: Key, expected: string, parse: (value: SettingValue) => T | null): T | undefined {
    const setting = this.#values.get(key);
    if (setting === undefined) return undefined;
    const { value, source } = setting;
    const parsed = typeof value === "string" || typeof value === "number" || typeof value === "boolean"
      ? parse(value)
      : null;
    if (parsed !== null) return parsed;
    const shown = this.#isSecret(key) ? "" : ` ${JSON.stringify(value)}`;
    throw new OutputError(`${this.#prefix}invalid ${key} (${source})${shown}: expected ${expected}`);
  }

  /** A number counts as its text: users of Grafana Cloud have numbers for names. */
  text(key: Key): string | undefined {
    return this.get(key, "text", (value) => typeof value === "boolean" ? null : String(value).toWellFormed());
  }

  flag(key: Key): boolean | undefined {
    return this.get(key, "true or false", parseFlag);
  }

  /** The value as its source gives it, unchecked. */
  raw(key: Key): unknown {
    return this.#values.get(key)?.value;
  }

  /** Where the value that counts was set. */
  source(key: Key): string {
    return this.#values.get(key)?.source ?? "default";
  }
}

/** What Go's `strconv.ParseBool` understands; null for other values. */
export function parseFlag(value: SettingValue): boolean | null {
  return flags.get(String(value)) ?? null;
}

const flags: ReadonlyMap<string, boolean> = new Map([
  ...["1", "t", "T", "TRUE", "true", "True"].map((text) => [text, true] as const),
  ...["0", "f", "F", "FALSE", "false", "False"].map((text) => [text, false] as const),
]);

/** Reads whole numbers from 1 to `most`; null for what is none. */
export function positiveInteger(most: number = Number.MAX_SAFE_INTEGER): (value: SettingValue) => number | null {
  return (value) => {
    const number = typeof value === "boolean" || value === "" ? NaN : Number(value);
    return Number.isSafeInteger(number) && number >= 1 && number <= most ? number : null;
  };
}

/** Reads one of some words; null for others. */
export function oneOf<Word extends string>(...known: readonly Word[]): (value: SettingValue) => Word | null {
  return (value) => known.find((word) => word === value) ?? null;
}

/** The pairs of `key=value,…`; a part without `=` belongs to the value before it. Null when there is none before it. */
export function argumentPairs(argument: string): (readonly [key: string, value: string])[] | null {
  const pairs: [key: string, value: string][] = [];
  for (const part of argument === "" ? [] : argument.split(",")) {
    const separator = part.indexOf("=");
    const last = pairs.at(-1);
    if (separator !== -1) pairs.push([part.slice(0, separator), part.slice(separator + 1)]);
    else if (last !== undefined) last[1] += `,${part}`;
    else return null;
  }
  return pairs;
}

/** What is an object with settings in it; undefined for all else. */
export function asObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? value as Readonly<Record<string, unknown>>
    : undefined;
}
