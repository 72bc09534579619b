import { assertEquals, assertMatch } from "@std/assert";
import { VERSION } from "../../src/version.ts";

/** Command lines run for real: exit code, what stdout and stderr must match. */
const CASES: readonly (readonly [args: readonly string[], code: number, stdout: RegExp, stderr: RegExp])[] = [
  [["version"], 0, new RegExp(`^k6d v${VERSION.replaceAll(".", "\\.")} \\(deno `), /^$/],
  [["version", "--json"], 0, /^\{\n {2}"version": "v\d/, /^$/],
  [["--version"], 0, /^k6d v/, /^$/],
  [[], 0, /Commands:\n {2}run <script \| archive \| ->/, /^$/],
  [["help", "nothing"], 255, /^$/, /^error: there is no command "nothing"/],
  [["help", "run"], 0, /-u, --vus int .*K6_VUS/, /^$/],
  [["run", "--help"], 0, /--workers int .*K6D_WORKERS/, /^$/],
  [["run"], 255, /^$/, /^time=.* level=error msg="k6d run needs a script.*\n$/],
  [["run", "--vuss", "3", "x.js"], 255, /^$/, /^error: unknown flag: --vuss; did you mean --vus\?\n$/],
  [["rnu", "x.js"], 255, /^$/, /^error: unknown command "rnu" for k6d; did you mean run\?\n$/],
  [["x.js"], 255, /^$/, /^error: unknown command "x.js" for k6d; did you mean k6d run x.js\?\n$/],
  [["x"], 255, /^$/, /^error: the command x is not supported yet by k6d\n$/],
  [["cloud"], 0, /^Use Grafana Cloud k6.*\n\nUsage:\n {2}k6d cloud \[flags\] <command>\n/, /^$/],
  [["cloud", "lgin"], 255, /^$/, /^error: unknown command "cloud lgin" for k6d; did you mean cloud login\?\n$/],
  [["help", "cloud", "login"], 0, /k6d cloud login \[flags\]\n[^]*-s, --show /, /^$/],
  [["help", "cloud", "nothing"], 255, /^$/, /^error: there is no command "cloud nothing" to help with/],
  [
    ["cloud", "nothing"],
    255,
    /^$/,
    /^error: unknown command "cloud nothing" for k6d; `k6d cloud` lists its commands\n$/,
  ],
];

const ENTRY = new URL("../../main.ts", import.meta.url).href;

for (const [args, code, stdout, stderr] of CASES) {
  Deno.test(`k6d ${args.join(" ")}`, async () => {
    const command = new Deno.Command(Deno.execPath(), { args: ["run", "-A", ENTRY, ...args], env: { NO_COLOR: "1" } });
    const output = await command.output();
    const decoder = new TextDecoder();
    assertMatch(decoder.decode(output.stderr), stderr);
    assertMatch(decoder.decode(output.stdout), stdout);
    assertEquals(output.code, code);
  });
}
