import { assertEquals } from "@std/assert";
import { formatTable, median, toRows } from "../../scripts/bench/report.ts";

Deno.test("a figure's row is the median of its repetitions, judged against its target", () => {
  const target = { atMost: 15 };
  const rows = toRows("closed loop", [
    [{ tool: "k6d", name: "CPU", value: 14, target }, { tool: "wrk", name: "CPU", value: 5 }],
    [{ tool: "k6d", name: "CPU", value: 20, target }, { tool: "wrk", name: "CPU", value: 5 }],
    [{ tool: "k6d", name: "CPU", value: 15, target }, { tool: "wrk", name: "CPU", value: 6 }],
  ]);
  assertEquals(rows.map((row) => [row.tool, row.value, row.met]), [["k6d", 15, true], ["wrk", 5, null]]);
});

Deno.test("too little throughput and a figure that could not be taken miss their targets", () => {
  const target = { atLeast: 100 };
  const rows = toRows("x", [[
    { tool: "k6d", name: "slow", value: 99, target },
    { tool: "k6d", name: "unknown", value: NaN, target },
  ]]);
  assertEquals(rows.map((row) => row.met), [false, false]);
});

Deno.test("the table aligns its columns", () => {
  const rows = toRows("one", [[{ tool: "k6d", name: "requests/s", value: 61234.5, target: { atLeast: 60000 } }]]);
  assertEquals(
    formatTable(rows),
    [
      "case  tool  figure      value   target    verdict",
      "one   k6d   requests/s  61,235  ≥ 60,000  met",
    ].join("\n"),
  );
});

Deno.test("the median of an even number of values is the mean of the middle two", () => {
  assertEquals([median([3, 1, 2]), median([4, 1, 2, 3]), median([])], [2, 2.5, NaN]);
});
