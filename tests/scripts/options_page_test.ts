import { assertEquals } from "@std/assert";
import { optionsPage } from "../../scripts/options_page.ts";
import { denoCommand, ROOT } from "../../scripts/repository.ts";

Deno.test("docs/options.md is what `deno task docs` makes", async () => {
  const format = denoCommand(["fmt", "--ext", "md", "-"], { stdin: "piped", stdout: "piped" }).spawn();
  await new Response(optionsPage()).body!.pipeTo(format.stdin);
  const { stdout } = await format.output();
  assertEquals(
    new TextDecoder().decode(stdout),
    Deno.readTextFileSync(`${ROOT}docs/options.md`),
    "an option or a flag has changed: run `deno task docs`",
  );
});
