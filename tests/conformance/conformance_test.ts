/** Replays the conformance cases against this checkout, one test for each area; see README.md. */

import { assert } from "@std/assert";
import { denoCommand, listFiles, ROOT } from "../../scripts/repository.ts";

const AREAS = new Set(listFiles("tests/conformance/cases", "").map((path) => path.split("/")[3]!));

for (const area of AREAS) {
  Deno.test(`conformance: ${area}`, async () => {
    const { success, stdout } = await denoCommand(
      [
        "run",
        "-A",
        "--no-check",
        `${ROOT}scripts/conformance.ts`,
        "--skip-expected",
        "--retries=1",
        `--only=${area}/*`,
      ],
      { stdout: "piped" },
    ).output();
    assert(success, new TextDecoder().decode(stdout));
  });
}
