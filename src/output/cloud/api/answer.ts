/** Reads the JSON of the cloud's answers, leniently: unknown fields don't matter, null is a field that isn't there. */

import { asObject } from "../../setting_values.ts";
import { A_TEST_RUN_ID, isTestRunId } from "../test_run_id.ts";
import { CloudApiError } from "./cloud_error.ts";

/** An object in an answer. A field of the wrong type is a `CloudApiError` that names the call and the field. */
export class Answer {
  readonly #call: AnsweredCall;
  /** Where the object stands in the answer: `runtime_config.`; empty for the whole answer. */
  readonly #path: string;
  readonly #fields: Readonly<Record<string, unknown>>;

  private constructor(call: AnsweredCall, path: string, fields: Readonly<Record<string, unknown>>) {
    this.#call = call;
    this.#path = path;
    this.#fields = fields;
  }

  /** Reads a body. */
  static parse(content: Uint8Array, call: AnsweredCall): Answer {
    try {
      const fields = asObject(JSON.parse(new TextDecoder().decode(content)));
      if (fields !== undefined) return new Answer(call, "", fields);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
    throw malformed(call, "the answer is not the JSON object of a k6 cloud");
  }

  /** The JSON of a field, whatever it is; undefined for none. */
  raw(name: string): unknown {
    return this.#fields[name] ?? undefined;
  }

  /** A text that must be there and not be empty; a number counts as one. */
  text(name: string): string {
    return this.#needed(name, "text", this.optionalText(name));
  }

  /** A text, or null; an empty one counts as none. */
  optionalText(name: string): string | null {
    const value = this.raw(name);
    if (value === undefined || value === "") return null;
    if (typeof value !== "string" && typeof value !== "number") throw this.#wrong(name, "text");
    return String(value);
  }

  /** The id of a test run, which must be there. */
  testRunId(name: string): string {
    const text = this.text(name);
    if (!isTestRunId(text)) throw this.#wrong(name, A_TEST_RUN_ID);
    return text;
  }

  /** An address that must be there. */
  address(name: string): string {
    return this.#needed(name, AN_ADDRESS, this.optionalAddress(name));
  }

  /** The text of an `http:` or `https:` address, or null. */
  optionalAddress(name: string): string | null {
    const text = this.optionalText(name);
    if (text !== null && !isAddress(text)) throw this.#wrong(name, AN_ADDRESS);
    return text;
  }

  /** The address of a page that people may look at; null also for what is none, which must not keep a test from running. */
  page(name: string): string | null {
    const value = this.raw(name);
    return typeof value === "string" && isAddress(value) ? value : null;
  }

  /** A token that must be there. */
  token(name: string): string {
    return this.#needed(name, A_TOKEN, this.optionalToken(name));
  }

  /** A text that can stand in a header, or null. */
  optionalToken(name: string): string | null {
    const text = this.optionalText(name);
    if (text !== null && !/^[\x21-\x7e]+$/.test(text)) throw this.#wrong(name, A_TOKEN);
    return text;
  }

  /** A number that must be there. */
  number(name: string): number {
    return this.#needed(name, "a number", this.optionalNumber(name));
  }

  /** A number, or null. */
  optionalNumber(name: string): number | null {
    const value = this.raw(name);
    if (value === undefined) return null;
    if (typeof value !== "number") throw this.#wrong(name, "a number");
    return value;
  }

  /** True or false; null when it isn't there. */
  optionalFlag(name: string): boolean | null {
    const value = this.raw(name);
    if (value === undefined) return null;
    if (typeof value !== "boolean") throw this.#wrong(name, "true or false");
    return value;
  }

  /** An object that must be there. */
  object(name: string): Answer {
    return this.#needed(name, "an object", this.optionalObject(name));
  }

  /** An object, or null. */
  optionalObject(name: string): Answer | null {
    const value = this.raw(name);
    return value === undefined ? null : this.#object(name, value);
  }

  /** The objects of a list; none when it isn't there. */
  objects(name: string): Answer[] {
    return this.#list(name).map((value, index) => this.#object(`${name}[${index}]`, value));
  }

  /** The texts of a list; null when it isn't there. */
  optionalTexts(name: string): string[] | null {
    if (this.raw(name) === undefined) return null;
    return this.#list(name).map((value, index) => {
      if (typeof value !== "string") throw this.#wrong(`${name}[${index}]`, "text");
      return value;
    });
  }

  #list(name: string): readonly unknown[] {
    const value = this.raw(name) ?? [];
    if (!Array.isArray(value)) throw this.#wrong(name, "a list");
    return value;
  }

  #object(name: string, value: unknown): Answer {
    const fields = asObject(value);
    if (fields === undefined) throw this.#wrong(name, "an object");
    return new Answer(this.#call, `${this.#path}${name}.`, fields);
  }

  #needed<T>(name: string, expected: string, value: T | null): T {
    if (value === null) throw this.#wrong(name, expected);
    return value;
  }

  #wrong(name: string, expected: string): CloudApiError {
    return malformed(this.#call, `${this.#path}${name} of the answer must be ${expected}`);
  }
}

/** Whether a text is an address that can be shown as it is. */
function isAddress(text: string): boolean {
  return !/[\s\p{Cc}]/u.test(text) && /^https?:$/.test(URL.parse(text)?.protocol ?? "");
}

/** What messages say of the call: `addressSource` because a wrong address is the usual cause. */
interface AnsweredCall {
  readonly purpose: string;
  readonly addressSource: string;
}

function malformed({ purpose, addressSource }: AnsweredCall, reason: string): CloudApiError {
  return new CloudApiError(`cannot ${purpose}: ${reason}; check ${addressSource}`, { kind: "malformed" });
}

const AN_ADDRESS = "an http or https address";
const A_TOKEN = "text without blanks";
