/** Whatever a script throws or returns, in whatever phase: the run ends, with the right exit code and no stack trace of k6d's own. */

import { assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import { runK6d } from "./support/k6d.ts";

/** A frame of k6d's own code. */
const OWN_TRACE = /src\/(?:worker|api|script|engine)\/|crashed|broke down/;

/** Things to throw that throw in turn when they are looked at, with what the log says of them. */
const HOSTILE: Readonly<Record<string, readonly [value: string, says: RegExp]>> = {
  "a proxy whose traps throw": [
    "new Proxy(new Error('x'), { get() { throw 1; }, getPrototypeOf() { throw 2; } })",
    /a thrown object that can't be turned into text/,
  ],
  "a revoked proxy": [
    "(() => { const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return proxy; })()",
    /a thrown object that can't be turned into text/,
  ],
};

/** Phases by a script that throws `THROWN` there, with the exit code. */
const PHASES: Readonly<Record<string, readonly [script: string, code: number]>> = {
  "the init code": ["throw THROWN; export default function () {}", 107],
  "setup()": ["export function setup() { throw THROWN; } export default function () {}", 107],
  "an iteration": ["export default function () { throw THROWN; }", 0],
  "a timer": ["export default function () { setTimeout(() => { throw THROWN; }); }", 0],
  "a rejected promise": ["export default function () { Promise.reject(THROWN); }", 0],
  "handleSummary()": ["export function handleSummary() { throw THROWN; } export default function () {}", 0],
};

for (const [phase, [script, code]] of Object.entries(PHASES)) {
  Deno.test(`anything may be thrown in ${phase}`, async () => {
    for (const [value, says] of Object.values(HOSTILE)) {
      const result = await runK6d({ files: script.replace("THROWN", value) });
      assertMatch(result.stderr, says);
      assertNotMatch(result.stderr, OWN_TRACE);
      assertEquals(result.code, code, result.stderr);
    }
  });
}

interface Case {
  readonly script: string;
  readonly code: number;
  readonly says: RegExp;
}

const CASES: Readonly<Record<string, Case>> = {
  "a default export that is a class": {
    script: "export default class Shop {}",
    code: 0,
    says: /msg="TypeError: Class constructor Shop cannot be invoked without 'new'"/,
  },
  "an import() that can't be followed": {
    script: 'export default async function () { await import("./" + __VU + ".js"); }',
    code: 0,
    says: /import\(\\"\.\/1\.js\\"\) can't be followed/,
  },
  "an object too deep for the log": {
    script: "export default function () { let o = {}; for (let i = 0; i < 1e5; i++) o = { o }; console.log(o); }",
    code: 0,
    says: /RangeError: Maximum call stack size exceeded/,
  },
  "a toJSON() of the setup data that throws null": {
    script: "export const setup = () => ({ toJSON() { throw null; } }); export default function () {}",
    code: 107,
    says: /setup\(\) returned data that can't be written as JSON: null/,
  },
  "a getter of the summary that throws": {
    script:
      'export const handleSummary = () => ({ get stdout() { throw new Error("inner"); } }); export default function () {}',
    code: 0,
    says: /handleSummary\(\) returned data that can't be read: Error: inner.*script\.js:1:/,
  },
  "a syntax error far to the right": {
    script: `export default function () { ${"a + ".repeat(1000)} ; }`,
    code: 107,
    says: /SyntaxError: Unexpected token.{0,100}script\.js:1:4031\\n {2}1 \| [a+ ;}]{80,160}\\n {4}\| {79,83}\^"/,
  },
  "control characters": {
    script: "\0\x07\x1b[2J",
    code: 107,
    says: /SyntaxError: Unexpected character.*script\.js:1:1\\n {2}1 \| \ufffd\ufffd\ufffd\[2J\\n/,
  },
};

for (const [name, { script, code, says }] of Object.entries(CASES)) {
  Deno.test(`one clear line: ${name}`, async () => {
    const result = await runK6d({ files: script });
    assertMatch(result.stderr, says);
    assertNotMatch(result.stderr, OWN_TRACE);
    assertEquals(result.code, code, result.stderr);
  });
}
