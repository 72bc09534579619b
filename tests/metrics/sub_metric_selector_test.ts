import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { parseSubMetricKey, SubMetricError } from "../../src/metrics/sub_metric_selector.ts";

Deno.test("a key is a metric and tags", () => {
  const cases: readonly (readonly [string, string, string, [string, string][]])[] = [
    ["trd{k:a}", "trd", "k:a", [["k", "a"]]],
    ["trd{k:a,j:x}", "trd", "k:a,j:x", [["k", "a"], ["j", "x"]]],
    ['trd{ k : a , j : "y" }', "trd", 'k : a , j : "y"', [["k", "a"], ["j", "y"]]],
    ["t{name:http://${}.com}", "t", "name:http://${}.com", [["name", "http://${}.com"]]],
    ["t{group:::outer::inner}", "t", "group:::outer::inner", [["group", "::outer::inner"]]],
    ["t{'a':'b c'}", "t", "'a':'b c'", [["a", "b c"]]],
  ];
  for (const [key, metric, suffix, tags] of cases) assertEquals(parseSubMetricKey(key), { metric, suffix, tags });
});

Deno.test("malformed keys are refused", () => {
  for (const key of ["t{", "t{}", "t{a}", "t{a:}", "t{:b}", "t{a:b", "t{a:b}x", "t{a:b,}", 't{a:""}', "t{a: }"]) {
    assertThrows(() => parseSubMetricKey(key), SubMetricError, `malformed sub-metric "${key}"`);
  }
});

Deno.test("a key put together from tags comes back as them", () => {
  const word = fc.stringMatching(/^[a-z0-9_/{}$-]{1,8}$/);
  fc.assert(fc.property(fc.array(fc.tuple(word, word), { minLength: 1, maxLength: 4 }), (tags) => {
    const suffix = tags.map(([name, value]) => `${name}:${value}`).join(",");
    assertEquals(parseSubMetricKey(`metric{${suffix}}`), { metric: "metric", suffix, tags });
  }));
});
