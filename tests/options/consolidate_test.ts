import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { consolidate, type OptionLayers } from "../../src/options/consolidate.ts";
import { OptionsError } from "../../src/options/options_error.ts";
import { OPTIONS } from "../../src/options/table.ts";

function run(layers: Partial<OptionLayers>) {
  return consolidate({ script: undefined, env: {}, flags: {}, exportedFunctions: ["default"], ...layers });
}

function messageOf(layers: Partial<OptionLayers>): string {
  return assertThrows(() => run(layers), OptionsError).message;
}

const COMMON = { name: "default", startTimeMs: 0, gracefulStopMs: 30_000, exec: "default", env: {}, tags: {} };

Deno.test("without options a test is one iteration on one virtual user", () => {
  const { options, warnings } = run({});
  assertEquals(options.scenarios, [
    { ...COMMON, executor: "per-vu-iterations", vus: 1, iterations: 1, maxDurationMs: 600_000 },
  ]);
  assertEquals(warnings, []);
  assertEquals(options.systemTags.includes("expected_response"), true);
  assertEquals(options.maxRedirects, 10);
});

const SHORTCUTS: readonly (readonly [string, unknown, unknown])[] = [
  ["iterations", { iterations: 4 }, { executor: "shared-iterations", vus: 1, iterations: 4, maxDurationMs: 600_000 }],
  ["iterations and duration", { vus: 2, iterations: 4, duration: "5s" }, {
    executor: "shared-iterations",
    vus: 2,
    iterations: 4,
    maxDurationMs: 5_000,
  }],
  ["duration", { vus: "3", duration: 2_000 }, { executor: "constant-vus", vus: 3, durationMs: 2_000 }],
  ["vus alone", { vus: 3 }, { executor: "shared-iterations", vus: 3, iterations: 3, maxDurationMs: 600_000 }],
  ["empty text for numbers", { vus: "", iterations: 2 }, {
    executor: "shared-iterations",
    vus: 1,
    iterations: 2,
    maxDurationMs: 600_000,
  }],
];

for (const [name, script, scenario] of SHORTCUTS) {
  Deno.test(`shortcut: ${name}`, () => {
    assertEquals(run({ script }).options.scenarios, [{ ...COMMON, ...scenario as object }] as never);
  });
}

Deno.test("a scenario of constant arrival rate takes maxVUs from preAllocatedVUs", () => {
  const script = {
    scenarios: {
      s: {
        executor: "constant-arrival-rate",
        rate: 200,
        timeUnit: "2s",
        duration: "1m",
        preAllocatedVUs: 100,
        startTime: "1s",
      },
    },
  };
  assertEquals(run({ script }).options.scenarios, [{
    ...COMMON,
    name: "s",
    startTimeMs: 1_000,
    executor: "constant-arrival-rate",
    rate: 200,
    timeUnitMs: 2_000,
    durationMs: 60_000,
    preAllocatedVus: 100,
    maxVus: 100,
  }]);
});

const STAGE = { duration: "1s", target: 2 };

function scenario(given: Record<string, unknown>): Parameters<typeof run>[0] {
  return { script: { scenarios: { s: given } } };
}

