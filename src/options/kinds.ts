/** The kinds of value that an option can have: how each is read from a script (JSON) and from text (environment, flag). */

import { formatDuration, parseDuration, parseDurationWithUnit } from "./duration.ts";

/** A value that isn't of the expected kind; the message says what was given and what was expected. */
export class KindError extends Error {
  override name = "KindError";
}

/** One kind. Durations become milliseconds; everything else keeps the shape of k6's JSON. */
export interface OptionKind {
  /** For help texts: the name of the value, for example `duration`. Empty for switches. */
  readonly placeholder: string;
  /** Reads a value that a script exported; never given null or undefined. Throws a `KindError`. */
  fromJson(value: unknown): unknown;
  /** Reads the text of an environment variable or flag. Throws a `KindError`. Absent: the option has no textual form. */
  readonly fromText?: (text: string) => unknown;
  /** Reads the text of a flag where that differs from a variable's. Throws a `KindError`. */
  readonly fromFlag?: (text: string) => unknown;
  /** A value as k6 writes it in JSON, where that isn't the value itself. */
  readonly toJson?: (value: never) => unknown;
  /** Joins the values of a flag that may be repeated; without it the last one wins. */
  readonly merge?: (earlier: unknown, later: unknown) => unknown;
}

/** A switch. */
export const bool: OptionKind = {
  placeholder: "",
  fromJson: (value) => typeof value === "boolean" ? value : fail("true or false", value),
  fromText(text) {
    if (/^(1|t|true)$/i.test(text)) return true;
    if (/^(0|f|false)$/i.test(text)) return false;
    return fail("true or false", text);
  },
};

/** A whole number; k6 takes numeric text from scripts too (`vus: __ENV.VUS`). */
export const integer: OptionKind = {
  placeholder: "int",
  fromJson(value) {
    if (typeof value === "number" && Number.isSafeInteger(value)) return value;
    return typeof value === "string" ? readInteger(value) : fail("a whole number", value);
  },
  fromText: readInteger,
};

/** A duration, in milliseconds: `1m30s`, or a number of milliseconds. */
export const duration: OptionKind = {
  placeholder: "duration",
  fromJson(value) {
    if (typeof value === "number" && Number.isFinite(value)) return value;
    return typeof value === "string" ? readDuration(value) : fail(A_DURATION, value);
  },
  fromText: readDuration,
  toJson: formatDuration,
  fromFlag: (value) => parseDurationWithUnit(value) ?? fail("a duration with a unit, such as 30s or 1m30s", value),
};

/** Text. */
export const text: OptionKind = {
  placeholder: "string",
  fromJson: (value) => typeof value === "string" ? value : fail("a string", value),
  fromText: (value) => value,
};

/** One of a few words. */
export function oneOf(...choices: readonly string[]): OptionKind {
  const read = (value: unknown) => {
    return typeof value === "string" && choices.includes(value)
      ? value
      : fail(`one of ${choices.map(quote).join(", ")}`, value);
  };
  return { placeholder: choices.filter((choice) => choice !== "").join("|"), fromJson: read, fromText: read };
}

/** A list of texts, separated by commas in a variable or flag. */
export const textList: OptionKind = {
  placeholder: "list",
  fromJson(value) {
    return Array.isArray(value) && value.every((item) => typeof item === "string")
      ? value
      : fail("an array of strings", value);
  },
  fromText: (value) => value === "" ? [] : value.split(",").map((item) => item.trim()),
  merge: (earlier, later) => [...earlier as string[], ...later as string[]],
};

/** A map of texts: `k:v,k:v` in a variable. */
export const textMap: OptionKind = {
  placeholder: "k:v,k:v",
  fromJson(value) {
    if (!isObject(value)) return fail("an object whose values are strings", value);
    for (const [key, item] of Object.entries(value)) {
      if (typeof item !== "string") fail(`a string at ${quote(key)}`, item);
    }
    return value;
  },
  fromText: (value) => readPairs(value.split(","), ":"),
};

