import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { removeJsonValue, setJsonValue } from "../../src/cli/json_edit.ts";

const CLOUD_TOKEN = ["collectors", "cloud", "token"];

const SET: readonly (readonly [what: string, before: string, after: string])[] = [
  [
    "an empty file's object",
    "{}",
    `{\n  "collectors": {\n    "cloud": {\n      "token": "t"\n    }\n  }\n}`,
  ],
  [
    "a file with odd formatting and numbers",
    `{ "vus":1.0,\t"duration" : "1e1s" ,\n\n  "collectors":{"json": {"a":1e3}}}\n`,
    `{ "vus":1.0,\t"duration" : "1e1s" ,\n\n  "collectors":{"json": {"a":1e3}, "cloud": {\n    "token": "t"\n  }}}\n`,
  ],
  [
    "a value that is there",
    `{\n    "collectors": {\n        "cloud": { "Token": "old", "host": "h" }\n    }\n}\n`,
    `{\n    "collectors": {\n        "cloud": { "Token": "t", "host": "h" }\n    }\n}\n`,
  ],
  [
    "members on lines of their own",
    `{\n\t"collectors": {\n\t\t"cloud": {\n\t\t\t"host": "h"\n\t\t}\n\t}\n}\n`,
    `{\n\t"collectors": {\n\t\t"cloud": {\n\t\t\t"host": "h",\n\t\t\t"token": "t"\n\t\t}\n\t}\n}\n`,
  ],
];

for (const [what, before, after] of SET) {
  Deno.test(`sets a value and leaves the rest: ${what}`, () => {
    assertEquals(setJsonValue(before, CLOUD_TOKEN, "t"), after);
  });
}

const REMOVED: readonly (readonly [before: string, after: string])[] = [
  [`{"collectors":{"cloud":{"token":"t"}}}`, `{"collectors":{"cloud":{}}}`],
  [`{"collectors": {"cloud": {"token": 1, "host": 2}}}`, `{"collectors": {"cloud": {"host": 2}}}`],
  [`{"collectors": {"cloud": {"host": 2, "TOKEN": 1}}}`, `{"collectors": {"cloud": {"host": 2}}}`],
  [`{"collectors": {"cloud": {"token": 2, "token": 1}}}`, `{"collectors": {"cloud": {}}}`],
  [`{"collectors": {}}`, `{"collectors": {}}`],
];

for (const [before, after] of REMOVED) {
  Deno.test(`removes a value from ${before}`, () => assertEquals(removeJsonValue(before, CLOUD_TOKEN), after));
}

Deno.test("null on the way counts as nothing", () => {
  for (const text of [`{"collectors": null}`, `{"collectors": {"cloud": null}}`]) {
    assertEquals(JSON.parse(setJsonValue(text, CLOUD_TOKEN, "t")), { collectors: { cloud: { token: "t" } } });
    assertEquals(removeJsonValue(text, CLOUD_TOKEN), text);
  }
});

Deno.test("what is no object on the way is named", () => {
  assertThrows(() => setJsonValue(`{"collectors": 1}`, CLOUD_TOKEN, "t"), TypeError, "collectors is no object");
  assertThrows(() => setJsonValue("[]", CLOUD_TOKEN, "t"), TypeError, "the file is no object");
});

Deno.test("any value goes in and out of any JSON object, however it is written", () => {
  const name = fc.constantFrom("a", "b", "c", "__proto__", "é\u2028");
  const object = fc.dictionary(name, fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.dictionary(name, fc.jsonValue())));
  const indent = fc.constantFrom<string | number | undefined>(undefined, 1, 4, "\t");
  fc.assert(
    fc.property(object, indent, name, name, fc.jsonValue(), (given, space, first, second, value) => {
      const text = JSON.stringify(given, null, space);
      const copy = JSON.parse(text);
      const path = isObject(copy[first]) && Object.hasOwn(copy, first) ? [first, second] : [first];
      const place = path.length === 2 ? copy[first] : copy;
      const last = path.at(-1)!;
      // A name in another case would be the one that is set.
      fc.pre(!Object.keys(place).some((key) => key !== last && key.toLowerCase() === last.toLowerCase()));
      const changed = JSON.parse(setJsonValue(text, path, value));
      const target = path.length === 2 ? changed[first] : changed;
      assertEquals(target[path.at(-1)!], JSON.parse(JSON.stringify(value)));
      const removed = JSON.parse(removeJsonValue(JSON.stringify(changed, null, space), path));
      delete target[path.at(-1)!];
      assertEquals(removed, changed);
    }),
  );
});

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
