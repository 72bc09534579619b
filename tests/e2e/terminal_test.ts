/** In a terminal: `script` of util-linux gives k6d one. */

import { assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import { type DebianProgram, testWithPrograms } from "../support/debian.ts";
import { runK6d } from "./support/k6d.ts";

const script: DebianProgram = { program: "script", debianPackage: "bsdutils" };

for (const [columns, rows] of [[100, 30], [20, 3], [0, 0]]) {
  testWithPrograms(`a run draws its progress in a terminal of ${columns} × ${rows}`, [script], async (path) => {
    const { code, stdout } = await runK6d({
      files: `import { sleep } from "k6";
export const options = { scenarios: { later: { executor: "constant-vus", duration: "1s", startTime: "1s" } } };
export default function () { sleep(0.1); }`,
      args: ["run", "script.js"],
      before: `exec ${path} -qec "stty cols ${columns} rows ${rows}; $(printf "'%s' " "$@")" /dev/null`,
    });
    assertEquals(code, 0, stdout);
    assertMatch(stdout, /Init.*running \(.*iterations\.*:/s);
    // The first frames come before the scenario has begun.
    assertNotMatch(/^.*?running/s.exec(stdout)![0], /✓/);
  });
}