/** Tags: as `textMap`, but a flag gives one `name=value`. */
export const tagMap: OptionKind = {
  ...textMap,
  placeholder: "name=value",
  fromFlag: (value) => readPairs([value], "="),
  merge: (earlier, later) => ({ ...earlier as object, ...later as object }),
};

/** Stages: `{duration, target}` objects, or `10s:5,1m:10`. */
export const stages: OptionKind = {
  placeholder: "duration:target",
  fromJson(value) {
    if (!Array.isArray(value)) return fail("an array of {duration, target}", value);
    return value.map((stage) => {
      if (!isObject(stage)) return fail("a stage {duration, target}", stage);
      return {
        duration: isUnset(stage["duration"]) ? null : duration.fromJson(stage["duration"]),
        target: isUnset(stage["target"]) ? null : integer.fromJson(stage["target"]),
      };
    });
  },
  fromText(value) {
    return value === "" ? [] : value.split(",").map((stage) => {
      const colon = stage.indexOf(":");
      if (colon < 0) return fail("stages as duration:target, for example 10s:5", stage);
      return { duration: readDuration(stage.slice(0, colon)), target: readInteger(stage.slice(colon + 1)) };
    });
  },
  toJson: (read: readonly { readonly duration: number | null; readonly target: number | null }[]) =>
    read.map((stage) => ({ ...stage, duration: stage.duration === null ? null : formatDuration(stage.duration) })),
  merge: (earlier, later) => [...earlier as unknown[], ...later as unknown[]],
};

/** Any object; what is inside is read elsewhere. */
export const object: OptionKind = {
  placeholder: "object",
  fromJson: (value) => isObject(value) ? value : failUnshown("an object", value),
};

/** An array of objects; what is inside is read elsewhere. */
export const objectList: OptionKind = {
  placeholder: "list",
  fromJson(value) {
    return Array.isArray(value) && value.every(isObject) ? value : failUnshown("an array of objects", value);
  },
};

/** Text, or an object `{min, max}` of texts. */
export const textOrRange: OptionKind = {
  placeholder: "string",
  fromJson: (value) =>
    typeof value === "string" || isObject(value) ? value : fail("a string or an object {min, max}", value),
};

/** DNS settings: an object, or `ttl=5m,select=random,policy=preferIPv4`. */
export const dns: OptionKind = {
  placeholder: "ttl=…,select=…,policy=…",
  fromJson: (value) => isObject(value) ? checkDns(value) : fail("an object {ttl, select, policy}", value),
  fromText: (value) => checkDns(readPairs(value.split(","), "=")),
};

/** One threshold in JSON; `expression` alone is short for an object with it. */
export type ThresholdJson = string | Readonly<Record<string, unknown>>;

/** Thresholds: metric name → array of expressions or `{threshold, abortOnFail, delayAbortEval}`. */
export const thresholds: OptionKind = {
  placeholder: "object",
  fromJson(value) {
    if (!isObject(value)) return fail("an object: metric name to array of thresholds", value);
    for (const [metric, list] of Object.entries(value)) {
      if (!Array.isArray(list)) return fail(`an array of thresholds for ${quote(metric)}`, list);
      for (const item of list) checkThreshold(metric, item);
    }
    return value;
  },
  toJson: (value: Readonly<Record<string, readonly ThresholdJson[]>>) =>
    Object.fromEntries(Object.entries(value).map(([metric, list]) => [metric, list.map(thresholdToJson)])),
};

