import { assertEquals } from "@std/assert";
import { consoleMessages, runSuccessfully } from "./support/k6d.ts";

Deno.test("secrets of several sources reach the script, from the init stage on, and no line of the log", async () => {
  const script = `import secrets from "k6/secrets";
const early = await secrets.get("token");
export default async function () {
  const other = await secrets.source("other").get("key");
  console.log(early.length, other.length, early, { other });
  console.error(new Error("with " + other).message);
  try { secrets.source("nobody"); } catch (e) { console.log(e.message); }
  try { await secrets.get("nothing"); } catch (e) { console.log(e.message); }
}`;
  const args = ["run", "--quiet", "--workers", "2", "-u", "4", "-i", "4"];
  const sources = ["--secret-source", "mock=token=topsecret,default", "--secret-source", "file=s.txt,name=other"];
  const run = await runSuccessfully({
    files: { "script.js": script, "s.txt": "key=hidden=value\n" },
    args: [...args, ...sources, "script.js"],
  });
  assertEquals(
    consoleMessages(run).sort(),
    Array(4).fill([
      `9 12 ***SECRET_REDACTED*** { other: "***SECRET_REDACTED***" }`,
      "with ***SECRET_REDACTED***",
      'no secret source with the name "nobody" is configured',
      'the secret source mock has no secret with the key "nothing"',
    ]).flat().sort(),
  );
  assertEquals(/topsecret|hidden/.test(run.stderr + run.stdout), false);
});

Deno.test("without a source a script is told how to give one", async () => {
  const script = `import secrets from "k6/secrets";
export default async function () { await secrets.get("a").catch((e) => console.log(e.message)); }`;
  const run = await runSuccessfully({ files: script });
  assertEquals(consoleMessages(run), ["no secret sources are configured; use --secret-source"]);
});
