/** Scenarios, end to end: how many iterations run, where, when and with what, whatever the number of worker threads. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { RemoteWriteReceiver } from "../support/remote_write_receiver.ts";
import { consoleMessages, K6dProcess, runSuccessfully, summaryCount, summaryRow } from "./support/k6d.ts";

interface ExecutorCase {
  readonly scenario: Record<string, unknown>;
  /** Number of iterations, and how many more there may be. */
  readonly iterations: number;
  readonly atMostMore?: number;
  /** Virtual users that run them, where it is certain. */
  readonly vus?: number;
}

const EXECUTORS: readonly ExecutorCase[] = [
  { scenario: { executor: "shared-iterations", vus: 5, iterations: 13 }, iterations: 13 },
  { scenario: { executor: "per-vu-iterations", vus: 5, iterations: 2 }, iterations: 10, vus: 5 },
  // Each user starts after 0, 0.4 and 0.8 s.
  { scenario: { executor: "constant-vus", vus: 5, duration: "1s" }, iterations: 15, vus: 5 },
  {
    scenario: { executor: "constant-arrival-rate", rate: 30, duration: "1s", preAllocatedVUs: 20 },
    iterations: 30,
    atMostMore: 1,
  },
  {
    scenario: {
      executor: "ramping-vus",
      startVUs: 0,
      stages: [{ duration: 0, target: 5 }, { duration: "1s", target: 5 }],
    },
    iterations: 15,
    vus: 5,
  },
  {
    scenario: { executor: "ramping-arrival-rate", stages: [{ duration: "1s", target: 60 }], preAllocatedVUs: 20 },
    iterations: 30,
  },
  {
    scenario: { executor: "externally-controlled", vus: 5, duration: "1s", gracefulStop: "1s" },
    iterations: 15,
    vus: 5,
  },
];

for (const executor of EXECUTORS) {
  Deno.test(`${executor.scenario.executor} on 1, 2 and 3 workers: the right iterations, each numbered once`, async () => {
    await Promise.all([1, 2, 3].map((workers) => assertIterations(executor, workers)));
  });
}

async function assertIterations(executor: ExecutorCase, workers: number): Promise<void> {
  const { scenario, iterations, atMostMore = 0, vus } = executor;
  const result = await runSuccessfully({
    files: `import exec from "k6/execution";
import { sleep } from "k6";
export const options = { scenarios: { one: ${JSON.stringify(scenario)} } };
export default function () {
  console.log(exec.scenario.iterationInTest + " " + exec.vu.idInTest + " " + exec.vu.iterationInScenario);
  sleep(0.4);
}`,
    args: ["run", "--quiet", "--workers", `${workers}`, "script.js"],
  });
  const seen = consoleMessages(result).map((message) => message.split(" ").map(Number) as [number, number, number]);
  // A machine that stalls at the end of an arrival rate leaves the last start out, and says so.
  const due = seen.length + summaryCount(result, "dropped_iterations");
  assert(due >= iterations && due <= iterations + atMostMore, `${due} on ${workers} workers`);
  const numbers = seen.map(([inTest]) => inTest).sort((a, b) => a - b);
  assertEquals(numbers, Array.from(seen, (_, index) => index));
  const ids = new Set(seen.map(([, vu]) => vu));
  if (vus !== undefined) assertEquals([...ids].sort(), Array.from({ length: vus }, (_, index) => index + 1));
  for (const id of ids) {
    const own = seen.filter(([, vu]) => vu === id).map(([, , inScenario]) => inScenario);
    assertEquals(own, Array.from(own, (_, index) => index), `iterations of virtual user ${id}`);
  }
  assertMatch(summaryRow(result, "iterations")!, RegExp(`^${seen.length} `));
}

Deno.test("the instances of an execution segment sequence run the test together, each iteration once", async () => {
  const files = `import exec from "k6/execution";
export const options = { scenarios: {
  shared: { executor: "shared-iterations", vus: 4, iterations: 11 },
  rate: { executor: "constant-arrival-rate", rate: 20, duration: "1s", preAllocatedVUs: 6, maxVUs: 6 },
  each: { executor: "per-vu-iterations", vus: 7, exec: "each" },
} };
export default function () { console.log(exec.scenario.name + exec.scenario.iterationInTest); }
export function each() { console.log("user" + exec.vu.idInTest); }`;
  const flags = ["--execution-segment-sequence", "0,1/3,1", "--workers", "2"];
  const runs = await Promise.all(
    ["0:1/3", "1/3:1"].map((segment) =>
      runSuccessfully({ files, args: ["run", "--quiet", "--execution-segment", segment, ...flags, "script.js"] })
    ),
  );
  const seen = runs.flatMap(consoleMessages);
  const numbers = (name: string) =>
    seen.filter((line) => line.startsWith(name)).map((line) => Number(line.slice(name.length))).sort((a, b) => a - b);
  assertEquals(numbers("shared"), Array.from({ length: 11 }, (_, n) => n));
  // How many of those due at the very end still start is the machine's business; the numbers have no gap but there.
  const rate = numbers("rate");
  assert(rate.length === 21 || rate.length === 20, `${rate}`);
  assertEquals(new Set(numbers("user")).size, 7);
});

