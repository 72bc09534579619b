import { assertEquals } from "@std/assert";
import { parse } from "acorn";
import { analyzeScopes } from "../../src/script/scope.ts";
import { builtinWriteTargets } from "../../src/script/builtin_writes.ts";

function targets(text: string): string[] {
  const program = parse(text, { ecmaVersion: "latest", sourceType: "module" });
  return builtinWriteTargets(program, analyzeScopes(program)).map(({ start, end }) => text.slice(start, end));
}

const CASES: Record<string, string[]> = {
  "Array.prototype.last = f": ["Array.prototype"],
  "Array.prototype['last'] ??= f": ["Array.prototype"],
  "Array.prototype[name]++": ["Array.prototype"],
  "delete String.prototype.at": ["String.prototype"],
  "[Math.random, { a: console.log = f }] = x": ["Math", "console"],
  "for (JSON.parse of list);": ["JSON"],
  "globalThis.Math.random = f": ["globalThis.Math"],
  "crypto.subtle.digest = f": ["crypto.subtle"],
  "__ENV.a.b = 1": [],
  "const p = Array.prototype; p.last = f": ["p"],
  "import http from 'k6/http'; http.get = f": ["http"],
  "function f(type) { type.prototype.last = 1; this.constructor.x = 2; }": ["type.prototype", "this.constructor"],
  "x.__proto__.y = 1": ["x.__proto__"],
  // What can't be one of JavaScript's own stays as it is.
  "function Own() {} Own.prototype.method = f": [],
  "class Own {} Own.prototype.method = f": [],
  "const o = {}; o.a = 1; o.a.b = 2; this.x = 3; list[0] = 4": [],
  "globalThis.x = 1": [],
  "const Math = {}; Math.x = 1": [],
  "f().prototype.x = 1; a?.b": [],
};

for (const [text, expected] of Object.entries(CASES)) {
  Deno.test(`objects that may be built in: ${text}`, () => assertEquals(targets(text), expected));
}
