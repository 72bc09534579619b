import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { parseJsonBody, selectJson } from "../../src/api/json_selector.ts";

const doc = {
  title: "conformance",
  nothing: null,
  active: true,
  owner: { name: "Ann", address: { city: "Oslo", zip: "0150" } },
  items: [
    { id: 1, name: "one", price: 1.5, tags: ["a", "b"] },
    { id: 2, name: "two", price: 2.5, tags: ["b", "c"] },
    { id: 3, name: "three", price: 3.5, tags: [] },
  ],
  "dotted.key": "dot",
  "star*": "literal",
  matrix: [[1, 2], [3, 4]],
  empty: {},
  big: 9007199254740991,
  "23": "number key",
  text: '{"in":"text"}',
};

/** Paths that k6 2.2.0 was asked for, with its answers. */
const recorded: readonly [path: string, value: unknown][] = [
  ["title", "conformance"],
  ["active", true],
  ["nothing", null],
  ["missing", undefined],
  ["owner.address.city", "Oslo"],
  ["items.0.name", "one"],
  ["items.1.tags.0", "b"],
  ["items.#", 3],
  ["items.#.name", ["one", "two", "three"]],
  ['items.#(name=="two").id', 2],
  ["items.#(price>2)#.id", [2, 3]],
  ['items.#(tags.#(=="b"))#.id', [1, 2]],
  ["dotted\\.key", "dot"],
  ["matrix.1.0", 3],
  ["matrix", [[1, 2], [3, 4]]],
  ["items.5", undefined],
  ["empty", {}],
  ["items.#.tags.#", [2, 2, 0]],
  ["it*.0.id", 1],
  ["o?ner.name", "Ann"],
  ["items|0", doc.items[0]],
  ["owner|address", doc.owner.address],
  ["@this.big", 9007199254740991],
  ["items.@reverse.0.id", 3],
];

/** Further paths, with answers as gjson's documentation of its syntax describes them. */
const documented: readonly [path: string, value: unknown][] = [
  ["", undefined],
  ["23", "number key"],
  ["star\\*", "literal"],
  ["s*\\*", "literal"],
  ["title.length", undefined],
  ["items.-1", undefined],
  ["items.name", undefined],
  ["owner.#", undefined],
  ["constructor", undefined],
  ["items.", undefined],
  ["items.#.missing", []],
  ["items.#.tags.0", ["a", "b"]],
  ["items.#.tags|0", ["a", "b"]],
  ["items.#|#", undefined],
  ["items|#", 3],
  ['items.#(name=="none")', undefined],
  ['items.#(name=="none")#', []],
  ["items.#(id>1)#|#", 2],
  ["items.#(id>1)#.#", []],
  ["items.#(id>1)#|0.id", 2],
  ["items.#(id>1)#|id", undefined],
  ["items.#(id>=2)#.id", [2, 3]],
  ["items.#(id<2)#.id", [1]],
  ["items.#(id<=2)#.id", [1, 2]],
  ["items.#(id!=2)#.id", [1, 3]],
  ["items.#(id = 2).name", "two"],
  ['items.#(name%"t*")#.id', [2, 3]],
  ['items.#(name!%"t*")#.id', [1]],
  ["items.#(name)#.id", [1, 2, 3]],
  ["items.#(missing)#.id", []],
  ['items.#(name>"o").id', 1],
  ["items.#[id==2].name", "two"],
  ["items.#(tags.#>1)#.id", [1, 2]],
  ["items.#(id==2", undefined],
  ["owner.@keys", ["name", "address"]],
  ["owner.address.@values", ["Oslo", "0150"]],
  ["matrix.@flatten", [1, 2, 3, 4]],
  ['matrix.@flatten:{"deep":true}|#', 4],
  ["items.#.id|@reverse", [3, 2, 1]],
  ["items.@join.name", "three"],
  ["text.@fromstr.in", "text"],
  ["title.@fromstr", undefined],
  ["active.@tostr", "true"],
  ["title.@unknown", undefined],
  ["{title,owner.name,big}", { title: "conformance", name: "Ann", big: 9007199254740991 }],
  ['{"who":owner.name,"first":items.0.id,missing}', { who: "Ann", first: 1 }],
  ["[title,missing,items.#.id,matrix.1]", ["conformance", [1, 2, 3], [3, 4]]],
  ["items.#.{id,name}|1", { id: 2, name: "two" }],
  ["owner.[name,address.{zip}]", ["Ann", { zip: "0150" }]],
  ['{items.#(name=="two").id,items.#(id<3)#}', { id: 2, _: doc.items.slice(0, 2) }],
  ['{"a,b":title,"c":!"te.xt","n":!true}', { "a,b": "conformance", c: "te.xt", n: true }],
  ["{title,owner.name}.name", "Ann"],
  ['!{"a":[1]}.a.0', 1],
  ["!nothing", undefined],
  ["{title", undefined],
  ["{}", {}],
  ["[]", []],
];

