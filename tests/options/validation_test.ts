/** Every way in which options and scenarios can be wrong: what the user reads. All of these end with exit code 104. */

import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Log } from "../../src/cli/log.ts";
import { reportFailure } from "../../src/engine/failure.ts";
import { consolidate, type OptionLayers } from "../../src/options/consolidate.ts";
import { bool, duration, integer, type OptionKind, text, textList } from "../../src/options/kinds.ts";
import { OptionsError } from "../../src/options/options_error.ts";
import { OPTIONS } from "../../src/options/table.ts";

function run(layers: Partial<OptionLayers>) {
  return consolidate({ script: undefined, env: {}, flags: {}, exportedFunctions: ["default"], ...layers });
}

/** What the user reads; the exit code is 104. */
function messageOf(layers: Partial<OptionLayers>): string {
  const lines: string[] = [];
  const log = new Log({ sink: { write: ({ message }) => lines.push(message) }, level: "info" });
  assertEquals(reportFailure(assertThrows(() => run(layers), OptionsError), log), 104);
  return lines.join();
}

Deno.test("a value of the wrong type is refused for every option, from the script and from the configuration file", () => {
  for (const { key, notInScript } of OPTIONS) {
    if (notInScript) continue;
    const wrong = () => {};
    assertStringIncludes(messageOf({ script: { [key]: wrong } }), `option "${key}": expected `);
    assertStringIncludes(
      messageOf({ config: { [key]: wrong } }),
      `option "${key}" in the configuration file: expected `,
    );
  }
});

/** Texts that no option of a kind takes. Options of other kinds take any text. */
const WRONG_TEXTS: readonly (readonly [OptionKind, string])[] = [
  [bool, "perhaps"],
  [integer, "1.5"],
  [duration, "10 parsecs"],
];

Deno.test("a text of the wrong kind is refused for every variable", () => {
  let checked = 0;
  for (const { env, kind } of OPTIONS) {
    const wrong = WRONG_TEXTS.find(([each]) => each === kind);
    if (env === undefined || wrong === undefined) continue;
    checked++;
    assertStringIncludes(messageOf({ env: { [env]: wrong[1] } }), `envconfig.Process: ${env}: `);
  }
  assert(checked > 20, `only ${checked} variables were checked`);
});

Deno.test("null and a missing field are the same", () => {
  const unset = Object.fromEntries(OPTIONS.flatMap(({ key, notInScript }) => notInScript ? [] : [[key, null]]));
  assertEquals(run({ script: unset, config: unset }), run({}));
});

