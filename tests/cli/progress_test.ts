import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  ProgressDisplay,
  type ProgressSnapshot,
  renderProgress,
  type ScenarioProgress,
} from "../../src/cli/progress.ts";
import {
  constantArrivalRate,
  constantVus,
  externallyControlled,
  perVuIterations,
  rampingArrivalRate,
  rampingVus,
  sharedIterations,
} from "./support/scenarios.ts";

function progressOf(fields: Partial<ScenarioProgress> = {}): ScenarioProgress {
  return {
    scenario: constantVus(),
    state: "running",
    elapsedMs: 5000,
    activeVus: 7,
    initializedVus: 10,
    completeIterations: 2,
    ...fields,
  };
}

function snapshotOf(scenarios: ScenarioProgress[], fields: Partial<ProgressSnapshot> = {}): ProgressSnapshot {
  return {
    phase: null,
    paused: false,
    elapsedMs: 5000,
    activeVus: 7,
    initializedVus: 10,
    completeIterations: 123,
    interruptedIterations: 0,
    scenarios,
    ...fields,
  };
}

Deno.test("without a terminal percentages take the place of bars", () => {
  const done = progressOf({
    scenario: sharedIterations({ vus: 1, iterations: 2 }),
    state: "done",
    elapsedMs: 200,
    completeIterations: 2,
  });
  const fields = { elapsedMs: 200, activeVus: 0, initializedVus: 1, completeIterations: 2 };
  assertEquals(renderProgress(snapshotOf([done], fields), null, false), [
    "running (00m00.2s), 0/1 VUs, 2 complete and 0 interrupted iterations",
    "default ✓ [ 100% ] 1 VUs  00m00.2s/10m0s  2/2 shared iters",
  ]);
});

Deno.test("each executor has its own figures to the right", () => {
  const cases: [Partial<ScenarioProgress>, string][] = [
    [{}, "default   [  16% ] 10 VUs  05.0s/30s"],
    [{ elapsedMs: 31_000, state: "stopping" }, "default ↓ [ 100% ] 10 VUs  30s"],
    [
      { scenario: sharedIterations({ iterations: 100 }) },
      "default   [   2% ] 2 VUs  00m05.0s/10m0s  002/100 shared iters",
    ],
    [{ scenario: perVuIterations() }, "default   [  20% ] 2 VUs  00m05.0s/10m0s  02/10 iters, 5 per VU"],
    [{ scenario: constantArrivalRate() }, "default   [   0% ] 007/010 VUs  0h00m05.0s/1h0m0s  200.00 iters/s"],
    [{ scenario: rampingVus() }, "default   [  16% ] 07/20 VUs  05.0s/30s"],
    [{ scenario: rampingArrivalRate() }, "default   [  16% ] 07/10 VUs  05.0s/30s  15.00 iters/s"],
    [{ scenario: externallyControlled() }, "default   [  16% ] 07/10 VUs  05.0s/30s"],
    [{ scenario: externallyControlled({ durationMs: Infinity }) }, "default   [   0% ] 07/10 VUs  5s"],
    [
      { scenario: constantVus({ startTimeMs: 15_000 }), state: "waiting", elapsedMs: -9300 },
      "default • [   0% ] waiting  -09.3s",
    ],
    [{ state: "interrupted" }, "default ✗ [  16% ] 10 VUs  05.0s/30s"],
  ];
  for (const [fields, line] of cases) {
    assertEquals(renderProgress(snapshotOf([progressOf(fields)]), null, false)[1], line);
  }
});

Deno.test("bars and columns of several scenarios stand below one another", () => {
  const scenarios = [
    progressOf({ scenario: constantVus({ name: "second", startTimeMs: 10_000 }), state: "waiting", elapsedMs: -5000 }),
    progressOf({ scenario: constantArrivalRate({ name: "a", durationMs: 10_000 }) }),
    progressOf({ scenario: sharedIterations({ name: "b", vus: 4 }), completeIterations: 4, state: "done" }),
  ];
  assertEquals(renderProgress(snapshotOf(scenarios), 110, false), [
    "running (00m05.0s), 07/10 VUs, 123 complete and 0 interrupted iterations",
    "a        [==================>-------------------] 007/010 VUs  05.0s/10s       200.00 iters/s",
    "b      ✓ [======================================] 4 VUs        00m05.0s/10m0s  4/4 shared iters",
    "second • [--------------------------------------] waiting      -05.0s",
  ]);
});