Deno.test("selectors give what k6 gives", () => {
  for (const [path, value] of recorded) assertEquals(selectJson(doc, path), value, path);
});

Deno.test("selectors follow gjson's syntax", () => {
  for (const [path, value] of documented) assertEquals(selectJson(doc, path), value, path);
});

Deno.test("elements of arrays at the root are selected", () => {
  const list = [{ id: 1 }, { id: 2 }, [3, 4], "five", null, false];
  assertEquals(selectJson(list, "#"), 6);
  assertEquals(selectJson(list, "2.1"), 4);
  assertEquals(selectJson(list, "#.id"), [1, 2]);
  assertEquals(selectJson(list, '#(=="five")'), "five");
  assertEquals(selectJson(list, "#(==null)#"), [null]);
  assertEquals(selectJson(list, "#(==false)#"), [false]);
  assertEquals(selectJson({ a: [["x"], ["y"]] }, "a.#.0"), ["x", "y"]);
  assertEquals(selectJson({ a: { b: [1], c: [2] } }, "a.@group"), [{ b: 1, c: 2 }]);
  const many = Array.from({ length: 200_000 }, (_, i) => ({ [`k${i % 10}`]: i }));
  assertEquals(Object.keys(selectJson(many, "@join") as object).length, 10);
  const odd = [JSON.parse('{"__proto__":[1]}')];
  assertEquals(JSON.stringify(selectJson(odd, "@join")), '{"__proto__":[1]}');
  assertEquals(JSON.stringify(selectJson(odd, "0.@group")), '[{"__proto__":1}]');
});

Deno.test("a tilde compares after converting", () => {
  const vals = ["data", true, false, "0", 0, "1", 1, "true", false, null].map((b, i) => ({ a: i + 1, b }));
  const select = (query: string) => selectJson({ vals: [...vals, { a: 11 }] }, `vals.#(${query})#.a`);
  assertEquals(select("b==~true"), [2, 6, 7, 8]);
  assertEquals(select("b==~false"), [3, 4, 5, 9, 10, 11]);
  assertEquals(select("b==~null"), [10, 11]);
  assertEquals(select("b!=~*"), [11]);
});

Deno.test("any place in any document is reached by its escaped path", () => {
  const escape = (key: string) => key.replace(/[\\.|*?#@!{[]/g, "\\$&");
  const walkOf = (value: unknown, path: string, check: (value: unknown, path: string) => void): void => {
    if (path !== "") check(value, path);
    if (typeof value !== "object" || value === null) return;
    for (const [key, inner] of Object.entries(value)) {
      if (key !== "") walkOf(inner, path === "" ? escape(key) : `${path}.${escape(key)}`, check);
    }
  };
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    const parsed: unknown = JSON.parse(JSON.stringify(value));
    walkOf(parsed, "", (inner, path) => assertEquals(selectJson(parsed, path), inner, path));
  }));
});

Deno.test("no path makes the selector throw", () => {
  const part = fc.constantFrom(
    "items",
    ".",
    "|",
    "#",
    "(",
    ")",
    '"',
    "==",
    "id",
    "*",
    "?",
    "\\",
    "@",
    "reverse",
    ":",
    "{",
  );
  fc.assert(fc.property(fc.array(part), fc.string(), (parts, text) => {
    selectJson(doc, parts.join(""));
    selectJson(doc, text);
  }));
});

Deno.test("broken JSON is reported with line and character, in k6's words", () => {
  const failure = (text: string) => assertThrows(() => parseJsonBody(text), Error).message;
  const prefix = "cannot parse json due to an error at";
  assertEquals(
    failure("{broken"),
    `${prefix} line 1, character 2 , error: invalid character 'b' looking for beginning of object key string`,
  );
  assertEquals(
    failure('{\n "a": 1,\n "b": x}'),
    `${prefix} line 3, character 7 , error: invalid character 'x' looking for beginning of value`,
  );
  assertEquals(failure(""), `${prefix} line 1, character 0 , error: unexpected end of JSON input`);
  assertEquals(failure("[\n"), `${prefix} line 1, character 2 , error: unexpected end of JSON input`);
  assertEquals(parseJsonBody(' {"a":[1]} '), { a: [1] });
});
