/**
 * Counters in memory that all threads of one instance share. Exact, contended ones are atomic; the rest are cells with
 * one writing worker each, read by anybody at any time.
 */

import { allocateTurns } from "../net/resolver.ts";

const CELLS_PER_WORKER = 8;
const CELLS_PER_SCENARIO = 3;

/** What an atomic counter can hold: no schedule has more places. */
export const MOST_ARRIVALS = 2 ** 32 - 1;

/** What is sent to each worker to build its `SharedState` from. */
export interface SharedStateBuffers {
  readonly workers: number;
  readonly scenarios: number;
  readonly atomics: SharedArrayBuffer;
  readonly cells: SharedArrayBuffer;
  /** What blocked threads wait on: the order to stop, then one counter of wake-ups for each worker. */
  readonly gates: SharedArrayBuffer;
  /** `RateLimitSettings.next` of the option `rps`. */
  readonly nextRequest: SharedArrayBuffer;
  /** `DnsSettings.turns` of the option `dns`. */
  readonly addressTurns: SharedArrayBuffer;
}

/** Allocates the memory for a run that creates `plannedVus` virtual users before its start. */
export function allocateSharedState(workers: number, scenarios: number, plannedVus: number): SharedStateBuffers {
  const cells = workers * (CELLS_PER_WORKER + scenarios * CELLS_PER_SCENARIO);
  const atomics = new SharedArrayBuffer(4 * (1 + 3 * scenarios));
  new Uint32Array(atomics)[0] = plannedVus;
  return {
    workers,
    scenarios,
    atomics,
    cells: new SharedArrayBuffer(8 * cells),
    gates: new SharedArrayBuffer(4 * (1 + workers)),
    nextRequest: new SharedArrayBuffer(8),
    addressTurns: allocateTurns(),
  };
}

/** A worker's own counters. */
export const enum WorkerCell {
  iterationsCompleted,
  iterationsInterrupted,
  vusActive,
  vusInitialized,
  /** Grows with every turn of the event loop's clock: while it stands still, the thread is inside of a script's code. */
  beats,
  /** Whose code runs, or ran last: id of the virtual user, its iterations begun in the scenario, and the scenario (-1: none). */
  currentVu,
  currentIteration,
  currentScenario,
}

/** A worker's own counters of one scenario. */
export const enum ScenarioCell {
  /** Virtual users that run an iteration right now. */
  vusActive,
  /** Virtual users that the scenario holds, or held until it was over. */
  vusHeld,
  iterationsEnded,
}

/** Wakes a worker that waits in `SharedState.awaitWake`. */
export function wakeWorker(gates: Int32Array, worker: number): void {
  Atomics.add(gates, 1 + worker, 1);
  Atomics.notify(gates, 1 + worker);
}

/** View of the shared counters. */
export class SharedState {
  readonly gates: Int32Array;
  readonly #workers: number;
  readonly #scenarios: number;
  readonly #atomics: Uint32Array;
  readonly #cells: Float64Array;

  constructor(buffers: SharedStateBuffers) {
    this.gates = new Int32Array(buffers.gates);
    this.#workers = buffers.workers;
    this.#scenarios = buffers.scenarios;
    this.#atomics = new Uint32Array(buffers.atomics);
    this.#cells = new Float64Array(buffers.cells);
  }