const MISTAKES: readonly (readonly [name: string, layers: Partial<OptionLayers>, parts: readonly string[]])[] = [
  ["options that are no object", { script: [1] }, ["the exported options must be an object"]],
  ["wrong types, all named", { script: { vus: "many", noSetup: "yes", tags: { a: 1 } } }, [
    `option "vus": expected a whole number, got the string "many"`,
    `option "noSetup": expected true or false, got the string "yes"`,
    `option "tags": expected a string at "a", got 1`,
  ]],
  ["a fraction of a user", { script: { vus: 1.5 } }, ["expected a whole number, got 1.5"]],
  ["a bad duration", { script: { duration: "fails" } }, [`option "duration": invalid duration "fails"`]],
  ["a bad duration in the environment", { env: { K6_DURATION: "fails" } }, [
    "envconfig.Process: K6_DURATION",
    "invalid duration",
  ]],
  ["a duration of nothing", { script: { duration: "0s" } }, ["`duration` must be more than 0"]],
  ["a short duration", { script: { duration: "400ms" } }, ["the duration must be at least 1s, but is 400ms"]],
  ["no users", { script: { vus: 0, duration: "1s" } }, ["the number of VUs must be more than 0"]],
  ["fewer iterations than users", { flags: { vus: 5, iterations: 2 } }, [
    "the number of iterations (2) can't be less than the number of VUs (5)",
  ]],
  ["iterations and stages", { script: { iterations: 1, stages: [] } }, ["`iterations` and `stages`"]],
  ["duration and scenarios", { script: { duration: "1s", scenarios: {} } }, ["`duration` and `scenarios`"]],
  ["a malformed stage", { env: { K6_STAGES: "10s" } }, ["duration:target"]],
  ["an unknown executor", { script: { scenarios: { s: { executor: "variable-looping-vus" } } } }, [
    `specified executor type "variable-looping-vus"`,
    "constant-vus",
  ]],
  ["no executor", { script: { scenarios: { s: {} } } }, ["the executor is not specified"]],
  ["a bad scenario name", { script: { scenarios: { "a b": { executor: "per-vu-iterations" } } } }, [
    "scenario a b has configuration errors",
    "letters, digits",
  ]],
  ["several scenarios with several mistakes", {
    script: {
      scenarios: {
        s: { executor: "constant-vus", vus: 0, duration: "0s" },
        r: { executor: "constant-arrival-rate", rate: 0, preAllocatedVUs: 0, duration: "5s" },
      },
    },
  }, [
    "scenario s has configuration errors: the number of VUs must be more than 0; the duration must be at least 1s, but is 0s",
    "scenario r has configuration errors: the iteration rate must be more than 0",
  ]],
  ["missing fields", { script: { scenarios: { s: { executor: "constant-arrival-rate" } } } }, [
    "the iteration rate isn't specified",
    "the duration is unspecified",
    "the number of preAllocatedVUs isn't specified",
  ]],
  ["too few maxVUs", {
    script: {
      scenarios: { s: { executor: "constant-arrival-rate", rate: 1, duration: "1s", preAllocatedVUs: 5, maxVUs: 2 } },
    },
  }, ["maxVUs (2) can't be less than preAllocatedVUs (5)"]],
  ["an unknown scenario field", { script: { scenarios: { s: { executor: "per-vu-iterations", iteration: 3 } } } }, [
    `unknown field "iteration"; did you mean iterations?`,
  ]],
  ["negative times", {
    script: { scenarios: { s: { executor: "per-vu-iterations", startTime: "-1s", gracefulStop: "-1s" } } },
  }, ["the startTime can't be negative; the gracefulStop timeout can't be negative"]],
  ["a wrong type in a scenario", { script: { scenarios: { s: { executor: "per-vu-iterations", vus: [] } } } }, [
    "vus: expected a whole number, got an array",
  ]],
  ["ramping-vus without stages", scenario({ executor: "ramping-vus" }), ["at least one stage has to be specified"]],
  ["ramping-vus with no stage in its stages", scenario({ executor: "ramping-vus", stages: [] }), [
    "at least one stage",
  ]],
  ["a stage without duration", scenario({ executor: "ramping-vus", stages: [{ target: 1 }] }), [
    "stage 1 doesn't have a duration",
  ]],
  ["a stage without target", scenario({ executor: "ramping-vus", stages: [STAGE, { duration: "1s" }] }), [
    "stage 2 doesn't have a target",
  ]],
  ["a negative stage", scenario({ executor: "ramping-vus", stages: [{ duration: "-1s", target: 1 }] }), [
    "the duration for stage 1 can't be negative",
  ]],
  [
    "a negative target",
    scenario({ executor: "ramping-arrival-rate", preAllocatedVUs: 1, stages: [{ ...STAGE, target: -1 }] }),
    [
      "the target for stage 1 can't be negative",
    ],
  ],
  [
    "ramping-vus that never has any",
    scenario({ executor: "ramping-vus", startVUs: 0, stages: [{ ...STAGE, target: 0 }] }),
    [
      "either startVUs or the target of one of the stages must be more than 0",
    ],
  ],
  [
    "ramping-vus with far too many",
    scenario({ executor: "ramping-vus", stages: [{ ...STAGE, target: 100_000_001 }] }),
    [
      "the number of VUs can't be more than 100000000",
    ],
  ],
  [
    "negative startVUs and gracefulRampDown",
    scenario({
      executor: "ramping-vus",
      startVUs: -1,
      gracefulRampDown: "-1s",
      stages: [STAGE],
    }),
    ["the number of startVUs can't be negative; the gracefulRampDown timeout can't be negative"],
  ],
  ["ramping-arrival-rate without anything", scenario({ executor: "ramping-arrival-rate" }), [
    "at least one stage has to be specified",
    "the number of preAllocatedVUs isn't specified",
  ]],
  [
    "a negative startRate",
    scenario({ executor: "ramping-arrival-rate", startRate: -1, preAllocatedVUs: 1, stages: [STAGE] }),
    [
      "the startRate can't be negative",
    ],
  ],
  [
    "a timeUnit of nothing",
    scenario({ executor: "ramping-arrival-rate", timeUnit: 0, preAllocatedVUs: 1, stages: [STAGE] }),
    [
      "the timeUnit must be more than 0",
    ],
  ],
  ["externally-controlled without duration", scenario({ executor: "externally-controlled" }), [
    "the duration is unspecified; use 0 for a test that runs until it is stopped",
  ]],
  [
    "externally-controlled with too few maxVUs",
    scenario({ executor: "externally-controlled", vus: 2, maxVUs: 1, duration: 0 }),
    [
      "maxVUs (1) can't be less than the number of VUs (2)",
    ],
  ],
  ["a segment that is none", { script: { executionSegment: "2:3" } }, ['invalid part of a test "3"']],
  [
    "a segment outside of its sequence",
    { script: { executionSegment: "0:1/3", executionSegmentSequence: "0,1/2,1" } },
    [
      "the execution segment 0:1/3 is not part of the sequence 0,1/2,1",
    ],
  ],
  ["a function that isn't exported", {
    script: { scenarios: { s: { executor: "per-vu-iterations", exec: "nothere" } } },
  }, [
    "function 'nothere' not found in exports",
  ]],
  ["a lone threshold", { script: { thresholds: { checks: "rate>0" } } }, [`an array of thresholds for "checks"`]],
  ["a threshold without expression", { script: { thresholds: { checks: [{ abortOnFail: true }] } } }, ["{threshold,"]],
  ["an unknown trend stat", { script: { summaryTrendStats: ["avg", "p(101)"] } }, [`invalid trend stat "p(101)"`]],
  ["an unknown time unit", { script: { summaryTimeUnit: "h" } }, [`one of "", "s", "ms", "us"`]],
  ["a setup timeout of nothing", { script: { setupTimeout: 0 } }, [`option "setupTimeout": must be more than 0`]],
];

