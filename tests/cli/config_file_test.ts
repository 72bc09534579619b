import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { parseCommandLine, UsageError } from "../../src/cli/args.ts";
import { parseConfigFile, readConfigFile } from "../../src/cli/config_file.ts";
import { SettingReader } from "../../src/cli/setting_reader.ts";

function read(args: string[], env: Record<string, string>) {
  return readConfigFile(new SettingReader(parseCommandLine(["run", ...args, "x.js"]), env), env);
}

Deno.test("options, settings of the run and settings of outputs are told apart", () => {
  const text = JSON.stringify({
    vus: 3,
    out: ["json"],
    linger: true,
    features: [],
    unknown: 1,
    collectors: { csv: { file_name: "x" } },
  });
  assertEquals(parseConfigFile(text, "c.json"), {
    options: { vus: 3, unknown: 1 },
    settings: { out: ["json"], linger: true, features: [] },
    collectors: { csv: { file_name: "x" } },
  });
  assertEquals(parseConfigFile(`{"collectors": null}`, "c.json").collectors, {});
});

for (
  const [text, message] of [
    ["{", "the configuration file c.json is invalid: "],
    ["[]", "the configuration file c.json is invalid: it must hold an object"],
    [`{"collectors": 1}`, `"collectors" must be an object`],
  ] as const
) {
  Deno.test(`refused: a configuration file with ${text}`, () => {
    const error = assertThrows(() => parseConfigFile(text, "c.json"), UsageError);
    assertStringIncludes(error.message, message);
    assertEquals(error.exitCode, 104);
  });
}

Deno.test("the flag wins over the variable, which wins over the user's own file", () => {
  const folder = Deno.makeTempDirSync();
  try {
    const write = (path: string, vus: number) => Deno.writeTextFileSync(`${folder}/${path}`, JSON.stringify({ vus }));
    Deno.mkdirSync(`${folder}/.config/k6`, { recursive: true });
    for (const [path, vus] of [[".config/k6/config.json", 1], ["env.json", 2], ["flag.json", 3]] as const) {
      write(path, vus);
    }
    const home = { HOME: folder, AppData: `${folder}/.config`, XDG_CONFIG_HOME: `${folder}/.config` };
    const env = { ...home, K6_CONFIG: `${folder}/env.json` };
    assertEquals(read([], home).options, { vus: 1 });
    assertEquals(read([], env).options, { vus: 2 });
    assertEquals(read(["-c", `${folder}/flag.json`], env).options, { vus: 3 });
    assertEquals(read([], { HOME: `${folder}/nobody`, XDG_CONFIG_HOME: `${folder}/nobody` }).options, {});
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("a file that is named must exist and be readable", () => {
  for (const [path, message] of [["/nowhere/c.json", "doesn't exist"], ["/", "cannot read the configuration file /"]]) {
    const error = assertThrows(() => read(["-c", path!], {}), UsageError);
    assertStringIncludes(error.message, message!);
    assertEquals(error.exitCode, 104);
  }
});
