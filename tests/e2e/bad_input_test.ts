/** Bad input: each mistake is told in one clear line with the right exit code, and never with a stack trace of k6d's own. */

import { assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import { type K6dCommand, runK6d } from "./support/k6d.ts";

interface BadInput extends K6dCommand {
  readonly name: string;
  readonly code: number;
  /** What the log must say. */
  readonly says: RegExp;
  /** Further things that it must not say. */
  readonly neverSays?: RegExp;
  /** Whether the summary is printed all the same; not by default. */
  readonly summary?: boolean;
}

const RUN = ["run", "-q"];
const EMPTY = "export default function () {}";

const COMMAND_LINE: readonly BadInput[] = [
  {
    name: "no script",
    args: ["run"],
    code: 255,
    says: /k6d run needs a script/,
  },
  {
    name: "two scripts",
    args: ["run", "a.js", "b.js"],
    code: 255,
    says: /takes one script, got 2: a\.js b\.js/,
  },
  {
    name: "an unknown command",
    args: ["rum", "script.js"],
    code: 255,
    says: /unknown command "rum" for k6d.*run/,
  },
  {
    name: "a missing file",
    args: ["run", "nowhere.js"],
    code: 255,
    says: /The script \\"nowhere\.js\\" couldn't be found/,
  },
  {
    name: "a folder instead of a script",
    files: { "folder/script.js": EMPTY },
    args: ["run", "folder"],
    code: 255,
    says: /folder.*is a directory/,
  },
  {
    name: "an unknown flag, with the nearest one",
    files: EMPTY,
    args: ["run", "--vsu", "3", "script.js"],
    code: 255,
    says: /unknown flag: --vsu.*--vus/,
  },
  {
    name: "a flag's value of the wrong type",
    files: EMPTY,
    args: ["run", "--vus", "many", "script.js"],
    code: 255,
    says: /"many".*--vus/,
  },
  {
    name: "a duration without a unit on the command line",
    files: EMPTY,
    args: ["run", "--duration", "30", "script.js"],
    code: 255,
    says: /--duration.*unit/,
  },
  {
    name: "a variable's value of the wrong type",
    files: EMPTY,
    env: { K6_VUS: "many" },
    code: 104,
    says: /K6_VUS.*many/,
  },
  {
    name: "an invalid name after -e",
    files: EMPTY,
    args: [...RUN, "-e", "a-b=1", "script.js"],
    code: 255,
    says: /invalid environment variable name.*a-b/,
  },
  {
    name: "an unknown output",
    files: EMPTY,
    args: [...RUN, "-o", "prometeus-rw", "script.js"],
    code: 255,
    says: /unknown output.*prometeus-rw.*prometheus-rw/i,
  },
  {
    name: "a remote-write URL that is none",
    files: EMPTY,
    args: [...RUN, "-o", "prometheus-rw", "script.js"],
    env: { K6_PROMETHEUS_RW_SERVER_URL: "localhost:9090/api/v1/write" },
    code: 255,
    says: /K6_PROMETHEUS_RW_SERVER_URL.*begins with http/,
  },
  {
    name: "a push interval that is none",
    files: EMPTY,
    args: [...RUN, "-o", "prometheus-rw", "script.js"],
    env: { K6_PROMETHEUS_RW_PUSH_INTERVAL: "soon" },
    code: 255,
    says: /K6_PROMETHEUS_RW_PUSH_INTERVAL.*soon/,
  },
];

const SCRIPTS: readonly BadInput[] = [
  {
    name: "a syntax error",
    files: 'import http from "k6/http";\nexport default function () {\n  const = 1;\n}\n',
    code: 107,
    says: /SyntaxError.*script\.js:3:9.*const = 1;/s,
  },
  {
    name: "a syntax error in an imported module",
    files: {
      "script.js": 'import "./lib/helper.js";\nexport default function () {}',
      "lib/helper.js": "\n\nlet x = ;\n",
    },
    code: 107,
    says: /SyntaxError.*lib\/helper\.js:3:9.*let x = ;/s,
  },
  {
    name: "a syntax error in TypeScript",
    files: { "script.ts": "export default function (): void {\n  const x: = 1;\n}\n" },
    args: [...RUN, "script.ts"],
    code: 107,
    says: /script\.ts:2:12.*const x: = 1;/s,
  },
  {
    name: "TypeScript that does not parse",
    files: { "script.ts": `import "./item.ts";\n${EMPTY}`, "item.ts": '\nexport enum Color { Red = = "red" }\n' },
    args: [...RUN, "script.ts"],
    code: 107,
    says: /item\.ts:2:\d+.*enum Color/s,
  },
  {
    name: "an import that does not resolve",
    files: '\nimport { x } from "./missing.js";\nexport default function () {}',
    code: 107,
    says: /missing\.js.*script\.js:2:/,
  },
  {
    name: "an import of a name that is not exported",
    files: {
      "script.js": 'import { nope } from "./lib.js";\nexport default function () { nope(); }',
      "lib.js": "export const x = 1;",
    },
    code: 107,
    says: /nope.*script\.js:1:/,
  },
  {
    name: "an unknown k6 module",
    files: 'import x from "k6/htpp";\nexport default function () {}',
    code: 107,
    says: /k6\/htpp.*script\.js:1:/,
  },
  {
    name: "no default export",
    files: "export function load() {}",
    code: 104,
    says: /function 'default' .*not found in exports/,
  },
  {
    name: "no exported functions at all",
    files: "const x = 1;",
    code: 255,
    says: /no exported functions in script/,
  },
  {
    name: "an exec that is not exported",
    files: `export const options = { scenarios: { a: { executor: "per-vu-iterations", exec: "buy" } } };\n${EMPTY}`,
    code: 104,
    says: /scenario a .*function 'buy' not found in exports/,
  },
  {
    name: "options of a wrong type",
    files: `export const options = { vus: "three" };\n${EMPTY}`,
    code: 104,
    says: /vus.*three/,
  },
  {
    name: "a duration that is none",
    files: `export const options = { duration: "10 parsecs" };\n${EMPTY}`,
    code: 104,
    says: /duration.*10 parsecs/,
  },
  {
    name: "an unknown field of a scenario",
    files:
      `export const options = { scenarios: { a: { executor: "constant-vus", duration: "1s", vuss: 2 } } };\n${EMPTY}`,
    code: 104,
    says: /scenario.*a.*vuss/,
  },
  {
    name: "an unknown executor",
    files: `export const options = { scenarios: { a: { executor: "constant-vu" } } };\n${EMPTY}`,
    code: 104,
    says: /constant-vu/,
  },
  {
    name: "all mistakes of the scenarios together",
    files: `export const options = { scenarios: {
      a: { executor: "constant-vus" },
      b: { executor: "constant-arrival-rate", duration: "1s", rate: 0, preAllocatedVUs: 1 },
    } };\n${EMPTY}`,
    code: 104,
    says: /scenario.*a.*duration.*scenario.*b.*rate/s,
  },
  {
    name: "conflicting ways to say how much to run",
    files: `export const options = { iterations: 5, scenarios: { a: { executor: "per-vu-iterations" } } };\n${EMPTY}`,
    code: 104,
    says: /iterations.*scenarios/,
  },
  {
    name: "a malformed threshold",
    files: `export const options = { thresholds: { http_req_duration: ["p(95)<<200"] } };\n${EMPTY}`,
    code: 104,
    says: /threshold.*p\(95\)<<200/,
  },
  {
    name: "a threshold on a metric that does not exist",
    files: `export const options = { thresholds: { http_req_druation: ["p(95)<200"] } };\n${EMPTY}`,
    code: 104,
    says: /http_req_druation/,
  },
  {
    name: "a threshold's method that the metric has not",
    files: `export const options = { thresholds: { http_reqs: ["p(95)<200"] } };\n${EMPTY}`,
    code: 104,
    says: /http_reqs.*p\(95\)/,
  },
  {
    name: "an exception in the init stage",
    files: 'const text = undefined;\n\ntext.split(",");\nexport default function () {}',
    code: 107,
    says: /TypeError: Cannot read properties of undefined.*script\.js:3:6/s,
  },
  {
    name: "an exception in the init stage of a later virtual user",
    files: 'if (__VU === 1) throw new Error("not me");\nexport default function () {}',
    code: 107,
    says: /Error: not me.*script\.js:1:.*VU #1/s,
    summary: true,
  },
  {
    name: "a file that open() can't find",
    files: 'const data = open("./data.json");\nexport default function () {}',
    code: 107,
    says: /data\.json.*script\.js:1:/s,
  },
  {
    name: "a setup that is no function",
    files: `export const setup = 5;\n${EMPTY}`,
    code: 107,
    says: /exported 'setup' must be a function/,
  },
  {
    name: "options that are a function",
    files: `export const options = () => ({ vus: 1 });\n${EMPTY}`,
    code: 107,
    says: /exported 'options' must be an object, got a function/,
  },
  {
    name: "options that hold themselves",
    files: `export const options = { tags: {} };\noptions.self = options;\n${EMPTY}`,
    code: 107,
    says: /exported 'options' can't be written as JSON: they have a circular structure/,
    neverSays: /main\.ts/,
  },
  {
    name: "more virtual users than any machine has room for",
    files: `export const options = { vus: 1e9, duration: "1s" };\n${EMPTY}`,
    code: 104,
    says: /the number of VUs can't be more than 100000000/,
  },
  {
    name: "a number that is thrown",
    files: "throw 42;\nexport default function () {}",
    code: 107,
    says: /42/,
  },
];

const LIFE_CYCLE: readonly BadInput[] = [
  {
    name: "an exception in setup()",
    files: `export function setup() {\n  throw new Error("no database");\n}\n${EMPTY}
export function teardown() { console.log("torn down"); }`,
    code: 107,
    says: /Error: no database.*at setup \(.*script\.js:2:9.*hint="script exception"/,
    neverSays: /torn down/,
    summary: true,
  },
  {
    name: "an exception in an iteration",
    files: 'export default function () {\n  throw new Error("oops");\n}',
    args: [...RUN, "-i", "2", "script.js"],
    code: 0,
    says: /Error: oops.*at .*script\.js:2:9.*executor=shared-iterations.*scenario=default.*source=stacktrace/,
    summary: true,
  },
  {
    name: "a thrown value that has no text",
    files: `export default function () {
  throw { toString() { throw new Error("no text"); } };
}`,
    args: [...RUN, "-i", "2", "script.js"],
    code: 0,
    says: /a thrown object that can't be turned into text.*scenario=default/,
    summary: true,
  },
  {
    name: "a rejected promise that nobody handles",
    files: 'export default function () {\n  Promise.reject(new Error("lost"));\n}',
    code: 0,
    says: /Uncaught \(in promise\) Error: lost.*at .*script\.js:2:18.*scenario=default/,
    summary: true,
  },
  {
    name: "an exception in teardown()",
    files: `${EMPTY}\nexport function teardown() {\n  throw new Error("still there");\n}`,
    code: 107,
    says: /Error: still there.*script\.js:3:9/,
    summary: true,
  },
  {
    name: "a setup() that takes too long",
    files: `import { sleep } from "k6"; export const options = { setupTimeout: "200ms" };
export function setup() { sleep(60); }\n${EMPTY}`,
    code: 100,
    says: /setup\(\) execution timed out after 0?\.?2/,
    summary: true,
  },
  {
    name: "a teardown() that takes too long",
    files: `import { sleep } from "k6"; export const options = { teardownTimeout: "200ms" };
export function teardown() { sleep(60); }\n${EMPTY}`,
    code: 101,
    says: /teardown\(\) execution timed out after/,
    summary: true,
  },
  {
    name: "exec.test.abort()",
    files:
      `import { sleep } from "k6"; import exec from "k6/execution"; export const options = { vus: 5, duration: "60s" };
export default function () { if (__VU === 2) exec.test.abort("enough"); sleep(30); }
export function teardown() { console.log("torn down"); }`,
    code: 108,
    says: /test aborted: enough.*torn down/s,
    summary: true,
  },
  {
    name: "exec.test.abort() in the init stage",
    files: `import exec from "k6/execution"; exec.test.abort("early");\n${EMPTY}`,
    code: 108,
    says: /test aborted: early/,
  },
  {
    name: "exec.test.fail()",
    files: `import exec from "k6/execution";
export default function () { exec.test.fail("bad data"); console.log("goes on"); }`,
    code: 110,
    says: /test marked as failed: bad data.*goes on/s,
    summary: true,
  },
  {
    name: "a threshold that is crossed",
    files: `import { check } from "k6"; export const options = { thresholds: { checks: ["rate>0.9"] } };
export default function () { check(1, { "is two": (n) => n === 2 }); }`,
    code: 99,
    says: /thresholds on metrics 'checks' have been crossed/,
    summary: true,
  },
  {
    name: "a threshold that stops the run",
    files: `import { check, sleep } from "k6";
export const options = { duration: "60s", thresholds: { checks: [{ threshold: "rate>0.9", abortOnFail: true }] } };
export default function () { check(1, { "is two": (n) => n === 2 }); sleep(0.1); }
export function teardown() { console.log("torn down"); }`,
    code: 99,
    says: /thresholds on metrics 'checks' were crossed; at least one has abortOnFail enabled.*torn down/s,
    summary: true,
  },
];

for (const cases of [COMMAND_LINE, SCRIPTS, LIFE_CYCLE]) {
  for (const { name, code, says, neverSays, summary = false, ...command } of cases) {
    Deno.test(`bad input: ${name}`, async () => {
      const result = await runK6d(command);
      assertMatch(result.stderr, says);
      assertEquals(result.code, code, result.stderr);
      assertNotMatch(result.stderr, OWN_FRAME);
      if (neverSays !== undefined) assertNotMatch(result.stderr, neverSays);
      assertEquals(result.stdout.includes("TOTAL RESULTS"), summary, result.stdout);
      // A mistake that keeps the test from starting is told once.
      if (!summary) assertEquals(result.stderr.trimEnd().split("\n").length, 1, result.stderr);
    });
  }
}

/** A stack frame, or a crash, of k6d itself. */
const OWN_FRAME = /\/src\/\w+\/\w+\.ts|main\.ts:\d|crashed/;
