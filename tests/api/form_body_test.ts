import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { encodeForm, queryEscape } from "../../src/api/form_body.ts";

/** What k6 2.2.0 sent for each body. */
const recorded: readonly [fields: Record<string, unknown>, body: string][] = [
  [{ a: 1, b: "two words", c: "é&=", d: true }, "a=1&b=two+words&c=%C3%A9%26%3D&d=true"],
  [{ list: ["x", "y"], one: ["z"] }, "list=x&list=y&one=z"],
  [{ o: { inner: 1 } }, "o="],
  [{ n: null }, "n="],
  [{}, ""],
  [{ f: 1.5, big: 12345678901, neg: -0.5 }, "big=12345678901&f=1.5&neg=-0.5"],
];

Deno.test("an object body is encoded as k6 encodes it", () => {
  for (const [fields, body] of recorded) assertEquals(encodeForm(fields).body, body);
});

Deno.test("a nested object is sent empty and named in a warning", () => {
  const { body, warnings } = encodeForm({ ok: 1, "my field": { inner: 1 }, list: [{}] });
  assertEquals(body, "list=&my+field=&ok=1");
  assertEquals(warnings.length, 2);
  assertEquals(warnings[1]?.includes('"my field"'), true);
});

Deno.test("an empty array sends nothing, undefined sends an empty value", () => {
  assertEquals(encodeForm({ none: [], u: undefined }).body, "u=");
});

Deno.test("only letters, digits and -_.~ stay unescaped", () => {
  assertEquals(queryEscape("aZ09-_.~"), "aZ09-_.~");
  assertEquals(queryEscape("!'()* +/\n"), "%21%27%28%29%2A+%2B%2F%0A");
  assertEquals(queryEscape("\ud800"), "%EF%BF%BD");
});

Deno.test("a form decodes to what was encoded", () => {
  const texts = fc.string({ unit: "grapheme" });
  fc.assert(fc.property(fc.dictionary(texts, fc.array(texts)), (fields) => {
    const decoded = new URLSearchParams(encodeForm(fields).body);
    for (const [name, values] of Object.entries(fields)) assertEquals(decoded.getAll(name), values);
    assertEquals(decoded.size, Object.values(fields).flat().length);
  }));
});
