/** The REST API's answers, with a run of its own making. */

import { assertEquals, assertMatch } from "@std/assert";
import { answer } from "../../src/control/api.ts";
import { ControlError, type ControlledRun } from "../../src/control/controlled_run.ts";
import { parseAddress } from "../../src/control/server.ts";
import { RunFixture } from "../summary/support/run_fixture.ts";

class FakeRun implements ControlledRun {
  readonly fixture = new RunFixture("compact", { own: "trend" }, { "own{a:b}": ["max<1"] });
  readonly asked: unknown[] = [];
  phase: ControlledRun["phase"] = "running";
  isPaused = false;
  isStopped = false;
  isTainted = false;
  counts = { active: 2, initialized: 5 };
  durationMs = 2000;
  setupJson: string | undefined;
  readonly registry = this.fixture.registry;

  get rootGroup() {
    return this.fixture.finish().rootGroup;
  }

  taintOf(name: string): boolean | null {
    return name === "own{a:b}" ? true : null;
  }

  pause(): void {
    throw new ControlError("not now");
  }

  resume(): void {
    this.asked.push("resume");
    this.isPaused = false;
  }

  scale(wanted: unknown): void {
    this.asked.push(wanted);
  }

  stop(): void {
    this.asked.push("stop");
    this.isStopped = true;
  }

  replaceSetupData(json: string): void {
    this.setupJson = json;
  }

  callSetup(): Promise<void> {
    this.setupJson = "[1]";
    return Promise.resolve();
  }

  callTeardown(): Promise<void> {
    return Promise.reject(new ControlError("teardown() failed"));
  }
}

async function ask(run: ControlledRun, method: string, path: string, body?: unknown, headers: HeadersInit = {}) {
  const text = body === undefined ? null : typeof body === "string" ? body : JSON.stringify(body);
  const response = await answer(new Request(`http://localhost${path}`, { method, body: text, headers }), run);
  const answered = await response.text();
  return { status: response.status, headers: response.headers, text: answered, json: () => JSON.parse(answered) };
}

const change = (attributes: unknown) => ({ data: { type: "status", id: "default", attributes } });

Deno.test("the status has k6's attributes", async () => {
  const { json } = await ask(new FakeRun(), "GET", "/v1/status");
  assertEquals(json(), {
    data: {
      type: "status",
      id: "default",
      attributes: {
        status: 7,
        paused: false,
        vus: 2,
        "vus-max": 5,
        stopped: false,
        running: true,
        tainted: false,
      },
    },
  });
});

Deno.test("metrics and sub-metrics with samples are listed, and found by their names", async () => {
  const run = new FakeRun();
  run.fixture.add("own", { a: "b" }, 4);
  run.fixture.add("iterations", {}, 6);
  run.fixture.finish();
  const { json } = await ask(run, "GET", "/v1/metrics");
  assertEquals(json().data.map(({ id }: { id: string }) => id), ["iterations", "own", "own{a:b}"]);
  const one = await ask(run, "GET", `/v1/metrics/${encodeURIComponent("own{a:b}")}`);
  assertEquals(one.json().data.attributes, {
    type: "trend",
    contains: "default",
    tainted: true,
    sample: { avg: 4, max: 4, med: 4, min: 4, "p(90)": 4, "p(95)": 4 },
  });
  assertEquals((await ask(run, "GET", "/v1/metrics/iterations")).json().data.attributes.sample, { count: 6, rate: 3 });
});

Deno.test("groups refer to one another by their ids", async () => {
  const run = new FakeRun();
  run.fixture.add("checks", { group: "::outer::inner", check: "fine" }, 1);
  const [root, outer, inner] = (await ask(run, "GET", "/v1/groups")).json().data;
  assertEquals(root.id, "d41d8cd98f00b204e9800998ecf8427e");
  assertEquals(root.relationships.parent, { data: null });
  assertEquals(outer.relationships, {
    groups: { data: [{ type: "groups", id: inner.id }] },
    parent: { data: { type: "groups", id: root.id } },
  });
  assertEquals(inner.attributes.checks[0].passes, 1);
  assertEquals((await ask(run, "GET", `/v1/groups/${inner.id}`)).json().data.attributes.path, "::outer::inner");
});