Deno.test("bars shrink with the terminal, give way to percentages, and lines are cut at last", () => {
  const snapshot = snapshotOf([progressOf()]);
  const second = (columns: number) => renderProgress(snapshot, columns, false)[1];
  assertEquals(second(48), "default   [==>---------------] 10 VUs  05.0s/30s");
  assertEquals(second(36), "default   [>-----] 10 VUs  05.0s/30s");
  assertEquals(second(35), "default   [  16% ] 10 VUs  05.0s/3…");
  assertEquals(second(20), "default   [  16% ] …");
});

Deno.test("long names are shortened", () => {
  const line = renderProgress(
    snapshotOf([progressOf({ scenario: constantVus({ name: "n".repeat(40) }) })]),
    null,
    false,
  )[1]!;
  assertEquals(line.startsWith(`${"n".repeat(29)}…   [`), true);
});

Deno.test("a phase has a bar of its own instead of the running line", () => {
  const waiting = progressOf({ elapsedMs: 0, state: "running" });
  const lines = renderProgress(
    snapshotOf([waiting], { phase: { label: "Init", text: "5/10 VUs initialized", fraction: 0.5 } }),
    null,
    false,
  );
  assertEquals(lines, [
    "Init      [  50% ] 5/10 VUs initialized",
    "default   [   0% ] 10 VUs                00.0s/30s",
  ]);
});

Deno.test("a paused test says so", () => {
  assert(
    renderProgress(snapshotOf([progressOf()], { paused: true }), null, false)[0]!.startsWith("paused (0m05.0s), "),
  );
});

