import { assertEquals } from "@std/assert";
import { readTestReport } from "../../scripts/test_report.ts";

Deno.test("the closing line of deno test gives the counts", () => {
  const report = readTestReport("a ... ok (1ms)\n\nok | 12 passed (3 steps) | 0 failed | 2 ignored (1s)\n\n");
  assertEquals([report.passed, report.failed, report.skipped], [12, 0, 2]);
});

Deno.test("colours and a failed run are understood", () => {
  const report = readTestReport("\x1b[0m\x1b[31mFAILED\x1b[0m | 1 passed | 2 failed \x1b[0m(3ms)\x1b[0m\n");
  assertEquals([report.passed, report.failed, report.skipped], [1, 2, 0]);
});

Deno.test("what a test itself prints is not taken for the closing line", () => {
  const report = readTestReport("ok | 99 passed | 0 failed\n----- output end -----\nok | 1 passed | 0 failed (1ms)\n");
  assertEquals(report.passed, 1);
});

Deno.test("skipped tests are counted by the command that would let them run", () => {
  const report = readTestReport([
    "stale markers (needs: apt-get install prometheus) ... ignored (0ms)",
    "labels (needs: apt-get install prometheus) ... \x1b[33mignored\x1b[0m (0ms)",
    "throughput (needs: apt-get install nginx wrk) ... ignored (0ms)",
    "not ready yet ... ignored (0ms)",
    "ok | 0 passed | 0 failed | 4 ignored (1ms)",
  ].join("\n"));
  assertEquals([...report.missing], [["apt-get install prometheus", 2], ["apt-get install nginx wrk", 1]]);
  assertEquals(report.skipped, 4);
});

Deno.test("output without a closing line counts nothing", () => {
  const report = readTestReport("error: Module not found\n");
  assertEquals([report.passed, report.failed, report.skipped], [0, 0, 0]);
});