const OPTION_MISTAKES: readonly (readonly [mistake: Partial<OptionLayers>, message: string])[] = [
  [{ script: { setupTimeout: "0s" } }, `option "setupTimeout": must be more than 0`],
  [{ script: { teardownTimeout: -1 } }, `option "teardownTimeout": must be more than 0`],
  [{ script: { handleSummaryTimeout: 0 } }, `option "handleSummaryTimeout": must be more than 0`],
  [{ script: { maxRedirects: -1 } }, `option "maxRedirects": must be 0 or more`],
  [{ script: { dns: { ttl: "soon" } } }, `option "dns": invalid duration "soon"`],
  [{ script: { dns: { select: "last" } } }, `expected one of "first", "random", "roundRobin", got the string "last"`],
  [
    { script: { dns: { policy: "ipv6" } } },
    `expected one of "preferIPv4", "preferIPv6", "onlyIPv4", "onlyIPv6", "any"`,
  ],
  [{ script: { dns: { tll: "1s" } } }, `option "dns": expected ttl, select or policy, got the string "tll"`],
  [{ env: { K6_DNS: "ttl" } }, `envconfig.Process: K6_DNS: expected name=value, got the string "ttl"`],
  [{ script: { httpDebug: "body" } }, `option "httpDebug": expected one of "", "headers", "full"`],
  [{ script: { tlsCipherSuites: ["TLS_NONE"] } }, `option "tlsCipherSuites": unknown cipher suite "TLS_NONE"`],
  [{ script: { tlsVersion: "tls1.4" } }, `option "tlsVersion": unknown TLS version "tls1.4"; use one of tls1.0,`],
  [{ script: { tlsVersion: { min: "ssl3.0" } } }, `unknown TLS version "ssl3.0"`],
  [{ script: { tlsAuth: [{ cert: "…" }] } }, `option "tlsAuth": each entry needs cert and key`],
  [{ script: { tlsAuth: [{ cert: "…", key: "…", password: 1 }] } }, `option "tlsAuth": password must be a string`],
  [{ script: { tlsAuth: [{ cert: "…", key: "…", domains: "x" }] } }, `option "tlsAuth": domains must be an array`],
  [{ script: { blacklistIPs: ["10.0.0.0/33"] } }, `"10.0.0.0/33" is neither an IP address nor a network`],
  [{ env: { K6_BLACKLIST_IPS: "10.0.0.1,localhost" } }, `"localhost" is neither an IP address nor a network`],
  [{ script: { blockHostnames: ["a.*.test"] } }, `"a.*.test" is no host name; * may stand at its beginning only`],
  [{ script: { hosts: { "a.test": "b.test" } } }, `"b.test", given for "a.test", is no IP address`],
  [{ script: { hosts: { "a.test": "1.2.3.4:99999" } } }, `"1.2.3.4:99999", given for "a.test", is no IP address`],
  [{ script: { hosts: { "a*.test": "1.2.3.4" } } }, `"a*.test" is no host name`],
  [{ flags: { localIPs: "10.0.0.1-x" } }, `option "localIPs": "10.0.0.1-x" is no IP address, range`],
  [{ flags: { localIPs: "10.0.0.9-10.0.0.1" } }, `option "localIPs": "10.0.0.9-10.0.0.1" is no IP address, range`],
  [{ script: { summaryTrendStats: ["p(a)"] } }, `option "summaryTrendStats": invalid trend stat "p(a)"`],
  [{ env: { K6_SUMMARY_TREND_STATS: "mean" } }, `invalid trend stat "mean"; use avg, min, med, max, count or p(N)`],
  [{ script: { summaryTimeUnit: "m" } }, `option "summaryTimeUnit": expected one of "", "s", "ms", "us"`],
  [{ script: { tags: { a: 1 } } }, `option "tags": expected a string at "a", got 1`],
  [{ env: { K6_TAGS: "a" } }, `envconfig.Process: K6_TAGS: expected name:value`],
  [{ script: { thresholds: { checks: "rate>0" } } }, `expected an array of thresholds for "checks"`],
  [{ script: { thresholds: { checks: [{}] } } }, `a string or {threshold, abortOnFail, delayAbortEval} for "checks"`],
  [{ script: { thresholds: { checks: [{ threshold: "rate>0", abortOnFail: 1 }] } } }, `expected true or false, got 1`],
  [{ script: { thresholds: { checks: [{ threshold: "rate>0", delayAbortEval: "x" }] } } }, `invalid duration "x"`],
  [{ script: { stages: [{ duration: "1x", target: 1 }] } }, `option "stages": invalid duration "1x"`],
  [{ script: { stages: ["10s:5"] } }, `option "stages": expected a stage {duration, target}`],
  [{ script: { stages: [{ duration: "1s", target: 1.5 }] } }, `option "stages": expected a whole number, got 1.5`],
  [{ env: { K6_STAGES: "10s:many" } }, `envconfig.Process: K6_STAGES: expected a whole number`],
  [{ env: { K6_STAGES: "10s" } }, `expected stages as duration:target, for example 10s:5, got the string "10s"`],
  [{ script: { executionSegment: "2:3" } }, `invalid part of a test "3": expected a number from 0 to 1`],
  [{ script: { executionSegment: "1/2:1/4" } }, `invalid execution segment "1/2:1/4": it has to end after its start`],
  [{ script: { executionSegment: "a" } }, `invalid part of a test "a": expected a number such as 1/3, 25% or 0.25`],
  [{ script: { executionSegment: "0:1:2" } }, `invalid execution segment "0:1:2": expected from:to`],
  [{ script: { executionSegmentSequence: "0" } }, `invalid execution segment sequence "0": expected at least two`],
  [{ script: { executionSegmentSequence: "0,1,1/2" } }, `invalid execution segment sequence "0,1,1/2": its numbers`],
  [
    { flags: { executionSegment: "0:1/3", executionSegmentSequence: "0,1/2,1" } },
    "the execution segment 0:1/3 is not part of the sequence 0,1/2,1",
  ],
  [{ script: [1] }, "the exported options must be an object"],
  [{ config: [1] }, "the configuration file must be an object"],
  [{ script: { duration: -5 } }, "`duration` must be more than 0, got -5ms"],
  [{ script: { iterations: 1, stages: [] } }, "using `iterations` and `stages` together is not allowed"],
  [{ script: { iterations: 1, scenarios: {} } }, "using `iterations` and `scenarios` together is not allowed"],
  [{ script: { duration: "1s", stages: [] } }, "using `duration` and `stages` together is not allowed"],
  [{ script: { duration: "1s", scenarios: {} } }, "using `duration` and `scenarios` together is not allowed"],
  [{ script: { stages: [], scenarios: {} } }, "using `stages` and `scenarios` together is not allowed"],
];

