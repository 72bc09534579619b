/** Says where and why a text is no JSON, in the words of Go's encoding/json, which k6 shows to scripts. */

/** A flaw of a JSON text. */
export interface JsonFlaw {
  /** Characters up to and including the one at fault; the text's length when it ends too early. */
  readonly offset: number;
  readonly reason: string;
}

/** What may come next. */
type Expectation = "value" | "value or ]" | "key" | "key or }" | "colon" | "separator";

const ESCAPED = '"\\/bfnrt';
const LITERALS: Readonly<Record<string, string>> = { t: "true", f: "false", n: "null" };

/** Finds the first flaw of a text that `JSON.parse` has refused. Works for any depth of nesting. */
export function findJsonFlaw(text: string): JsonFlaw {
  const closers: ("}" | "]")[] = [];
  let expected: Expectation = "value";
  let at = 0;

  for (;;) {
    at = skipSpace(text, at);
    const c = text[at];
    if (c === undefined) return { offset: text.length, reason: "unexpected end of JSON input" };
    const closer = closers.at(-1);
    if (c === closer && (expected === "separator" || expected.endsWith(closer))) {
      closers.pop();
      expected = "separator";
      at++;
      continue;
    }
    switch (expected) {
      case "value":
      case "value or ]":
        if (c === "{" || c === "[") {
          closers.push(c === "{" ? "}" : "]");
          expected = c === "{" ? "key or }" : "value or ]";
          at++;
        } else {
          const end = scalarEnd(text, at);
          if (typeof end !== "number") return end;
          at = end;
          expected = "separator";
        }
        break;
      case "key":
      case "key or }": {
        if (c !== '"') return invalid(text, at, "looking for beginning of object key string");
        const end = stringEnd(text, at);
        if (typeof end !== "number") return end;
        at = end;
        expected = "colon";
        break;
      }
      case "colon":
        if (c !== ":") return invalid(text, at, "after object key");
        expected = "value";
        at++;
        break;
      case "separator":
        if (closer === undefined) return invalid(text, at, "after top-level value");
        if (c !== ",") return invalid(text, at, closer === "}" ? "after object key:value pair" : "after array element");
        expected = closer === "}" ? "key" : "value";
        at++;
    }
  }
}

function skipSpace(text: string, at: number): number {
  while (at < text.length && " \t\r\n".includes(text[at]!)) at++;
  return at;
}

/** A character that can't stand where it is, or the end of the text. */
function invalid(text: string, at: number, context: string): JsonFlaw {
  const c = text[at];
  if (c === undefined) return { offset: text.length, reason: "unexpected end of JSON input" };
  const shown = c === "'" ? "\\'" : c === '"' ? c : JSON.stringify(firstByte(c)).slice(1, -1);
  return { offset: at + 1, reason: `invalid character '${shown}' ${context}` };
}

/** Go goes by bytes: of a character it shows the first one of its UTF-8 form, as if it were Latin-1. */
function firstByte(c: string): string {
  const code = c.charCodeAt(0);
  if (code < 0x80) return c;
  // Half of a surrogate pair stands for four bytes.
  const isPair = code >= 0xd800 && code < 0xdc00;
  return String.fromCharCode(code < 0x800 ? 0xc0 | code >> 6 : isPair ? 0xf0 : 0xe0 | code >> 12);
}

/** The end of the string, number or literal at `at`. */
function scalarEnd(text: string, at: number): number | JsonFlaw {
  const c = text[at]!;
  if (c === '"') return stringEnd(text, at);
  if (c === "-" || isDigit(c)) return numberEnd(text, at);
  const literal = LITERALS[c];
  if (literal === undefined) return invalid(text, at, "looking for beginning of value");
  for (let i = 1; i < literal.length; i++) {
    if (text[at + i] !== literal[i]) {
      return invalid(text, at + i, `in literal ${literal} (expecting '${literal[i]}')`);
    }
  }
  return at + literal.length;
}

function stringEnd(text: string, start: number): number | JsonFlaw {
  for (let at = start + 1;; at++) {
    const c = text[at];
    if (c === '"') return at + 1;
    if (c === undefined || c < " ") return invalid(text, at, "in string literal");
    if (c !== "\\") continue;
    at++;
    if (text[at] === "u") {
      for (let i = 0; i < 4; i++) {
        at++;
        if (!/^[\da-f]$/i.test(text[at] ?? "")) return invalid(text, at, "in \\u hexadecimal character escape");
      }
    } else if (text[at] === undefined || !ESCAPED.includes(text[at]!)) {
      return invalid(text, at, "in string escape code");
    }
  }
}

function numberEnd(text: string, start: number): number | JsonFlaw {
  let at = text[start] === "-" ? start + 1 : start;
  if (!isDigit(text[at])) return invalid(text, at, "in numeric literal");
  at = text[at] === "0" ? at + 1 : skipDigits(text, at);
  if (text[at] === ".") {
    if (!isDigit(text[at + 1])) return invalid(text, at + 1, "after decimal point in numeric literal");
    at = skipDigits(text, at + 1);
  }
  if (text[at] === "e" || text[at] === "E") {
    at += text[at + 1] === "+" || text[at + 1] === "-" ? 2 : 1;
    if (!isDigit(text[at])) return invalid(text, at, "in exponent of numeric literal");
    at = skipDigits(text, at);
  }
  return at;
}

function isDigit(c: string | undefined): boolean {
  return c !== undefined && c >= "0" && c <= "9";
}

function skipDigits(text: string, at: number): number {
  while (isDigit(text[at])) at++;
  return at;
}
