import { assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { parseCommandLine, UsageError } from "../../src/cli/args.ts";
import { openLog } from "../../src/cli/open_log.ts";
import { SettingReader } from "../../src/cli/setting_reader.ts";

function open(args: string[], env: Record<string, string> = {}) {
  return openLog(new SettingReader(parseCommandLine(["run", ...args, "x.js"]), env), env);
}

for (
  const [output, message] of [
    ["nowhere", `unsupported log output "nowhere"; use stderr, stdout, none, file=path or loki=url`],
    ["file", "the log output file names no file; use file=path"],
    ["file=", "names no file"],
    ["file=/nowhere/at/all.log", "cannot write the file of --log-output file=/nowhere/at/all.log"],
    ["file=x.log,level=loud", `unknown level "loud" in --log-output file=x.log,level=loud`],
    ["file=x.log,lvl=info", `unknown setting "lvl" in --log-output file=x.log,lvl=info; did you mean level?`],
    ["loki=limit=x", "limit: expected a whole number"],
  ] as const
) {
  Deno.test(`refused: --log-output ${output}`, () => {
    const error = assertThrows(() => open(["--log-output", output]), UsageError);
    assertStringIncludes(error.message, message);
    assertEquals(error.exitCode, 255);
    assertThrows(() => open([], { K6_LOG_OUTPUT: output }), UsageError);
  });
}

Deno.test("a log file grows; its format and levels are those asked for", async () => {
  const folder = Deno.makeTempDirSync();
  const path = `${folder}/run.log`;
  try {
    Deno.writeTextFileSync(path, "before\n");
    const raw = open(["--log-format", "raw", "--log-output", `file=${path},level=warning`]);
    raw.info("unseen");
    raw.warn("seen");
    await raw.close();
    const json = open(["-v"], { K6_LOG_FORMAT: "json", K6_LOG_OUTPUT: `file=${path}` });
    json.debug("details");
    await json.close();
    assertMatch(Deno.readTextFileSync(path), /^before\nseen\n\{"level":"debug","msg":"details","time":"[^"]+"\}\n$/);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("what the console says goes to its own file, in the log's format and without secrets", async () => {
  const folder = Deno.makeTempDirSync();
  try {
    const log = open([
      "--log-output",
      `file=${folder}/log`,
      "--log-format=raw",
      "--console-output",
      `${folder}/console`,
    ]);
    log.redact("topsecret");
    log.info("a topsecret", { source: "console" });
    log.info("b", { source: "stacktrace" });
    await log.close();
    assertEquals(Deno.readTextFileSync(`${folder}/console`), "a ***SECRET_REDACTED***\n");
    assertEquals(Deno.readTextFileSync(`${folder}/log`), "b\n");
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