for (const [mistake, message] of OPTION_MISTAKES) {
  Deno.test(`refused: ${JSON.stringify(mistake)}`, () => assertStringIncludes(messageOf(mistake), message));
}

Deno.test("a value in which a key or a token may stand is not shown", () => {
  const list = `option "tlsAuth": expected an array of objects, got`;
  assertEquals(messageOf({ script: { tlsAuth: { key: "secret" } } }), `${list} an object`);
  assertEquals(messageOf({ script: { tlsAuth: ["secret"] } }), `${list} an array`);
  assertEquals(messageOf({ script: { cloud: "secret" } }), `option "cloud": expected an object, got a string`);
});

const BASE = { executor: "per-vu-iterations" };
const ARRIVALS = { executor: "constant-arrival-rate", rate: 1, duration: "1s", preAllocatedVUs: 1 };

const STAGE = { duration: "1s", target: 1 };
const RAMP = { executor: "ramping-vus", stages: [STAGE] };
const RATE_RAMP = { executor: "ramping-arrival-rate", preAllocatedVUs: 1, stages: [STAGE] };
const CONTROLLED = { executor: "externally-controlled", duration: 0 };

const SCENARIO_MISTAKES: readonly (readonly [scenario: unknown, message: string])[] = [
  [5, "expected an object with an executor and its settings"],
  [{}, "the executor is not specified"],
  [{ executor: "constant-vu" }, `the specified executor type "constant-vu" does not exist`],
  [{ executor: 5 }, `the specified executor type 5 does not exist`],
  [{ ...BASE, iteration: 3 }, `unknown field "iteration"; did you mean iterations?`],
  [{ ...BASE, rate: 3 }, `unknown field "rate"`],
  [{ ...BASE, startTime: "-1s" }, "the startTime can't be negative"],
  [{ ...BASE, startTime: "later" }, `startTime: invalid duration "later"`],
  [{ ...BASE, gracefulStop: "-1s" }, "the gracefulStop timeout can't be negative"],
  [{ ...BASE, exec: "" }, "exec must not be empty"],
  [{ ...BASE, exec: 5 }, "exec: expected a string, got 5"],
  [{ ...BASE, exec: "nothere" }, "function 'nothere' not found in exports"],
  [{ ...BASE, env: { A: 1 } }, `env: expected a string at "A", got 1`],
  [{ ...BASE, tags: "a" }, "tags: expected an object whose values are strings"],
  [{ ...BASE, options: "browser" }, "options: expected an object"],
  [{ ...BASE, vus: 0 }, "the number of VUs must be more than 0"],
  [{ ...BASE, vus: 1e9 }, "the number of VUs can't be more than 100000000"],
  [{ ...BASE, vus: "many" }, `vus: expected a whole number, got the string "many"`],
  [{ ...BASE, iterations: 0 }, "the number of iterations must be more than 0"],
  [{ ...BASE, maxDuration: "999ms" }, "the maxDuration must be at least 1s, but is 999ms"],
  [{ executor: "shared-iterations", vus: 5, iterations: 2 }, "the number of iterations (2) can't be less than"],
  [{ executor: "shared-iterations", vus: 0 }, "the number of VUs must be more than 0"],
  [{ executor: "shared-iterations", maxDuration: "0s" }, "the maxDuration must be at least 1s, but is 0s"],
  [{ executor: "constant-vus" }, "the duration is unspecified"],
  [{ executor: "constant-vus", duration: "0.5s" }, "the duration must be at least 1s, but is 500ms"],
  [{ executor: "constant-vus", duration: "1s", vus: -1 }, "the number of VUs must be more than 0"],
  [{ ...ARRIVALS, rate: undefined }, "the iteration rate isn't specified"],
  [{ ...ARRIVALS, rate: 0 }, "the iteration rate must be more than 0"],
  [{ ...ARRIVALS, timeUnit: "0s" }, "the timeUnit must be more than 0"],
  [{ ...ARRIVALS, duration: "1ms" }, "the duration must be at least 1s, but is 1ms"],
  [{ ...ARRIVALS, duration: null }, "the duration is unspecified"],
  [{ ...ARRIVALS, preAllocatedVUs: undefined }, "the number of preAllocatedVUs isn't specified"],
  [{ ...ARRIVALS, preAllocatedVUs: -1 }, "the number of preAllocatedVUs can't be negative"],
  [{ ...ARRIVALS, preAllocatedVUs: 5, maxVUs: 2 }, "maxVUs (2) can't be less than preAllocatedVUs (5)"],
  [{ ...ARRIVALS, maxVUs: 1e9 }, "the number of maxVUs can't be more than 100000000"],
  [{ ...RAMP, stages: undefined }, "at least one stage has to be specified"],
  [{ ...RAMP, stages: [] }, "at least one stage has to be specified"],
  [{ ...RAMP, stages: [{ target: 1 }] }, "stage 1 doesn't have a duration"],
  [{ ...RAMP, stages: [STAGE, { duration: "1s" }] }, "stage 2 doesn't have a target"],
  [{ ...RAMP, stages: [{ ...STAGE, duration: "-1s" }] }, "the duration for stage 1 can't be negative"],
  [{ ...RAMP, stages: [{ ...STAGE, target: -1 }] }, "the target for stage 1 can't be negative"],
  [{ ...RAMP, stages: [{ ...STAGE, target: 100_000_001 }] }, "the number of VUs can't be more than 100000000"],
  [{ ...RAMP, stages: "1s:5" }, "stages: expected an array of {duration, target}"],
  [{ ...RAMP, startVUs: -1 }, "the number of startVUs can't be negative"],
  [{ ...RAMP, startVUs: 0, stages: [{ ...STAGE, target: 0 }] }, "either startVUs or the target of one of the stages"],
  [{ ...RAMP, gracefulRampDown: "-1s" }, "the gracefulRampDown timeout can't be negative"],
  [{ ...RATE_RAMP, stages: null }, "at least one stage has to be specified"],
  [{ ...RATE_RAMP, stages: [{ ...STAGE, target: -1 }] }, "the target for stage 1 can't be negative"],
  [{ ...RATE_RAMP, startRate: -1 }, "the startRate can't be negative"],
  [{ ...RATE_RAMP, timeUnit: 0 }, "the timeUnit must be more than 0"],
  [{ ...RATE_RAMP, preAllocatedVUs: undefined }, "the number of preAllocatedVUs isn't specified"],
  [{ ...RATE_RAMP, maxVUs: 0 }, "maxVUs (0) can't be less than preAllocatedVUs (1)"],
  [
    { ...CONTROLLED, duration: undefined },
    "the duration is unspecified; use 0 for a test that runs until it is stopped",
  ],
  [{ ...CONTROLLED, duration: "-1s" }, "the duration can't be negative"],
  [{ ...CONTROLLED, vus: -1 }, "the number of VUs can't be negative"],
  [{ ...CONTROLLED, vus: 2, maxVUs: 1 }, "maxVUs (1) can't be less than the number of VUs (2)"],
];