// deno-lint-ignore no-control-regex
const strip = (text: string) => text.replace(/\x1b\[[\d;]*m/g, "");

Deno.test("property: no line is wider than the terminal, and colours change nothing but colour", () => {
  const scenario = fc.oneof(
    fc.record({ name: fc.string({ minLength: 1, maxLength: 50 }), vus: fc.integer({ min: 1, max: 1e6 }) }).map(
      constantVus,
    ),
    fc.record({ iterations: fc.integer({ min: 1, max: 1e9 }) }).map(sharedIterations),
    fc.record({ vus: fc.integer({ min: 1, max: 1e4 }) }).map(perVuIterations),
    fc.record({ rate: fc.integer({ min: 1, max: 1e6 }), startTimeMs: fc.integer({ min: 0, max: 1e6 }) }).map(
      constantArrivalRate,
    ),
  );
  const progress = fc.record({
    scenario,
    state: fc.constantFrom<ScenarioProgress["state"]>("waiting", "running", "stopping", "interrupted", "done"),
    elapsedMs: fc.integer({ min: -1e7, max: 1e9 }),
    activeVus: fc.nat(),
    initializedVus: fc.nat(),
    completeIterations: fc.nat(),
  });
  fc.assert(
    fc.property(fc.array(progress, { maxLength: 5 }), fc.integer({ min: 1, max: 200 }), (scenarios, columns) => {
      const plain = renderProgress(snapshotOf(scenarios), columns, false);
      for (const line of plain) assert(line.length <= columns, line);
      assertEquals(renderProgress(snapshotOf(scenarios), columns, true).map(strip), plain);
    }),
  );
});

/** A terminal that understands what the display writes: text, line ends, going up, clearing to the end. */
class FakeTerminal {
  columns = 100;
  rows = 24;
  writes = 0;
  lines: string[] = [""];

  write(text: string): void {
    this.writes++;
    // deno-lint-ignore no-control-regex
    for (const part of strip(text).split(/(\n|\r|\x1b\[\d+A|\x1b\[J)/)) {
      const up = /(\d+)A$/.exec(part);
      if (part === "\n") this.lines.push("");
      else if (part === "\r") continue;
      else if (up !== null) this.#rowsUp = Number(up[1]);
      else if (part.endsWith("[J")) this.#clear();
      else this.lines[this.lines.length - 1] += part;
    }
  }

  size = () => ({ columns: this.columns, rows: this.rows });
  #rowsUp = 0;

  /** Removes as many rows as the cursor went up, counting what the terminal has wrapped. */
  #clear(): void {
    let left = this.#rowsUp + 1;
    while (left > 0) left -= Math.max(1, Math.ceil(this.lines.pop()!.length / this.columns));
    assertEquals(left, 0, "the display cleared a part of a line");
    this.lines.push("");
  }
}

function displayOn(terminal: FakeTerminal, interactive = true) {
  const state = { completeIterations: 0 };
  const display = new ProgressDisplay({
    snapshot: () => snapshotOf([progressOf()], state),
    writer: terminal,
    interactive,
    color: true,
    size: terminal.size,
  });
  return { display, state };
}

const headline = (n: number) => `running (0m05.0s), 07/10 VUs, ${n} complete and 0 interrupted iterations`;
const BAR = "default   [=====>--------------------------------] 10 VUs  05.0s/30s";

Deno.test("the display is redrawn in place and leaves its last state standing", () => {
  const terminal = new FakeTerminal();
  const { display, state } = displayOn(terminal);
  terminal.write("before\n");
  display.start();
  state.completeIterations = 1;
  display.refresh();
  assertEquals(terminal.lines, ["before", "", headline(1), BAR, ""]);
  state.completeIterations = 2;
  display.finish();
  display.finish();
  assertEquals(terminal.lines.filter((line) => line.startsWith("running")), [headline(2)]);
  display.draw();
  assertEquals(terminal.lines.length, 5);
});

Deno.test("lines written between erase and draw stay above the display", () => {
  const terminal = new FakeTerminal();
  using display = displayOn(terminal).display;
  display.start();
  for (const line of ["one", "two"]) {
    display.erase();
    terminal.write(`${line}\n`);
    display.draw();
  }
  assertEquals(terminal.lines.slice(0, 4), ["one", "two", "", headline(0)]);
});

Deno.test("a terminal that became narrower is still cleared completely", () => {
  const terminal = new FakeTerminal();
  using display = displayOn(terminal).display;
  terminal.write("before\n");
  display.start();
  terminal.columns = 30;
  display.refresh();
  assertEquals(terminal.lines, ["before", "", headline(0).slice(0, 29) + "…", "default   [  16% ] 10 VUs  05…", ""]);
});

Deno.test("a display higher than the terminal is cut, since what scrolled away can't be erased", () => {
  const terminal = new FakeTerminal();
  terminal.rows = 3;
  using display = displayOn(terminal).display;
  display.start();
  assertEquals(terminal.lines, ["", headline(0), ""]);
});

Deno.test("a display that is disposed of leaves nothing behind", () => {
  const terminal = new FakeTerminal();
  const { display } = displayOn(terminal);
  display.start();
  display[Symbol.dispose]();
  assertEquals(terminal.lines, [""]);
});

Deno.test("without a terminal each state is added below the last, and nothing is erased", () => {
  const terminal = new FakeTerminal();
  const { display } = displayOn(terminal, false);
  display.start();
  display.erase();
  display.draw();
  assertEquals(terminal.writes, 0);
  display.finish();
  assertEquals(terminal.lines, [headline(0), "default   [  16% ] 10 VUs  05.0s/30s", "", ""]);
});

Deno.test("a test without end shows how long it has run", () => {
  const scenario = externallyControlled({ durationMs: Infinity });
  const line = (elapsedMs: number) =>
    renderProgress(snapshotOf([progressOf({ scenario })], { elapsedMs }), null, false)[0]!;
  assertEquals(line(5000).startsWith("running (0m05.0s), "), true);
  assertEquals(line(3_725_000).startsWith("running (1h02m05.0s), "), true);
});
