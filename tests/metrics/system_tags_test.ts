import { assertEquals } from "@std/assert";
import { DEFAULT_SYSTEM_TAGS, enabledSystemTags } from "../../src/metrics/system_tags.ts";

Deno.test("tags that differ with each iteration, user or address are off by default", () => {
  const off = ["iter", "vu", "ocsp_status", "ip"];
  assertEquals(DEFAULT_SYSTEM_TAGS.length, 14);
  assertEquals(DEFAULT_SYSTEM_TAGS.filter((tag) => off.includes(tag)), []);
});

Deno.test("unknown system tags are ignored", () => {
  assertEquals([...enabledSystemTags(["ip", "nonsense", "status"])].sort(), ["ip", "status"]);
});