for (const [scenario, message] of SCENARIO_MISTAKES) {
  Deno.test(`refused scenario: ${JSON.stringify(scenario)}`, () => {
    assertStringIncludes(
      messageOf({ script: { scenarios: { s: scenario } } }),
      `scenario s has configuration errors: ${message}`,
    );
  });
}

Deno.test("a scenario's name has letters, digits, _ and - only", () => {
  for (const name of ["a b", "", "ä", "a.b"]) {
    assertStringIncludes(
      messageOf({ script: { scenarios: { [name]: BASE } } }),
      `scenario ${name} has configuration errors: its name may have only letters, digits, _ and -`,
    );
  }
});

Deno.test("all mistakes are told together: of options, of scenarios, of a scenario", () => {
  const script = {
    vus: "many",
    noSetup: "yes",
  };
  assertEquals(
    messageOf({ script, env: { K6_RPS: "fast" } }),
    `there were problems with the options:
\t- option "vus": expected a whole number, got the string "many"
\t- option "noSetup": expected true or false, got the string "yes"
\t- envconfig.Process: K6_RPS: expected a whole number, got the string "fast"`,
  );
  const scenarios = { a: { executor: "constant-vus", vus: 0 }, b: { ...BASE, exec: "x" } };
  assertEquals(
    messageOf({ script: { setupTimeout: 0, scenarios } }),
    `there were problems with the options:
\t- option "setupTimeout": must be more than 0
\t- scenario a has configuration errors: the number of VUs must be more than 0; the duration is unspecified
\t- scenario b has configuration errors: function 'x' not found in exports`,
  );
});