Deno.test("a paused test waits; a signal ends it without an iteration", async () => {
  await using run = await K6dProcess.start({
    files: `export default function () { console.log("iteration"); }
export function setup() { console.log("setup"); }`,
    args: ["run", "--paused", "script.js"],
  });
  await run.logged(/the test is paused/);
  run.signal("SIGINT");
  const result = await run.ended();
  assertEquals(result.code, 105, result.stderr);
  assertEquals(consoleMessages(result), []);
});

Deno.test("scenarios have their own function, start, variables and tags", async () => {
  await using receiver = new RemoteWriteReceiver();
  const result = await runSuccessfully({
    files: `import exec from "k6/execution";
export const options = { scenarios: {
  late: { executor: "per-vu-iterations", vus: 2, exec: "buy", startTime: "500ms", env: { WHO: "buyer" }, tags: { kind: "b" } },
  early: { executor: "shared-iterations", iterations: 2, env: { WHO: "reader" } },
} };
const tell = (what) => {
  const sinceStart = Date.now() - exec.scenario.startTime;
  console.log([what, __ENV.WHO, __ENV.BASE, exec.scenario.name, exec.scenario.executor, sinceStart < 300].join(" "));
};
export default function () { tell("read"); }
export function buy() { tell("buy"); }`,
    args: ["run", "--quiet", "-o", `prometheus-rw=${receiver.url}`, "-e", "BASE=b", "-e", "WHO=nobody", "script.js"],
  });
  assertEquals(consoleMessages(result), [
    "read reader b early shared-iterations true",
    "read reader b early shared-iterations true",
    "buy buyer b late per-vu-iterations true",
    "buy buyer b late per-vu-iterations true",
  ]);
  assert(result.durationMs >= 500);
  const kinds = receiver.samples("k6_iterations_total").filter(({ value }) => value === 2)
    .map(({ labels }) => `${labels.scenario} ${labels.kind}`);
  assertEquals(kinds.sort(), ["early undefined", "late b"]);
});

Deno.test("an iteration that outlasts gracefulStop is interrupted: counted apart, no finally, no metric", async () => {
  const result = await runSuccessfully({
    files: `import { sleep } from "k6";
export const options = { scenarios: {
  slow: { executor: "per-vu-iterations", vus: 3, maxDuration: "1s", gracefulStop: "100ms" },
  quick: { executor: "constant-vus", vus: 1, duration: "1s", gracefulStop: "1s", exec: "quick" },
} };
export default function () { try { sleep(60); } finally { console.log("finally"); } }
export function quick() { sleep(0.3); }`,
    args: ["run", "script.js"],
  });
  assertEquals(consoleMessages(result), []);
  assertMatch(result.stdout, /4 complete and 3 interrupted iterations/);
  assertMatch(summaryRow(result, "iterations")!, /^4 /);
  assertMatch(result.stdout, /slow +✗/);
  assertMatch(result.stdout, /quick +✓/);
});

Deno.test("shared iterations that nobody got to are dropped, and counted as such", async () => {
  const result = await runSuccessfully({
    files: `import { sleep } from "k6";
export const options = {
  scenarios: { s: { executor: "shared-iterations", vus: 2, iterations: 10, maxDuration: "1s", gracefulStop: "2s" } },
};
export default function () { sleep(0.7); }`,
  });
  assertMatch(summaryRow(result, "iterations")!, /^4 /);
  assertMatch(summaryRow(result, "dropped_iterations")!, /^6 /);
});

Deno.test("an arrival rate with too few virtual users drops iterations and warns once", async () => {
  const result = await runSuccessfully({
    files: `import { sleep } from "k6";
export const options = {
  scenarios: { busy: { executor: "constant-arrival-rate", rate: 20, duration: "1s", preAllocatedVUs: 1, maxVUs: 2 } },
};
export default function () { sleep(0.9); }`,
  });
  const dropped = Number(/^\d+/.exec(summaryRow(result, "dropped_iterations")!)![0]);
  assert(dropped >= 15 && dropped <= 18, `${dropped} dropped`);
  assertEquals(result.stderr.match(/Insufficient VUs, reached 2 active VUs and cannot initialize more/g)?.length, 1);
});

Deno.test("an iteration that throws counts as complete, and its virtual user goes on", async () => {
  const result = await runSuccessfully({
    files: `export const options = { scenarios: { s: { executor: "per-vu-iterations", iterations: 3 } } };
let calls = 0;
export default function () {
  calls++;
  if (calls === 2) throw new Error("second");
  console.log("call " + calls);
}`,
  });
  assertEquals(consoleMessages(result), ["call 1", "call 3"]);
  assertMatch(summaryRow(result, "iterations")!, /^3 /);
});
