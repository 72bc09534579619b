import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { encodeSharedArray, viewSharedArray } from "../../src/api/shared_array.ts";

interface User {
  name: string;
  tags: string[];
}

const shared = (values: readonly unknown[]) => viewSharedArray(encodeSharedArray(values));
const users = shared([
  { name: "ann", tags: ["a", "b"] },
  { name: "bob", tags: ["c"] },
  { name: "cyd", tags: [] },
]) as readonly User[];
const squares = shared([0, 1, 4, 9, 16]) as readonly number[];

Deno.test("elements are read by index, missing ones are undefined", () => {
  assertEquals([users.length, users[1]?.name, users[1]?.tags.join(), users[9], users[-1]], [
    3,
    "bob",
    "c",
    undefined,
    undefined,
  ]);
  for (const key of ["01", "1.0", "1e0", "", " ", "4294967296"]) assertEquals(Reflect.get(users, key), undefined);
});

Deno.test("array methods, iteration and JSON work", () => {
  assertEquals([...squares].join(), "0,1,4,9,16");
  assertEquals(squares.map((x) => x + 1), [1, 2, 5, 10, 17]);
  assertEquals([squares.indexOf(9), squares.includes(16), squares.reduce((a, b) => a + b)], [3, true, 30]);
  assertEquals(squares.slice(1, 3), [1, 4]);
  assertEquals([7].concat(squares), [7, 0, 1, 4, 9, 16]);
  assertEquals(Array.isArray(squares), true);
  assertEquals(JSON.stringify(squares), "[0,1,4,9,16]");
  assertEquals(Object.keys(squares), ["0", "1", "2", "3", "4"]);
  const keys: string[] = [];
  for (const key in squares) keys.push(key);
  assertEquals(keys, ["0", "1", "2", "3", "4"]);
  assertEquals(["4" in squares, "5" in squares, "map" in squares], [true, false, true]);
});

Deno.test("each access gives a new element, as in k6", () => {
  assertEquals(users[0] === users[0], false);
  assertEquals(users[0], users[0]);
});

Deno.test("neither the array nor its elements can be written", () => {
  const writable = users as User[];
  const writes: (() => unknown)[] = [
    () => writable[0] = { name: "x", tags: [] },
    () => writable.push({ name: "x", tags: [] }),
    () => writable.length = 0,
    () => writable[0]!.name = "x",
    () => writable[0]!.tags.push("x"),
    () => (squares as number[]).sort(),
    () => delete writable[0],
    () => Object.defineProperty(writable, "0", { value: 1 }),
    () => Object.setPrototypeOf(writable, null),
    () => Object.freeze(writable),
  ];
  for (const write of writes) assertThrows(write, TypeError);
  assertEquals([users.length, users[0]?.name, JSON.stringify(squares)], [3, "ann", "[0,1,4,9,16]"]);
});

Deno.test("what JSON can't express becomes null", () => {
  assertEquals([...shared([undefined, () => 1, NaN, new Date(0)])], [null, null, null, "1970-01-01T00:00:00.000Z"]);
  assertEquals([...shared(new Array(2))], [null, null]);
  assertThrows(() => encodeSharedArray([1n]), TypeError);
});

Deno.test("any JSON comes back as it was", () => {
  fc.assert(fc.property(fc.array(fc.jsonValue()), (values) => {
    assertEquals(JSON.stringify([...shared(values)]), JSON.stringify(values));
  }));
});