for (const [name, layers, parts] of MISTAKES) {
  Deno.test(`refused: ${name}`, () => {
    const message = messageOf(layers);
    for (const part of parts) assertStringIncludes(message, part);
  });
}

Deno.test("flags win over the environment, which wins over the script", () => {
  const { options } = run({
    script: { userAgent: "script", maxRedirects: 9, throw: true, tags: { a: "script", b: "script" } },
    env: { K6_USER_AGENT: "env", K6_MAX_REDIRECTS: "1" },
    flags: { userAgent: "flag", tags: { a: "flag" } },
  });
  assertEquals([options.userAgent, options.maxRedirects, options.throw], ["flag", 1, true]);
  assertEquals(options.tags, { a: "flag" });
});

Deno.test("the feature merge-run-tags merges the tags of all layers, and marks the samples", () => {
  const layers = {
    config: { tags: { a: "config", c: "config" } },
    script: { tags: { a: "script", b: "script" } },
    flags: { tags: { a: "flag" } },
  };
  assertEquals(run({ ...layers, features: ["merge-run-tags"] }).options.tags, {
    a: "flag",
    b: "script",
    c: "config",
    k6_feature_merge_run_tags: "true",
  });
});

Deno.test("a layer that plans the run drops the plan of the layers below", () => {
  const script = { vus: 2, scenarios: { s: { executor: "constant-vus", duration: "9s" } } };
  const { options, warnings } = run({ script: { scenarios: script.scenarios }, env: { K6_ITERATIONS: "3" } });
  assertEquals(options.scenarios.map((scenario) => scenario.executor), ["shared-iterations"]);
  assertEquals(warnings, [`"env" level configuration overrode scenarios configuration entirely`]);
  const other = run({ script: { vus: 2, duration: "9s" }, flags: { iterations: 4 } }).options.scenarios[0];
  assert(other?.executor === "shared-iterations" && other.vus === 2 && other.maxDurationMs === 600_000);
});

Deno.test("every executor has its defaults", () => {
  const stages = [{ duration: "1s", target: 2 }, { duration: 0, target: 1 }];
  const read = (given: Record<string, unknown>) => run({ script: { scenarios: { s: given } } }).options.scenarios[0];
  const base = { name: "s", startTimeMs: 0, gracefulStopMs: 30_000, exec: "default", env: {}, tags: {} };
  const readStages = [{ durationMs: 1000, target: 2 }, { durationMs: 0, target: 1 }];
  assertEquals(read({ executor: "ramping-vus", stages }), {
    ...base,
    executor: "ramping-vus",
    startVus: 1,
    stages: readStages,
    gracefulRampDownMs: 30_000,
  });
  assertEquals(read({ executor: "ramping-arrival-rate", stages, preAllocatedVUs: 3 }), {
    ...base,
    executor: "ramping-arrival-rate",
    startRate: 0,
    timeUnitMs: 1000,
    stages: readStages,
    preAllocatedVus: 3,
    maxVus: 3,
  });
  assertEquals(read({ executor: "externally-controlled", duration: 0 }), {
    ...base,
    gracefulStopMs: 0,
    executor: "externally-controlled",
    vus: 1,
    maxVus: 1,
    durationMs: Infinity,
  });
});

