import { assertEquals, assertMatch } from "@std/assert";
import { consoleMessages, K6dProcess, runK6d, runSuccessfully } from "./support/k6d.ts";

const FILES = {
  "tests/script.ts": `import { greet } from "./lib/greet.js";
const data: string = open("../data.txt").trim();
export const options = { iterations: 2, tags: { from: "script" } };
export default function () { console.log(greet(data), __ENV.WHO, __ENV.SHELL_ONLY); }`,
  "tests/lib/greet.js": `export const greet = (name) => "hello " + name;`,
  "data.txt": "world\n",
};

Deno.test("an archive runs without the files that it was made of, with its options and variables", async () => {
  await using archiving = await K6dProcess.start({
    files: FILES,
    args: ["archive", "-e", "WHO=packed", "-O", "packed.tar", "-u", "2", "-i", "4", "tests/script.ts"],
    env: { SHELL_ONLY: "shell" },
  });
  assertEquals((await archiving.ended()).code, 0);
  const packed = await Deno.readFile(`${archiving.folder}/packed.tar`);

  const run = await runSuccessfully({ files: { "x.tar": packed }, args: ["run", "--quiet", "x.tar"] });
  assertEquals(consoleMessages(run), Array(4).fill("hello world packed undefined"));

  const other = await runSuccessfully({
    files: { "x.tar": packed },
    args: ["run", "--quiet", "-u", "1", "-i", "1", "-e", "WHO=me", "x.tar"],
    env: { WHO: "shell", SHELL_ONLY: "shell" },
  });
  assertEquals(consoleMessages(other), ["hello world me shell"]);

  const inspected = await runSuccessfully({ files: { "x.tar": packed }, args: ["inspect", "x.tar"] });
  const { vus, iterations, tags } = JSON.parse(inspected.stdout);
  assertEquals([vus, iterations, tags], [2, 4, { from: "script" }]);
});

Deno.test("what is said to be an archive and isn't is refused in one line", async () => {
  const files = { "script.js": "export default function () {}" };
  const result = await runK6d({ files, args: ["run", "--type", "archive", "script.js"] });
  assertMatch(
    result.stderr,
    /^time=\S+ level=error msg="script\.js is not an archive of a test: it has no metadata\.json"\n$/,
  );
  assertEquals(result.code, 255);
});