/** Whether a value counts as not set: k6 treats `null` and a missing field alike. */
export function isUnset(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

/** Whether a value counts as not set for a kind: empty text is no number, as in `vus: __ENV.VUS`. */
export function isUnsetFor(kind: OptionKind, value: unknown): value is null | undefined | "" {
  return isUnset(value) || value === "" && kind === integer;
}

/** Whether a value is a plain object in JSON's sense. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Throws the `KindError` that says what was expected and what was given. */
export function fail(expected: string, given: unknown): never {
  const reason = expected === A_DURATION && typeof given === "string" ? `invalid duration ${quote(given)}: ` : "";
  throw new KindError(reason === "" ? `expected ${expected}, got ${describe(given)}` : `${reason}expected ${expected}`);
}

/** Pairs of `name<separator>value`, for tags and settings; throws a `KindError` on an empty name or a missing separator. */
export function readPairs(pairs: readonly string[], separator: string): Record<string, string> {
  const map: Record<string, string> = {};
  for (const pair of pairs) {
    if (pair.trim() === "") continue;
    const at = pair.indexOf(separator);
    if (at <= 0) fail(`name${separator}value`, pair);
    map[pair.slice(0, at).trim()] = pair.slice(at + 1).trim();
  }
  return map;
}

const A_DURATION = "a duration such as 30s or 1m30s, or a number of milliseconds";

function readInteger(value: string): number {
  const number = Number(value);
  return /^[-+]?\d+$/.test(value) && Number.isSafeInteger(number) ? number : fail("a whole number", value);
}

function readDuration(value: string): number {
  return parseDuration(value) ?? fail(A_DURATION, value);
}

function checkDns(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const read: Record<string, unknown> = { ttl: null, select: null, policy: null };
  for (const [key, setting] of Object.entries(value)) {
    if (!Object.hasOwn(read, key)) fail("ttl, select or policy", key);
    if (!isUnset(setting)) read[key] = DNS_FIELDS[key]!.fromJson(setting);
  }
  return read;
}

const DNS_FIELDS: Readonly<Record<string, OptionKind>> = {
  ttl: {
    ...text,
    fromJson(value) {
      if (value === "inf" || duration.fromJson(value) as number >= 0) return value;
      return fail("a ttl of 0 or more, or inf", value);
    },
  },
  select: oneOf("first", "random", "roundRobin"),
  policy: oneOf("preferIPv4", "preferIPv6", "onlyIPv4", "onlyIPv6", "any"),
};

function checkThreshold(metric: string, item: unknown): void {
  if (typeof item === "string") return;
  if (!isObject(item) || typeof item["threshold"] !== "string") {
    fail(`a string or {threshold, abortOnFail, delayAbortEval} for ${quote(metric)}`, item);
  }
  if (!isUnset(item["abortOnFail"])) bool.fromJson(item["abortOnFail"]);
  if (!isUnset(item["delayAbortEval"])) duration.fromJson(item["delayAbortEval"]);
}

/** An expression alone, unless it can stop the test. */
/** The same without the value: keys, passwords and tokens stand in some options. */
function failUnshown(expected: string, given: unknown): never {
  const kind = Array.isArray(given) ? "an array" : typeof given === "object" ? "an object" : `a ${typeof given}`;
  throw new KindError(`expected ${expected}, got ${kind}`);
}

function thresholdToJson(item: ThresholdJson): unknown {
  if (typeof item === "string") return item;
  const { threshold, abortOnFail, delayAbortEval } = item;
  if (abortOnFail !== true && isUnset(delayAbortEval)) return threshold;
  const delay = isUnset(delayAbortEval) ? null : formatDuration(duration.fromJson(delayAbortEval) as number);
  return { threshold, abortOnFail: abortOnFail === true, delayAbortEval: delay };
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return `an array: ${shorten(JSON.stringify(value))}`;
  if (typeof value === "object" && value !== null) return `an object: ${shorten(JSON.stringify(value))}`;
  return typeof value === "string" ? `the string ${quote(shorten(value))}` : String(value);
}

function shorten(value: string): string {
  return value.length > 60 ? `${value.slice(0, 57)}…` : value;
}

function quote(value: string): string {
  return JSON.stringify(value);
}
