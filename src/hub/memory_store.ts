/** A store in memory: for tests, and for results that nobody needs tomorrow. */

import { addFigures, type Figures, figuresOf } from "./figures.ts";
import type { MetricSet } from "./metric_set.ts";
import { labelKey } from "./metric_set_rules.ts";
import type {
  Account,
  LoadTest,
  LoadZone,
  LogLine,
  Project,
  Store,
  StoredSeries,
  TestRun,
  TestRunChange,
} from "./store.ts";

/** What there is from the start. */
export interface MemoryStoreContents {
  readonly accounts: readonly Account[];
  readonly passwords?: readonly { readonly email: string; readonly password: string; readonly token: string }[];
  readonly projects?: readonly Project[];
  readonly loadZones?: readonly LoadZone[];
  /** By name; of every stack. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Id of the first test or run; 1001 by default. */
  readonly firstId?: number;
}

/** Keeps everything until it is garbage. */
export class MemoryStore implements Store {
  readonly #contents: MemoryStoreContents;
  readonly #loadTests = new Map<number, LoadTest>();
  readonly #testRuns = new Map<string, TestRun>();
  readonly #series = new Map<string, Map<string, StoredSeries & { windows: Map<number, Figures> }>>();
  readonly #logLines = new Map<string, LogLine[]>();
  readonly #followers = new Map<string, Set<(lines: readonly LogLine[]) => void>>();
  #nextId: number;

  constructor(contents: MemoryStoreContents) {
    this.#contents = contents;
    this.#nextId = contents.firstId ?? 1001;
  }

  account(token: string): Promise<Account | undefined> {
    return Promise.resolve(this.#contents.accounts.find((account) => account.token === token));
  }

  tokenOf(email: string, password: string): Promise<string | undefined> {
    const found = this.#contents.passwords?.find((one) => one.email === email && one.password === password);
    return Promise.resolve(found?.token);
  }

  projects(stackId: number): Promise<readonly Project[]> {
    return Promise.resolve((this.#contents.projects ?? []).filter((project) => project.stackId === stackId));
  }

  loadZones(_stackId: number): Promise<readonly LoadZone[]> {
    return Promise.resolve(this.#contents.loadZones ?? []);
  }

  secret(_stackId: number, name: string): Promise<string | undefined> {
    const { secrets = {} } = this.#contents;
    return Promise.resolve(Object.hasOwn(secrets, name) ? secrets[name] : undefined);
  }

  addLoadTest(test: Omit<LoadTest, "id">): Promise<LoadTest | undefined> {
    const isTaken = this.#loadTests.values().some(({ projectId, name }) =>
      projectId === test.projectId && name === test.name
    );
    if (isTaken) return Promise.resolve(undefined);
    const added = { ...test, id: this.#nextId++ };
    this.#loadTests.set(added.id, added);
    return Promise.resolve(added);
  }

  loadTest(id: number): Promise<LoadTest | undefined> {
    return Promise.resolve(this.#loadTests.get(id));
  }

  loadTests(projectId: number): Promise<readonly LoadTest[]> {
    return Promise.resolve([...this.#loadTests.values()].filter((test) => test.projectId === projectId));
  }

  setLoadTestArchive(id: number, archive: Uint8Array): Promise<void> {
    const test = this.#loadTests.get(id);
    if (test !== undefined) this.#loadTests.set(id, { ...test, archive });
    return Promise.resolve();
  }

  addTestRun(run: Omit<TestRun, "id" | "scopedToken">): Promise<TestRun> {
    const added = { ...run, id: String(this.#nextId++), scopedToken: `run-${crypto.randomUUID()}` };
    this.#testRuns.set(added.id, added);
    return Promise.resolve(added);
  }

  testRun(id: string): Promise<TestRun | undefined> {
    return Promise.resolve(this.#testRuns.get(id));
  }

  testRunOfToken(scopedToken: string): Promise<TestRun | undefined> {
    return Promise.resolve(this.#testRuns.values().find((run) => run.scopedToken === scopedToken));
  }

  changeTestRun(id: string, change: TestRunChange): Promise<void> {
    const run = this.#testRuns.get(id);
    if (run !== undefined) this.#testRuns.set(id, { ...run, ...change });
    return Promise.resolve();
  }

  addMetrics({ testRunId, metrics }: MetricSet): Promise<void> {
    const ofRun = this.#series.getOrInsertComputed(testRunId, () => new Map());
    for (const { name, type, series } of metrics) {
      for (const { labels, samples } of series) {
        const { windows } = ofRun.getOrInsertComputed(`${type} ${name} ${labelKey(labels)}`, () => ({
          metric: name,
          type,
          labels: Object.fromEntries(labels),
          windows: new Map(),
        }));
        for (const [atEpochSeconds, figures] of samples === null ? [] : figuresOf(samples)) {
          const known = windows.get(atEpochSeconds);
          if (known === undefined) windows.set(atEpochSeconds, figures);
          else addFigures(known, figures);
        }
      }
    }
    return Promise.resolve();
  }

  series(testRunId: string): Promise<readonly StoredSeries[]> {
    return Promise.resolve([...this.#series.get(testRunId)?.values() ?? []]);
  }

  addLogLines(testRunId: string, lines: readonly LogLine[]): Promise<void> {
    this.#logLines.getOrInsertComputed(testRunId, () => []).push(...lines);
    for (const listener of this.#followers.get(testRunId) ?? []) listener(lines);
    return Promise.resolve();
  }

  logLines(testRunId: string, fromEpochNs: bigint): Promise<readonly LogLine[]> {
    return Promise.resolve((this.#logLines.get(testRunId) ?? []).filter(({ atEpochNs }) => atEpochNs >= fromEpochNs));
  }

  followLogLines(testRunId: string, listener: (lines: readonly LogLine[]) => void, signal: AbortSignal): void {
    const listeners = this.#followers.getOrInsertComputed(testRunId, () => new Set());
    listeners.add(listener);
    signal.addEventListener("abort", () => listeners.delete(listener), { once: true });
  }
}
