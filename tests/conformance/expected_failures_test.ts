import { assertEquals, assertStringIncludes } from "@std/assert";
import { ROOT } from "../../scripts/repository.ts";
import { EXPECTED_FAILURES } from "./expected_failures.ts";
import { findCases } from "./lib/cases.ts";

Deno.test("every expected failure is of a case that exists", async () => {
  const ids = new Set((await findCases(`${ROOT}tests/conformance/cases`)).map(({ id }) => id));
  assertEquals([...EXPECTED_FAILURES.keys()].filter((id) => !ids.has(id)), []);
});

Deno.test("a failure either waits for work or is on purpose, and then stands in the compatibility page", async () => {
  const page = await Deno.readTextFile(`${ROOT}docs/compatibility.md`);
  for (const reason of new Set(EXPECTED_FAILURES.values())) {
    const [, subject] = /^(?:waits for .+|on purpose: (.+?),.*)$/.exec(reason) ?? [, reason];
    if (subject !== undefined) assertStringIncludes(page, subject.replace(/^(?:an|the) /, ""));
  }
});
