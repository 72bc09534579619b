import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { exportedName, labelsOf, sanitizeLabelName } from "../../../src/output/prometheus/labels.ts";
import type { TagPairs } from "../../../src/metrics/types.ts";
import { assertValidLabels } from "../../support/write_request_decoder.ts";

const names: [tag: string, label: string][] = [
  ["method", "method"],
  ["my-tag", "my_tag"],
  ["a.b/c d", "a_b_c_d"],
  ["2xx", "_2xx"],
  ["größe", "gr__e"],
  ["😀", "_"],
  ["_private", "_private"],
  ["__name__", "k6tag__name__"],
  ["--x", "k6tag__x"],
];

for (const [tag, label] of names) {
  Deno.test(`tag name ${tag} becomes label name ${label}`, () => assertEquals(sanitizeLabelName(tag), label));
}

Deno.test("exported names have the k6_ prefix", () => {
  assertEquals(exportedName("http_reqs", "_total"), "k6_http_reqs_total");
  assertEquals(exportedName("odd-name", ""), "k6_odd_name");
});

Deno.test("pairs without a name or a value are left out", () => {
  assertEquals(labelsOf([["", "x"], ["a", ""], ["b", "1"]], () => {}), [["b", "1"]]);
});

Deno.test("of tags that get the same label name the one spelt like it stays, and the other is named", () => {
  const dropped: string[][] = [];
  const labels = labelsOf([["my tag", "1"], ["my-tag", "2"], ["my_tag", "3"]], (...names) => dropped.push(names));
  assertEquals(labels, [["my_tag", "3"]]);
  assertEquals(dropped, [["my-tag", "my_tag"], ["my tag", "my_tag"]]);
});

Deno.test("labels of any tags are valid, sorted and unique", () => {
  const text = fc.string({ unit: fc.constantFrom(..."aZ_-9 .é😀\ud800"), maxLength: 6 });
  const tags = fc.uniqueArray(fc.tuple(text, text), { selector: ([name]) => name, maxLength: 8 });
  fc.assert(fc.property(tags, (pairs) => {
    const sorted: TagPairs = pairs.toSorted(([a], [b]) => a < b ? -1 : 1);
    const labels = labelsOf(sorted, () => {});
    assertValidLabels(labels);
    for (const [, value] of labels) assertEquals(value.isWellFormed(), true);
  }));
});