Deno.test("a change of the status stops, resumes or scales", async () => {
  const run = new FakeRun();
  run.isPaused = true;
  const { json } = await ask(run, "PATCH", "/v1/status", change({ paused: false, vus: 3, "vus-max": null }));
  assertEquals(json().data.attributes.paused, false);
  assertEquals((await ask(run, "PATCH", "/v1/status", change({ stopped: true }))).json().data.attributes.stopped, true);
  assertEquals(run.asked, [{ vus: 3 }, "resume", "stop"]);
});

Deno.test("setup data can be read, replaced and made", async () => {
  const run = new FakeRun();
  assertEquals((await ask(run, "GET", "/v1/setup")).json().data.attributes, { data: null });
  const put = await ask(run, "PUT", "/v1/setup", { data: { attributes: { data: { token: 1 } } } });
  assertEquals(put.json().data.attributes, { data: { token: 1 } });
  assertEquals((await ask(run, "POST", "/v1/setup")).json().data.attributes, { data: [1] });
});

const REFUSED: readonly (readonly [method: string, path: string, body: unknown, status: number, detail: RegExp])[] = [
  ["GET", "/v2", undefined, 404, /nothing at \/v2/],
  ["GET", "/v1/metrics/none", undefined, 404, /No metric with that ID was found/],
  ["GET", "/v1/metrics/%E0%A4", undefined, 400, /not a well-formed part of a URL/],
  ["DELETE", "/v1/status", undefined, 405, /use GET, PATCH/],
  ["PATCH", "/v1/status", "{", 400, /the body is not JSON/],
  ["PATCH", "/v1/status", [], 400, /the body must be like/],
  ["PATCH", "/v1/status", change({ stopped: "yes" }), 400, /"stopped" must be true or false, got "yes"/],
  ["PATCH", "/v1/status", change({ vus: "3" }), 400, /"vus" must be a number, got "3"/],
  ["PATCH", "/v1/status", change({ paused: true }), 409, /not now/],
  ["POST", "/v1/teardown", undefined, 409, /teardown\(\) failed/],
];

for (const [method, path, body, status, detail] of REFUSED) {
  Deno.test(`refused: ${method} ${path} ${JSON.stringify(body) ?? ""}`, async () => {
    const run = new FakeRun();
    const response = await ask(run, method, path, body);
    const [error] = response.json().errors;
    assertEquals([response.status, error.status], [status, String(status)]);
    assertMatch(error.detail, detail);
    assertEquals(run.asked, []);
  });
}

Deno.test("requests of web pages are not answered", async () => {
  const run = new FakeRun();
  const { status } = await ask(run, "POST", "/v1/setup", undefined, { origin: "http://elsewhere.example" });
  assertEquals([status, run.setupJson], [403, undefined]);
});

Deno.test("addresses are host and port", () => {
  assertEquals(parseAddress("localhost:6565"), { hostname: "localhost", port: 6565 });
  assertEquals(parseAddress("[::1]:0"), { hostname: "::1", port: 0 });
  assertEquals(parseAddress(":80"), { hostname: "localhost", port: 80 });
});

Deno.test("a method that is a property of every object is none of the API's", async () => {
  assertEquals((await ask(new FakeRun(), "toString", "/v1/status")).status, 405);
});

Deno.test("a body that ends in the middle is a bad request", async () => {
  const body = new ReadableStream({ start: (controller) => controller.error(new Error("the client went away")) });
  const { status } = await answer(new Request("http://localhost/v1/status", { method: "PATCH", body }), new FakeRun());
  assertEquals(status, 400);
});
