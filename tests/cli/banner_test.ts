import { assertEquals } from "@std/assert";
import { describeScenario, inStartOrder, renderBanner, renderPlan } from "../../src/cli/banner.ts";
import {
  constantArrivalRate,
  constantVus,
  externallyControlled,
  perVuIterations,
  rampingArrivalRate,
  rampingVus,
  sharedIterations,
} from "./support/scenarios.ts";

Deno.test("scenarios are described in k6's words", () => {
  const cases = [
    [constantVus(), "10 looping VUs for 30s (gracefulStop: 30s)"],
    [constantVus({ gracefulStopMs: 0 }), "10 looping VUs for 30s"],
    [
      constantVus({ exec: "other", startTimeMs: 1500 }),
      "10 looping VUs for 30s (exec: other, startTime: 1.5s, gracefulStop: 30s)",
    ],
    [sharedIterations(), "4 iterations shared among 2 VUs (maxDuration: 10m0s, gracefulStop: 30s)"],
    [perVuIterations(), "5 iterations for each of 2 VUs (maxDuration: 10m0s, gracefulStop: 30s)"],
    [constantArrivalRate(), "200.00 iterations/s for 1h0m0s (maxVUs: 100-200, gracefulStop: 30s)"],
    [
      constantArrivalRate({ rate: 1, timeUnitMs: 3000, maxVus: 100 }),
      "0.33 iterations/s for 1h0m0s (maxVUs: 100, gracefulStop: 30s)",
    ],
    [rampingVus(), "Up to 20 looping VUs for 30s over 2 stages (gracefulRampDown: 30s, gracefulStop: 30s)"],
    [
      rampingVus({ startVus: 25, gracefulRampDownMs: 0 }),
      "Up to 25 looping VUs for 30s over 2 stages (gracefulStop: 30s)",
    ],
    [rampingArrivalRate(), "Up to 20.00 iterations/s for 30s over 2 stages (maxVUs: 5-50, gracefulStop: 30s)"],
    [externallyControlled(), "Externally controlled execution with 2 VUs, 10 max VUs, 30s"],
    [
      externallyControlled({ durationMs: Infinity }),
      "Externally controlled execution with 2 VUs, 10 max VUs, infinite duration",
    ],
  ] as const;
  for (const [scenario, text] of cases) assertEquals(describeScenario(scenario), text);
});

Deno.test("the plan says what will run", () => {
  const options = { scenarios: [sharedIterations()] };
  assertEquals(
    renderPlan({ script: "script.js", outputs: [], options }, false),
    `     execution: local
        script: script.js
        output: -

     scenarios: (100.00%) 1 scenario, 2 max VUs, 10m30s max duration (incl. graceful stop):
              * default: 4 iterations shared among 2 VUs (maxDuration: 10m0s, gracefulStop: 30s)

`,
  );
});

Deno.test("the plan lists outputs, the segment and scenarios by their start", () => {
  const scenarios = [
    constantVus({ name: "late", startTimeMs: 5000 }),
    constantVus({ name: "b", vus: 1 }),
    constantVus({ name: "a", vus: 2 }),
  ];
  const text = renderPlan(
    { script: "-", outputs: ["json (f)", "csv (g)"], options: { scenarios }, segment: 0.25 },
    false,
  );
  assertEquals(text.includes("        output: json (f), csv (g)\n"), true);
  assertEquals(text.includes("(25.00%) 3 scenarios, 13 max VUs, 1m5s max duration"), true);
  assertEquals(inStartOrder(scenarios).map((scenario) => scenario.name), ["a", "b", "late"]);
});

Deno.test("the banner is plain without colours", () => {
  assertEquals(renderBanner(false).includes("\x1b"), false);
  assertEquals(renderBanner(true).includes("\x1b[33m"), true);
});

Deno.test("a test without end has an infinite duration", () => {
  const options = { scenarios: [externallyControlled({ durationMs: Infinity }), constantVus({ name: "b" })] };
  const text = renderPlan({ script: "script.js", outputs: [], options }, false);
  assertEquals(text.includes("2 scenarios, 20 max VUs, infinite max duration"), true);
});
