import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import { flagsOf, parseCommandLine, UsageError } from "../../src/cli/args.ts";
import { type Command, COMMANDS } from "../../src/cli/commands.ts";
import { ALL_FLAGS, type Flag } from "../../src/cli/flags.ts";
import { bool, integer, text } from "../../src/options/kinds.ts";

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
  ["run --summary-trend-stats avg,mean", `for --summary-trend-stats: invalid trend stat "mean"`],
  ["run --max-redirects=-1", "for --max-redirects: must be 0 or more"],
  ["run --blacklist-ip 10.0.0.0/99", `for --blacklist-ip: "10.0.0.0/99" is neither an IP address nor a network`],
  ["run --vus", "flag needs an argument: -u, --vus"],
];

for (const [line, message] of REFUSED) {
  Deno.test(`refuses: ${line}`, () => {
    const error = assertThrows(() => parseCommandLine(line.split(" ")), UsageError);
    assertStringIncludes(error.message, message);
    assertEquals(error.exitCode, 255);
  });
}

Deno.test("each flag means one thing, and each short flag one thing in a command", () => {
  for (const names of [ALL_FLAGS.map(({ name }) => name), ...COMMANDS.map(shortFlags)]) {
    assertEquals(names.length, new Set(names).size);
  }
});

function shortFlags(command: Command): string[] {
  return flagsOf(command).flatMap(({ short }) => short ?? []);
}

Deno.test("a command takes its own flags only", () => {
  assertEquals(parse("version", "--json").flags, { json: [true] });
  assertEquals(parse("--quiet", "--json", "version").flags, { quiet: [true], json: [true] });
  const error = assertThrows(() => parse("run", "--json", "x.js"), UsageError);
  assertStringIncludes(error.message, "unknown flag: --json");
});

Deno.test("a command of several words is one, wherever flags stand among them", () => {
  const expected = { positionals: ["cloud login"], flags: { quiet: [true], token: ["t"], show: [true] } };
  assertEquals(parse("-q", "cloud", "login", "-t", "t", "-s"), expected);
  assertEquals(parse("cloud", "-q", "-tt", "login", "--show"), expected);
  assertEquals(parse("cloud", "test", "list", "more").positionals, ["cloud test list", "more"]);
  assertEquals(parse("cloud", "test").positionals, ["cloud", "test"]);
  assertEquals(parse("run", "cloud", "login").positionals, ["run", "cloud", "login"]);
});

const RUN = COMMANDS.find(({ name }) => name === "run")!;

/** A flag of `run`, a value for it, and one of the ways to write both. */
const WRITTEN: fc.Arbitrary<{ flag: Flag; value: unknown; args: string[] }> = fc.constantFrom(
  ...flagsOf(RUN).filter(({ kind, check }) => [bool, integer, text].includes(kind) && check === undefined),
).chain((flag) => {
  const value: fc.Arbitrary<string | number | boolean> = flag.kind === bool
    ? fc.boolean()
    : flag.kind === integer
    ? fc.integer()
    : fc.string();
  return fc.record({ value, short: fc.boolean(), joined: fc.boolean() }).map(({ value, short, joined }) => {
    const name = short && flag.short !== undefined ? `-${flag.short}` : `--${flag.name}`;
    const isBare = value === true && !joined;
    const args = isBare ? [name] : joined || flag.kind === bool ? [`${name}=${value}`] : [name, `${value}`];
    return { flag, value, args };
  });
});

Deno.test("flags mean the same however they are written, wherever the command stands among them", () => {
  fc.assert(
    fc.property(fc.array(WRITTEN, { maxLength: 5 }), fc.nat(5), (written, at) => {
      const groups = written.map(({ args }) => args);
      const args = [...groups.slice(0, at).flat(), "run", ...groups.slice(at).flat(), "--", "-x.js"];
      const expected: Record<string, unknown[]> = {};
      for (const { flag, value } of written) (expected[flag.name] ??= []).push(value);
      assertEquals(parse(...args), { positionals: ["run", "-x.js"], flags: expected });
    }),
    { numRuns: 300 },
  );
});