const ACCEPTED: readonly object[] = [
  {
    hosts: {
      "a.test": "1.2.3.4",
      "a.test:80": "1.2.3.4:8080",
      "*.b.test": "::1",
      "c.test": "[::1]:443",
      "d.test": "[::1]",
    },
  },
  { blacklistIPs: ["10.0.0.0/8", "::1", "fe80::/10", "1.2.3.4"] },
  { blockHostnames: ["*", "*.test", "a.test", "żółw.test"] },
  { dns: { ttl: "inf", select: "first", policy: "any" } },
  { dns: { ttl: "0" } },
  { tlsVersion: { min: "tls1.2", max: "tls1.3" } },
  { tlsCipherSuites: ["TLS_AES_128_GCM_SHA256"] },
  { tlsAuth: [{ cert: "…", key: "…", domains: ["*.test"], password: "x" }] },
  { summaryTrendStats: ["p(99.99)", "count", "p(0)", "p(100)"] },
  { setupTimeout: "1d2h3m4.5s", teardownTimeout: 5 },
  { stages: [{ duration: 1000, target: "3" }, { duration: "1m", target: 0 }] },
  { executionSegment: "25%:0.5", executionSegmentSequence: "0,1/4,1/2,1" },
  { systemTags: ["nobody_knows_this_one"] },
];

Deno.test("what is right is accepted", () => {
  for (const script of ACCEPTED) {
    run({ script, notForRun: true });
  }
  run({ flags: { localIPs: "10.0.0.1,10.0.0.5-10.0.0.9,fd00::/64" }, notForRun: true });
  assertEquals(textList.fromText!("a, b"), ["a", "b"]);
  assertEquals(text.fromText!(""), "");
});

/** Values that a script may well put somewhere, right or wrong. */
const ANYTHING = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.integer(),
  fc.constantFrom("1s", "10s:5", "p(95)<5", -1, NaN, Infinity, 1e300, [], {}, [null], { a: null }, () => {}, undefined),
);
const SCENARIO = fc.oneof(
  ANYTHING,
  fc.dictionary(
    fc.constantFrom("executor", "vus", "duration", "stages", "rate", "preAllocatedVUs", "exec", "env", "startTime"),
    fc.oneof(
      ANYTHING,
      fc.constantFrom("ramping-vus", "constant-vus", "constant-arrival-rate", "externally-controlled"),
    ),
  ),
);
const OBJECT = fc.dictionary(
  fc.constantFrom(...OPTIONS.map(({ key }) => key), "nonsense", "__proto__", "constructor"),
  fc.oneof(ANYTHING, fc.dictionary(fc.string(), SCENARIO)),
);

Deno.test("whatever a script, a configuration file and the environment hold: options, or mistakes for the user", () => {
  const variables = OPTIONS.flatMap(({ env }) => env ?? []);
  const env = fc.dictionary(fc.constantFrom(...variables), fc.oneof(fc.string(), fc.constantFrom("1", "1s", "a:b")));
  fc.assert(
    fc.property(OBJECT, fc.oneof(OBJECT, ANYTHING), env, (config, script, env) => {
      try {
        run({ config, script, env });
      } catch (error) {
        if (!(error instanceof OptionsError)) throw error;
      }
    }),
    { numRuns: 2000 },
  );
});
