import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { consolidate, type OptionLayers } from "../../src/options/consolidate.ts";
import { OptionsError } from "../../src/options/options_error.ts";
import fc from "fast-check";
import { bool, duration, integer, isUnset, type OptionKind, text } from "../../src/options/kinds.ts";
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

/** Options that no others depend on, of kinds that every layer can write. */
const PLAIN = OPTIONS.filter(({ key, kind, check, notInScript, env, flag }) =>
  [bool, integer, duration, text].includes(kind) && check === undefined && !notInScript && env !== undefined &&
  flag !== undefined && !["vus", "duration", "iterations"].includes(key)
);

function valueOf(kind: OptionKind): fc.Arbitrary<string | number | boolean> {
  if (kind === bool) return fc.boolean();
  return kind === text ? fc.stringMatching(/^[a-z]+$/) : fc.integer({ min: 0, max: 1e6 });
}

Deno.test("for every option and any set of layers the highest layer that sets it wins", () => {
  const layer = () => fc.record(Object.fromEntries(PLAIN.map(({ key, kind }) => [key, fc.option(valueOf(kind))])));
  fc.assert(
    fc.property(fc.tuple(layer(), layer(), layer(), layer()), ([config, script, inEnv, flags]) => {
      const env = PLAIN.flatMap(({ key, env }) => isUnset(inEnv[key]) ? [] : [[env!, `${inEnv[key]}`]]);
      const given = Object.entries(flags).filter(([, value]) => value !== null);
      const { merged } = run({
        config,
        script,
        env: Object.fromEntries(env),
        flags: Object.fromEntries(given),
        notForRun: true,
      });
      for (const { key, kind } of PLAIN) {
        const value = flags[key] ?? inEnv[key] ?? script[key] ?? config[key] ?? null;
        assertEquals(merged[key] ?? null, value !== null && kind.toJson ? kind.toJson(value as never) : value, key);
      }
    }),
    { numRuns: 200 },
  );
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

Deno.test("dns: k6's defaults hold for what isn't set, ttl is a duration or inf, and mistakes are named", () => {
  const dnsOf = (dns: unknown) => run({ script: { dns } }).options.dns;
  assertEquals(dnsOf(undefined), { ttlMs: 300_000, select: "random", policy: "preferIPv4" });
  assertEquals(dnsOf({ ttl: "inf", select: "first" }), { ttlMs: Infinity, select: "first", policy: "preferIPv4" });
  assertEquals(dnsOf({ ttl: 0, policy: "any" }), { ttlMs: 0, select: "random", policy: "any" });
  assertEquals(run({ env: { K6_DNS: "ttl=1m,select=roundRobin,policy=onlyIPv6" } }).options.dns, {
    ttlMs: 60_000,
    select: "roundRobin",
    policy: "onlyIPv6",
  });
  for (const dns of [{ ttl: "-1s" }, { ttl: "soon" }, { select: "last" }, { policy: "IPv4" }, { tll: "1m" }]) {
    assertStringIncludes(messageOf({ script: { dns } }), 'option "dns": ');
  }
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
