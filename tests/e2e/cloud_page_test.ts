/** The commands of docs/outputs/cloud.md, run from top to bottom as they stand. */

import { assertEquals } from "@std/assert";
import { ROOT } from "../../scripts/repository.ts";
import { ACCOUNT, ContractServer } from "../support/cloud/contract_server.ts";
import { startTarget } from "../support/target.ts";
import { plainEnvironment } from "./support/k6d.ts";

const PAGE = Deno.readTextFileSync(`${ROOT}docs/outputs/cloud.md`);

Deno.test("what the cloud's page says to type works", async () => {
  await using target = startTarget();
  await using cloud = await ContractServer.start({ runsTests: true });
  const here = (text: string) =>
    text.replaceAll("localhost:6570", new URL(cloud.origin).host)
      .replaceAll("http://localhost:8080", target.url)
      .replace('duration: "10s"', "iterations: 2");
  const folder = await Deno.makeTempDir({ prefix: "k6d-page-" });
  try {
    for (const script of blocks("js")) await Deno.writeTextFile(`${folder}/shop.js`, here(script));
    const commands = blocks("sh");
    const { code, stderr } = await new Deno.Command("/bin/sh", {
      args: [
        "-c",
        ["set -ex", `k6d() { "${Deno.execPath()}" run -A --no-check "${ROOT}main.ts" "$@"; }`, ...commands.map(here)]
          .join("\n"),
      ],
      cwd: folder,
      clearEnv: true,
      env: {
        ...plainEnvironment(),
        K6_CLOUD_HOST: cloud.origin,
        K6_CLOUD_HOST_V6: cloud.origin,
        TOKEN: ACCOUNT.token,
        XDG_CONFIG_HOME: `${folder}/config`,
      },
    }).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    assertEquals(cloud.violations, []);
    const runs = commands.join("\n").match(/k6d (?:.* )?run /g) ?? [];
    const begun = ["v1.createTestRun", "provisioning.startLocalExecution", "v6.startTestRun"] as const;
    assertEquals(begun.flatMap((operation) => cloud.callsOf(operation)).length, runs.length);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** The page's blocks of code in a language. */
function blocks(language: string): string[] {
  return Array.from(PAGE.matchAll(RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "gms")), ([, text = ""]) => text);
}
