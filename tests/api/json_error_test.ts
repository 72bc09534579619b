import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { findJsonFlaw } from "../../src/api/json_error.ts";

const cases: readonly [text: string, offset: number, reason: string][] = [
  ["", 0, "unexpected end of JSON input"],
  ["  ", 2, "unexpected end of JSON input"],
  ["{broken", 2, "invalid character 'b' looking for beginning of object key string"],
  ["<html>", 1, "invalid character '<' looking for beginning of value"],
  ["[1,", 3, "unexpected end of JSON input"],
  ["[1,]", 4, "invalid character ']' looking for beginning of value"],
  ["[1 2]", 4, "invalid character '2' after array element"],
  ['{"a":1,}', 8, "invalid character '}' looking for beginning of object key string"],
  ['{"a" 1}', 6, "invalid character '1' after object key"],
  ['{"a":1 "b"}', 8, "invalid character '\"' after object key:value pair"],
  ["{} x", 4, "invalid character 'x' after top-level value"],
  ["01", 2, "invalid character '1' after top-level value"],
  ["[tru]", 5, "invalid character ']' in literal true (expecting 'e')"],
  ["'a'", 1, "invalid character '\\'' looking for beginning of value"],
  ['"a\nb"', 3, "invalid character '\\n' in string literal"],
  ['"\\x"', 3, "invalid character 'x' in string escape code"],
  ['"\\u12G4"', 6, "invalid character 'G' in \\u hexadecimal character escape"],
  ['"open', 5, "unexpected end of JSON input"],
  ["\ufeff{}", 1, "invalid character 'ï' looking for beginning of value"],
  ["é", 1, "invalid character 'Ã' looking for beginning of value"],
  ["🐢", 1, "invalid character 'ð' looking for beginning of value"],
  ["-", 1, "unexpected end of JSON input"],
  ["-a", 2, "invalid character 'a' in numeric literal"],
  ["1.x", 3, "invalid character 'x' after decimal point in numeric literal"],
  ["1e+x", 4, "invalid character 'x' in exponent of numeric literal"],
];

Deno.test("flaws are placed and worded as in Go", () => {
  for (const [text, offset, reason] of cases) assertEquals(findJsonFlaw(text), { offset, reason }, text);
});

Deno.test("a flaw lies just where valid JSON ends", () => {
  fc.assert(fc.property(fc.jsonValue(), fc.nat(), (value, random) => {
    const json = JSON.stringify([value]);
    assertEquals(findJsonFlaw(`${json}!`), {
      offset: json.length + 1,
      reason: "invalid character '!' after top-level value",
    });
    const cut = random % json.length;
    assertEquals(findJsonFlaw(json.slice(0, cut)), { offset: cut, reason: "unexpected end of JSON input" });
  }));
});

Deno.test("nesting of any depth is followed", () => {
  assertEquals(findJsonFlaw("[".repeat(200_000)).offset, 200_000);
});
