import { assertEquals, assertMatch } from "@std/assert";
import { denoCommand } from "../../scripts/repository.ts";
import { startTarget } from "../support/target.ts";

Deno.test("the quick start runs, passes its checks and thresholds, and prints the summary", async () => {
  const { code, stdout, stderr } = await denoCommand(["run", "-A", "scripts/quickstart.ts", "-i", "5"]).output();
  assertEquals(code, 0, text(stderr));
  const summary = text(stdout);
  for (const name of ["home page is up", "order is accepted", "order is echoed"]) {
    assertMatch(summary, RegExp(`✓ ${name}`));
  }
  assertMatch(summary, /checks_succeeded\.+: 100\.00% 15 out of 15/);
  assertMatch(summary, /orders\.+: 5 /);
  assertMatch(summary, /items_seen\.+: 3 /);
  assertMatch(summary, /empty_answers\.+: 0\.00%/);
  assertMatch(summary, /iterations\.+: 5 /);
});

Deno.test("the arrival-rate example starts 200 iterations a second", async () => {
  await using target = startTarget();
  const { code, stdout, stderr } = await denoCommand(["run", "-A", "main.ts", "run", "examples/arrival_rate.js"], {
    env: { BASE_URL: target.url, DURATION: "1s" },
  }).output();
  assertEquals(code, 0, text(stderr));
  assertMatch(text(stdout), /orders_placed\.+: 20[01] /);
  assertMatch(text(stdout), /checks_succeeded\.+: 100\.00% 20[01] out of 20[01]/);
});

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