Deno.test("stages alone are ramping-vus that start with vus", () => {
  const { options } = run({ script: { vus: 3, stages: [{ duration: "500ms", target: 2 }] } });
  const [only] = options.scenarios;
  if (only?.executor !== "ramping-vus") throw new Error(`not ramping-vus but ${only?.executor}`);
  assertEquals([only.name, only.startVus, only.stages], ["default", 3, [{ durationMs: 500, target: 2 }]]);
});

Deno.test("vus alone replaces scenarios, with a warning", () => {
  const { options, warnings } = run({
    script: { scenarios: { s: { executor: "constant-vus", duration: "9s" } } },
    flags: { vus: 2 },
  });
  assertEquals(options.scenarios.map(({ name, executor }) => [name, executor]), [["default", "shared-iterations"]]);
  assertEquals(warnings, ["`vus=2` overrides scenarios configuration"]);
});

Deno.test("unknown fields are a warning that names them", () => {
  const { warnings } = run({ script: { iterations: 1, totallyUnknown: 5, maxRedirect: 3 } });
  assertEquals(warnings, [
    "There were unknown fields in the options exported in the script: totallyUnknown, maxRedirect (did you mean maxRedirects?)",
  ]);
});

Deno.test("an option that keeps load away, and can't be obeyed yet, is refused", () => {
  for (
    const script of [
      { rps: 5 },
      { hosts: { "a.test": "127.0.0.1" } },
      { blockHostnames: ["*.test"] },
      { blacklistIPs: ["10.0.0.0/8"] },
    ]
  ) {
    const [key] = Object.keys(script);
    assertStringIncludes(messageOf({ script }), `option "${key}" is not supported by k6d yet`);
  }
});

Deno.test("an option that has no effect yet is a warning, unless it asks for the default", () => {
  assertEquals(run({ script: { dns: { ttl: "1m" }, batch: 20, hosts: {} } }).warnings, [
    'option "dns" is not supported by k6d yet and has no effect',
  ]);
});

Deno.test("thresholds keep their order and get their defaults", () => {
  const script = {
    thresholds: {
      "http_req_duration{a:b}": ["p(95)<5", { threshold: "avg<1", delayAbortEval: "10s", abortOnFail: true }],
    },
  };
  assertEquals(run({ script }).options.thresholds, {
    "http_req_duration{a:b}": [
      { expression: "p(95)<5", abortOnFail: false, delayAbortEvalMs: 0 },
      { expression: "avg<1", abortOnFail: true, delayAbortEvalMs: 10_000 },
    ],
  });
});

Deno.test("exec.test.options has k6's keys, null where nothing is set", () => {
  const scenario = { executor: "constant-arrival-rate", rate: 1, duration: "90s", preAllocatedVUs: 1, exec: "default" };
  const remoteWrite = { url: "http://localhost:9090/api/v1/write" };
  const { asJson } = run({
    script: {
      scenarios: { s: scenario },
      thresholds: { checks: ["rate>=0"] },
      setupTimeout: 5000,
      prometheusRemoteWrite: remoteWrite,
    },
  }).options;
  assertEquals(asJson["thresholds"], { checks: ["rate>=0"] });
  assertEquals([asJson["paused"], asJson["maxRedirects"], asJson["setupTimeout"]], [null, null, "5s"]);
  assertEquals(asJson["prometheusRemoteWrite"], remoteWrite);
  const s = (asJson["scenarios"] as Record<string, Record<string, unknown>>)["s"]!;
  assertEquals(s["duration"], "1m30s");
  assertEquals(s["timeUnit"], null);
  assertEquals(
    Object.keys(s).sort().join(),
    "duration,env,exec,executor,gracefulStop,maxVUs,preAllocatedVUs,rate,startTime,tags,timeUnit",
  );
  for (const key of ["vus", "duration", "iterations", "stages", "remoteWrite"]) assertEquals(key in asJson, false);
});

Deno.test("the table names each key, flag and variable once", () => {
  for (
    const list of [
      OPTIONS.map((o) => o.key),
      OPTIONS.flatMap((o) => o.env ?? []),
      OPTIONS.flatMap((o) => o.flag?.name ?? []),
    ]
  ) {
    assertEquals(list.length, new Set(list).size);
  }
});
