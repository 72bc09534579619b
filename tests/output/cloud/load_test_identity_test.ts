import { assertEquals, assertThrows } from "@std/assert";
import { readConfig } from "../../../src/output/cloud/config.ts";
import { loadTestIdentity, nameOfTest } from "../../../src/output/cloud/load_test_identity.ts";
import { OutputError } from "../../../src/output/output.ts";

/** The identity of a script whose cloud's settings are these, and the warnings. */
function identityOf(script: string, cloud: Readonly<Record<string, unknown>>) {
  const warnings: string[] = [];
  const config = readConfig({ argument: "", env: {}, options: {}, collectors: { cloud } });
  const identity = loadTestIdentity(config, nameOfTest(config, script), (warning) => warnings.push(warning));
  return { ...identity, warnings };
}

Deno.test("a test has the name that is set, or that of its file", () => {
  const names: readonly (readonly [script: string, name: string | undefined, expected: string])[] = [
    ["tests/shop.js", " my shop ", "my shop"],
    ["tests/shop.js", undefined, "shop.js"],
    ["C:\\tests\\shop.ts", "", "shop.ts"],
    ["-", undefined, "k6 test"],
    ["x.js", "x".repeat(300), "x".repeat(300)],
  ];
  for (const [script, name, expected] of names) {
    assertEquals(identityOf(script, { name, projectID: 5 }), { name: expected, projectId: 5, warnings: [] });
  }
});

Deno.test("a name that the service can't take is refused with its source", () => {
  for (const [name, length] of [[" ", 0], ["x".repeat(301), 301]] as const) {
    assertThrows(
      () => identityOf("shop.js", { name, projectID: 5 }),
      OutputError,
      `the name of the test must have 1 to 300 characters, but has ${length} (config file, collectors.cloud.name)`,
    );
  }
});

Deno.test("a test without a project goes to the stack's default one, with a warning; without that it is refused", () => {
  const { projectId, warnings } = identityOf("shop.js", { defaultProjectID: 501 });
  assertEquals(projectId, 501);
  assertEquals(warnings, [
    "no project is set (options.cloud.projectID, K6_CLOUD_PROJECT_ID): the test goes to the stack's default project 501",
  ]);
  assertThrows(
    () => identityOf("shop.js", {}),
    OutputError,
    "no project is set, and the stack's default project is not",
  );
});