  /** Takes the next number for a virtual user that nobody planned; the first is `planned`. */
  takeUnplannedVu(): number {
    return Atomics.add(this.#atomics, 0, 1);
  }

  /** Takes the next iteration number of a scenario; the first is 0. Hot. */
  takeIteration(scenario: number): number {
    return Atomics.add(this.#atomics, 1 + scenario, 1);
  }

  /** Open models: the place in the schedule that is to be started next; the first is 0. Hot. */
  nextArrival(scenario: number): number {
    return Atomics.load(this.#atomics, 1 + 2 * this.#scenarios + scenario);
  }

  /** Takes the place `next` in a schedule, and all up to `end`, unless somebody else has. Hot. */
  claimArrival(scenario: number, next: number, end = next + 1): boolean {
    return Atomics.compareExchange(this.#atomics, 1 + 2 * this.#scenarios + scenario, next, end) === next;
  }

  /** How many iteration numbers of a scenario have been taken. */
  iterationsTaken(scenario: number): number {
    return Atomics.load(this.#atomics, 1 + scenario);
  }

  /** True for the first caller of all workers: a scenario warns once that its virtual users are too few. */
  claimVusWarning(scenario: number): boolean {
    return Atomics.exchange(this.#atomics, 1 + this.#scenarios + scenario, 1) === 0;
  }

  /** Tells all workers to stop, those too that are blocked and can't read a message. */
  requestStop(): void {
    Atomics.store(this.gates, 0, 1);
    for (let worker = 0; worker < this.#workers; worker++) wakeWorker(this.gates, worker);
  }

  get stopRequested(): boolean {
    return Atomics.load(this.gates, 0) === 1;
  }

  /** How often a worker was woken; for `awaitWake`. */
  wakes(worker: number): number {
    return Atomics.load(this.gates, 1 + worker);
  }

  /** Blocks the calling worker's thread until it has been woken more than `seen` times, or for `timeoutMs`. */
  awaitWake(worker: number, seen: number, timeoutMs: number): void {
    Atomics.wait(this.gates, 1 + worker, seen, timeoutMs);
  }

  /** Adds to a worker's own counter. Hot. */
  addToWorker(worker: number, cell: WorkerCell, amount: number): void {
    this.#cells[worker * CELLS_PER_WORKER + cell]! += amount;
  }

  /** Adds to a worker's own counter of a scenario. Hot. */
  addToScenario(worker: number, scenario: number, cell: ScenarioCell, amount: number): void {
    this.#cells[this.#scenarioIndex(worker, scenario) + cell]! += amount;
  }

  /** Notes whose code runs on a worker from now on. Hot. */
  enterCode(worker: number, vu: number, iteration: number, scenario: number): void {
    const at = worker * CELLS_PER_WORKER;
    this.#cells[at + WorkerCell.currentVu] = vu;
    this.#cells[at + WorkerCell.currentIteration] = iteration;
    this.#cells[at + WorkerCell.currentScenario] = scenario;
  }

  /** A worker's own counter. */
  ofWorker(worker: number, cell: WorkerCell): number {
    return this.#cells[worker * CELLS_PER_WORKER + cell]!;
  }

  /** Books what ran on a worker that was ended as interrupted; returns how many virtual users that were. */
  abandonWorker(worker: number): number {
    const active = this.ofWorker(worker, WorkerCell.vusActive);
    this.addToWorker(worker, WorkerCell.iterationsInterrupted, active);
    this.addToWorker(worker, WorkerCell.vusActive, -active);
    for (let scenario = 0; scenario < this.#scenarios; scenario++) {
      this.#cells[this.#scenarioIndex(worker, scenario) + ScenarioCell.vusActive] = 0;
    }
    return active;
  }

  /** Sum of a counter over all workers. */
  total(cell: WorkerCell): number {
    let sum = 0;
    for (let worker = 0; worker < this.#workers; worker++) sum += this.#cells[worker * CELLS_PER_WORKER + cell]!;
    return sum;
  }

  /** Sum of a scenario's counter over all workers. */
  scenarioTotal(scenario: number, cell: ScenarioCell): number {
    let sum = 0;
    for (let worker = 0; worker < this.#workers; worker++) {
      sum += this.#cells[this.#scenarioIndex(worker, scenario) + cell]!;
    }
    return sum;
  }

  #scenarioIndex(worker: number, scenario: number): number {
    return this.#workers * CELLS_PER_WORKER + (worker * this.#scenarios + scenario) * CELLS_PER_SCENARIO;
  }
}
