import { assertEquals, assertThrows } from "@std/assert";
import { DEFAULT_EXPECTED_STATUSES, expectedStatuses } from "../../src/api/expected_statuses.ts";

Deno.test("statuses and ranges are matched, bounds included", () => {
  const expected = expectedStatuses(200, 404, { min: 500, max: 501 });
  assertEquals([200, 201, 404, 418, 499, 500, 501, 502, 0].filter((status) => expected.matches(status)), [
    200,
    404,
    500,
    501,
  ]);
});

Deno.test("200 to 399 are expected by default", () => {
  assertEquals([0, 199, 200, 399, 400].filter((status) => DEFAULT_EXPECTED_STATUSES.matches(status)), [200, 399]);
});

Deno.test("anything but integers and whole ranges is refused", () => {
  assertThrows(() => expectedStatuses(), TypeError, "at least one");
  for (const bad of ["200", { min: 1 }, { min: 1, max: "2" }, 1.5, null, [200]]) {
    assertThrows(() => expectedStatuses(200, bad), TypeError, "argument 2");
  }
});
