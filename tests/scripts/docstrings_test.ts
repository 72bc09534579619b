import { assertEquals } from "@std/assert";
import { missingDocstrings } from "../../scripts/docstrings.ts";

const PATH = "tests/scripts/fixtures/docstrings.ts";

Deno.test("exports without a docstring are found with their lines; documented and private symbols are not", async () => {
  assertEquals(await missingDocstrings([PATH]), [
    { path: PATH, line: 5, name: "Undocumented" },
    { path: PATH, line: 7, name: "undocumented" },
  ]);
});
