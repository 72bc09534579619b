import { assertEquals } from "@std/assert";
import { PAGES } from "../../scripts/pages.ts";
import { denoCommand, ROOT } from "../../scripts/repository.ts";

for (const { file, text } of PAGES) {
  Deno.test(`${file} is what \`deno task docs\` makes`, async () => {
    const format = denoCommand(["fmt", "--ext", "md", "-"], { stdin: "piped", stdout: "piped" }).spawn();
    await new Response(text()).body!.pipeTo(format.stdin);
    const { stdout } = await format.output();
    assertEquals(
      new TextDecoder().decode(stdout),
      Deno.readTextFileSync(ROOT + file),
      "an option, a flag or a setting has changed: run `deno task docs`",
    );
  });
}
