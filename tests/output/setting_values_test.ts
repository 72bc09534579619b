import { assertEquals, assertThrows } from "@std/assert";
import { OutputError } from "../../src/output/output.ts";
import { argumentPairs, oneOf, positiveInteger, SettingValues } from "../../src/output/setting_values.ts";

function settings(values: Readonly<Record<string, unknown>>): SettingValues<string> {
  const settings = new SettingValues<string>("x output: ", (key) => key === "password");
  for (const [key, value] of Object.entries(values)) settings.set(key, value, `from ${key}`);
  return settings;
}

Deno.test("a setting's later source wins, and is the one that is named", () => {
  const both = settings({ a: "1" });
  both.set("a", "2", "the argument");
  assertEquals([both.text("a"), both.source("a"), both.has("a")], ["2", "the argument", true]);
  assertEquals([both.text("b"), both.source("b"), both.has("b")], [undefined, "default", false]);
});

Deno.test("texts may be numbers, flags are what Go takes for them", () => {
  assertEquals(["x", 12345, "a\ud800"].map((a) => settings({ a }).text("a")), ["x", "12345", "a\ufffd"]);
  assertEquals([true, "T", "0", 0].map((a) => settings({ a }).flag("a")), [true, true, false, false]);
});

Deno.test("a mistake is told with its source and what is expected, without secrets", () => {
  const wrong = settings({ a: "yes", b: ["no"], password: { secret: 1 } });
  const told = (read: () => unknown) => assertThrows(read, OutputError).message;
  assertEquals(told(() => wrong.flag("a")), 'x output: invalid a (from a) "yes": expected true or false');
  assertEquals(told(() => wrong.text("b")), 'x output: invalid b (from b) ["no"]: expected text');
  assertEquals(told(() => wrong.text("password")), "x output: invalid password (from password): expected text");
});

Deno.test("whole numbers have bounds, words are those that are known", () => {
  assertEquals([1, "7", "8", 0, 1.5, "", true].map(positiveInteger(7)), [1, 7, null, null, null, null, null]);
  assertEquals(["a", "b", "c", 1].map(oneOf("a", "b")), ["a", "b", null, null]);
});

Deno.test("a part of an argument without an equals sign belongs to the value before it", () => {
  assertEquals(argumentPairs("a=1,b=p(95),p(99),c=x=y"), [["a", "1"], ["b", "p(95),p(99)"], ["c", "x=y"]]);
  assertEquals([argumentPairs(""), argumentPairs("a")], [[], null]);
});
