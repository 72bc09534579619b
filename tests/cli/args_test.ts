import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { parseCommandLine, UsageError } from "../../src/cli/args.ts";
import { ALL_FLAGS } from "../../src/cli/flags.ts";

function parse(...args: string[]) {
  const { positionals, flags } = parseCommandLine(args);
  return { positionals, flags: Object.fromEntries(flags) };
}

const READ: readonly (readonly [line: string, positionals: readonly string[], flags: Record<string, unknown[]>])[] = [
  ["run x.js", ["run", "x.js"], {}],
  ["run --vus=5 x.js", ["run", "x.js"], { vus: [5] }],
  ["run --vus 5 x.js", ["run", "x.js"], { vus: [5] }],
  ["run -u5 x.js", ["run", "x.js"], { vus: [5] }],
  ["run -u 5 x.js", ["run", "x.js"], { vus: [5] }],
  ["run -u=5 x.js", ["run", "x.js"], { vus: [5] }],
  ["run --vus -5 x.js", ["run", "x.js"], { vus: [-5] }],
  ["run -qv x.js", ["run", "x.js"], { quiet: [true], verbose: [true] }],
  ["run -qu 5 x.js", ["run", "x.js"], { quiet: [true], vus: [5] }],
  ["run --quiet=false x.js", ["run", "x.js"], { quiet: [false] }],
  ["run x.js -o json -o csv=a,b", ["run", "x.js"], { out: [["json"], ["csv=a,b"]] }],
  ["-v run -", ["run", "-"], { verbose: [true] }],
  ["run -- -x.js", ["run", "-x.js"], {}],
  ["run --address= x.js", ["run", "x.js"], { address: [""] }],
  ["run --http-debug x.js", ["run", "x.js"], { "http-debug": ["headers"] }],
  ["run --http-debug=full x.js", ["run", "x.js"], { "http-debug": ["full"] }],
  ["run -d 1m30s --tag a=b=c --tag d=", ["run"], { duration: [90_000], tag: [{ a: "b=c" }, { d: "" }] }],
  ["run -e A=1=2 007", ["run", "007"], { env: ["A=1=2"] }],
  ["run -s 10s:5 -s 1m:0", ["run"], { stage: [[{ duration: 10_000, target: 5 }], [{ duration: 60_000, target: 0 }]] }],
];

for (const [line, positionals, flags] of READ) {
  Deno.test(`reads: ${line}`, () => assertEquals(parse(...line.split(" ")), { positionals, flags }));
}

const REFUSED: readonly (readonly [line: string, message: string])[] = [
  ["run --vuss 5", "unknown flag: --vuss; did you mean --vus?"],
  ["run --no-such-flag", "unknown flag: --no-such-flag"],
  ["run -z", "unknown shorthand flag: 'z' in -z"],
  ["run --vus many", `invalid argument "many" for -u, --vus: expected a whole number`],
  ["run -d 30", `invalid argument "30" for -d, --duration: expected a duration with a unit`],
  ["run --quiet=perhaps", `invalid argument "perhaps" for -q, --quiet`],
  ["run --tag novalue", `invalid argument "novalue" for --tag: expected name=value`],
  ["run --summary-mode legacy", `invalid argument "legacy" for --summary-mode`],
  ["run --vus", "flag needs an argument: -u, --vus"],
];

for (const [line, message] of REFUSED) {
  Deno.test(`refuses: ${line}`, () => {
    const error = assertThrows(() => parseCommandLine(line.split(" ")), UsageError);
    assertStringIncludes(error.message, message);
    assertEquals(error.exitCode, 255);
  });
}

Deno.test("each flag and each short flag means one thing", () => {
  for (const names of [ALL_FLAGS.map((flag) => flag.name), ALL_FLAGS.flatMap((flag) => flag.short ?? [])]) {
    assertEquals(names.length, new Set(names).size);
  }
});

Deno.test("a command takes its own flags only", () => {
  assertEquals(parse("version", "--json").flags, { json: [true] });
  assertEquals(parse("--quiet", "--json", "version").flags, { quiet: [true], json: [true] });
  const error = assertThrows(() => parse("run", "--json", "x.js"), UsageError);
  assertStringIncludes(error.message, "unknown flag: --json");
});
