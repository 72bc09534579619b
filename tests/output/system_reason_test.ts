import { assertEquals } from "@std/assert";
import { systemReason } from "../../src/output/system_reason.ts";

Deno.test("the system's words are kept, Deno's number, call and path are not", () => {
  try {
    Deno.readTextFileSync("/nowhere/x");
  } catch (error) {
    assertEquals(error instanceof Error && systemReason(error), "No such file or directory");
  }
  assertEquals(systemReason(new TypeError("collectors is no object")), "collectors is no object");
});
