import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { formatConsole } from "../../src/api/console_format.ts";

/** What k6 2.2.0 printed for each call. */
const recorded: readonly [args: unknown[], text: string][] = [
  [["text", 1, 1.5, -3, true, null, undefined, 10n], "text 1 1.5 -3 true null undefined 10"],
  [[NaN, Infinity, 1e21, 0.1 + 0.2], "NaN Infinity 1e+21 0.30000000000000004"],
  [[[1, "two", [3, [4, [5, [6]]]], null, undefined]], '[ 1, "two", [ 3, [ 4, [ 5, [ 6 ] ] ] ], null, null ]'],
  [
    [{ a: 1, b: "text", c: { d: { e: { f: 1 } } }, list: ["x"] }],
    '{ a: 1, b: "text", c: { d: { e: { f: 1 } } }, list: [ "x" ] }',
  ],
  [[{}, [], [[]], [{}], ""], "{} [] [ [] ] [ {} ] "],
  [
    [{ u: undefined, n: null, f() {}, "quoted key": 1, 5: "five" }],
    '{ 5: "five", u: null, n: null, f: [object Function], quoted key: 1 }',
  ],
  [[() => 1, function named() {}, class A {}], "[object Function] [object Function] [object Function]"],
  [
    [new Date(0), new Error("broken"), new TypeError("typed")],
    '"1970-01-01T00:00:00.000Z" Error: broken TypeError: typed',
  ],
  [
    [new Uint8Array([1, 2]), new ArrayBuffer(3), new Float32Array(1)],
    "Uint8Array(2) [ 1, 2 ] ArrayBuffer { [Uint8Contents]: <00 00 00>, byteLength: 3 } Float32Array(1) [ 0 ]",
  ],
  [[new Map([[1, 2]]), new Set([1]), /x/g, Promise.resolve(1)], "{} {} {} {}"],
  [
    ["multi\nline", "tab\tbed", 'quo"te', ["quo'te"], [`dou"ble`]],
    'multi\nline tab\tbed quo"te [ "quo\'te" ] [ "dou"ble" ]',
  ],
  [["%s is %d", "x", 5, "%%"], "%s is %d x 5 %%"],
  [[], ""],
  [["error", [1]], "error [ 1 ]"],
  [
    [
      new (class Point {
        x = 1;
      })(),
      Object.create(null),
      [{ x: 1 }],
    ],
    "{ x: 1 } {} [ { x: 1 } ]",
  ],
];

Deno.test("console arguments print as k6 prints them", () => {
  for (const [args, text] of recorded) assertEquals(formatConsole(args), text);
});

Deno.test("a circle is cut where it closes, a value used twice is printed twice", () => {
  const circular: Record<string, unknown> = { name: "c" };
  circular.self = circular;
  assertEquals(formatConsole([circular]), '{ name: "c", self: [Circular] }');
  const shared = { v: 1 };
  assertEquals(formatConsole([{ a: shared, b: shared }]), "{ a: { v: 1 }, b: { v: 1 } }");
});

Deno.test("holes, symbols and empty typed arrays print", () => {
  assertEquals(
    formatConsole([new Array(2), Symbol("s"), new Uint8Array()]),
    "[ null, null ] Symbol(s) Uint8Array(0) []",
  );
});

Deno.test("any value can be printed", () => {
  fc.assert(fc.property(fc.array(fc.anything()), (args) => typeof formatConsole(args) === "string"));
});
