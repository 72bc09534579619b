/** Scenarios: the four shortcuts turned into one, each executor's fields as data, and every check, all mistakes collected. */

import { formatDuration } from "./duration.ts";
import {
  duration,
  fail,
  integer,
  isObject,
  isUnset,
  isUnsetFor,
  KindError,
  object,
  type OptionKind,
  stages,
  text,
  textMap,
} from "./kinds.ts";
import { didYouMean } from "./suggest.ts";
import type { OptionLayer } from "./table.ts";
import type { Scenario, ScenarioBase, Stage } from "./types.ts";

/** Scenarios as read: ready to run, and as JSON for `exec.test.options`. */
export interface ScenarioSet {
  readonly scenarios: readonly Scenario[];
  readonly asJson: Readonly<Record<string, unknown>>;
}

/**
 * Turns `vus`, `duration`, `iterations` and `stages` into the `scenarios` that they stand for (a single one named
 * `default`), or returns the scenarios that are given. Mistakes and warnings are added to the lists.
 */
export function deriveScenarios(layer: OptionLayer, errors: string[], warnings: string[]): OptionLayer {
  const { vus, duration: durationMs, iterations, stages, scenarios } = layer;
  const given = ["iterations", "duration", "stages", "scenarios"].filter((key) => layer[key] !== undefined);
  const conflict = CONFLICTS.find(([one, other]) => given.includes(one) && given.includes(other));
  if (conflict !== undefined) {
    const [one, other] = conflict;
    errors.push(`using \`${one}\` and \`${other}\` together is not allowed; keep one of them`);
    return {};
  }
  if (iterations !== undefined) {
    return { default: { executor: "shared-iterations", vus, iterations, maxDuration: durationMs } };
  }
  if (durationMs !== undefined) {
    if (durationMs as number <= 0) {
      errors.push(`\`duration\` must be more than 0, got ${formatDuration(durationMs as number)}`);
      return {};
    }
    return { default: { executor: "constant-vus", vus, duration: durationMs } };
  }
  if (Array.isArray(stages) && stages.length > 0) {
    return { default: { executor: "ramping-vus", startVUs: vus, stages } };
  }
  const scenariosGiven = isObject(scenarios) && Object.keys(scenarios).length > 0;
  if (vus !== undefined) {
    if (scenariosGiven) warnings.push(`\`vus=${vus}\` overrides scenarios configuration`);
    return { default: { executor: "shared-iterations", vus, iterations: vus } };
  }
  if (scenariosGiven) return scenarios;
  const empty = stages !== undefined ? "stages" : scenarios !== undefined ? "scenarios" : undefined;
  if (empty !== undefined) {
    warnings.push(`\`${empty}\` is set but empty: the script is executed with 1 iteration on 1 VU`);
  }
  return { default: { executor: "per-vu-iterations", vus: 1, iterations: 1 } };
}

/** Reads and checks all scenarios. Each mistake of each scenario is added to `errors`; what they leave out is then unusable. */
export function readScenarios(given: OptionLayer, exportedFunctions: readonly string[], errors: string[]): ScenarioSet {
  const scenarios: Scenario[] = [];
  const asJson: Record<string, unknown> = {};
  for (const [name, config] of Object.entries(given)) {
    const scenario = new ScenarioReader(name, config, exportedFunctions);
    const read = scenario.read();
    if (scenario.errors.length > 0) {
      errors.push(`scenario ${name} has configuration errors: ${scenario.errors.join("; ")}`);
    }
    if (read === undefined) continue;
    scenarios.push(read);
    asJson[name] = scenario.asJson;
  }
  return { scenarios, asJson };
}

const CONFLICTS = [
  ["iterations", "stages"],
  ["iterations", "scenarios"],
  ["duration", "stages"],
  ["duration", "scenarios"],
  ["stages", "scenarios"],
] as const;

/** One field of a scenario. `required` and `check` give k6's words for what is wrong. */
interface Field {
  readonly kind: OptionKind;
  readonly default?: unknown;
  readonly required?: string;
  readonly check?: (value: never) => string | undefined;
}

/** Values of a scenario's fields, defaults filled in. */
type FieldValues = Record<string, unknown>;

/** What one executor takes, requires across fields, and becomes. */
interface ExecutorDefinition {
  readonly fields: Readonly<Record<string, Field>>;
  readonly checkTogether?: (values: FieldValues) => string | undefined;
  build(base: ScenarioBase, values: FieldValues): Scenario;
}

const COMMON_FIELDS: Readonly<Record<string, Field>> = {
  startTime: { kind: duration, default: 0, check: notNegative("startTime") },
  gracefulStop: { kind: duration, default: 30_000, check: notNegative("gracefulStop timeout") },
  exec: {
    kind: text,
    default: "default",
    check: (value: string) => value === "" ? "exec must not be empty" : undefined,
  },
  env: { kind: textMap, default: {} },
  tags: { kind: textMap, default: {} },
  options: { kind: object },
};

const VUS: Field = {
  kind: integer,
  default: 1,
  check: (value: number) => value > 0 ? notTooMany("VUs")(value) : "the number of VUs must be more than 0",
};
const ITERATIONS: Field = {
  kind: integer,
  default: 1,
  check: (value: number) => value > 0 ? undefined : "the number of iterations must be more than 0",
};
const DURATION: Field = { kind: duration, required: "the duration is unspecified", check: atLeastASecond("duration") };
const MAX_DURATION: Field = { kind: duration, default: 600_000, check: atLeastASecond("maxDuration") };
const STAGES: Field = { kind: stages, required: "at least one stage has to be specified", check: checkStages };

/** What both arrival rates take. */
const OPEN_MODEL_FIELDS: Readonly<Record<string, Field>> = {
  timeUnit: {
    kind: duration,
    default: 1_000,
    check: (value: number) => value > 0 ? undefined : "the timeUnit must be more than 0",
  },
  preAllocatedVUs: {
    kind: integer,
    required: "the number of preAllocatedVUs isn't specified",
    check: (value: number) =>
      value >= 0 ? notTooMany("preAllocatedVUs")(value) : "the number of preAllocatedVUs can't be negative",
  },
  maxVUs: { kind: integer, check: notTooMany("maxVUs") },
};

const EXECUTORS: Readonly<Record<string, ExecutorDefinition>> = {
  "constant-vus": {
    fields: { vus: VUS, duration: DURATION },
    build: (base, values) => ({
      ...base,
      executor: "constant-vus",
      vus: number(values, "vus"),
      durationMs: number(values, "duration"),
    }),
  },
  "shared-iterations": {
    fields: { vus: VUS, iterations: { ...ITERATIONS, check: () => undefined }, maxDuration: MAX_DURATION },
    checkTogether({ vus, iterations }) {
      return iterations as number < (vus as number)
        ? `the number of iterations (${iterations}) can't be less than the number of VUs (${vus})`
        : undefined;
    },
    build: (base, values) => ({
      ...base,
      executor: "shared-iterations",
      vus: number(values, "vus"),
      iterations: number(values, "iterations"),
      maxDurationMs: number(values, "maxDuration"),
    }),
  },
  "per-vu-iterations": {
    fields: { vus: VUS, iterations: ITERATIONS, maxDuration: MAX_DURATION },
    build: (base, values) => ({
      ...base,
      executor: "per-vu-iterations",
      vus: number(values, "vus"),
      iterations: number(values, "iterations"),
      maxDurationMs: number(values, "maxDuration"),
    }),
  },
  "ramping-vus": {
    fields: {
      startVUs: {
        kind: integer,
        default: 1,
        check: (value: number) => value >= 0 ? notTooMany("VUs")(value) : "the number of startVUs can't be negative",
      },
      stages: STAGES,
      gracefulRampDown: { kind: duration, default: 30_000, check: notNegative("gracefulRampDown timeout") },
    },
    checkTogether({ startVUs, stages }) {
      const targets = readStages(stages).map(({ target }) => target);
      if (Math.max(...targets) > MOST_VUS) return notTooMany("VUs")(Math.max(...targets));
      return startVUs as number > 0 || targets.some((target) => target > 0)
        ? undefined
        : "either startVUs or the target of one of the stages must be more than 0";
    },
    build: (base, values) => ({
      ...base,
      executor: "ramping-vus",
      startVus: number(values, "startVUs"),
      stages: readStages(values["stages"]),
      gracefulRampDownMs: number(values, "gracefulRampDown"),
    }),
  },
  "constant-arrival-rate": {
    fields: {
      rate: {
        kind: integer,
        required: "the iteration rate isn't specified",
        check: (value: number) => value > 0 ? undefined : "the iteration rate must be more than 0",
      },
      duration: DURATION,
      ...OPEN_MODEL_FIELDS,
    },
    checkTogether: enoughMaxVus,
    build: (base, values) => ({
      ...base,
      executor: "constant-arrival-rate",
      rate: number(values, "rate"),
      durationMs: number(values, "duration"),
      ...openModel(values),
    }),
  },
  "ramping-arrival-rate": {
    fields: {
      startRate: {
        kind: integer,
        default: 0,
        check: (value: number) => value >= 0 ? undefined : "the startRate can't be negative",
      },
      stages: STAGES,
      ...OPEN_MODEL_FIELDS,
    },
    checkTogether: enoughMaxVus,
    build: (base, values) => ({
      ...base,
      executor: "ramping-arrival-rate",
      startRate: number(values, "startRate"),
      stages: readStages(values["stages"]),
      ...openModel(values),
    }),
  },
  "externally-controlled": {
    fields: {
      vus: {
        kind: integer,
        default: 1,
        check: (value: number) => value >= 0 ? notTooMany("VUs")(value) : "the number of VUs can't be negative",
      },
      maxVUs: { kind: integer, check: notTooMany("maxVUs") },
      duration: {
        kind: duration,
        required: "the duration is unspecified; use 0 for a test that runs until it is stopped",
        check: notNegative("duration"),
      },
      gracefulStop: { ...COMMON_FIELDS["gracefulStop"]!, default: 0 },
    },
    checkTogether({ vus, maxVUs }) {
      return maxVUs !== undefined && (maxVUs as number) < (vus as number)
        ? `maxVUs (${maxVUs}) can't be less than the number of VUs (${vus})`
        : undefined;
    },
    build: (base, values) => ({
      ...base,
      executor: "externally-controlled",
      vus: number(values, "vus"),
      maxVus: number(values, values["maxVUs"] === undefined ? "vus" : "maxVUs"),
      durationMs: number(values, "duration") || Infinity,
    }),
  },
};

/** Reads one scenario and remembers all that is wrong with it. */
class ScenarioReader {
  readonly errors: string[] = [];
  readonly asJson: Record<string, unknown> = {};
  readonly #name: string;
  readonly #config: unknown;
  readonly #exportedFunctions: readonly string[];

  constructor(name: string, config: unknown, exportedFunctions: readonly string[]) {
    this.#name = name;
    this.#config = config;
    this.#exportedFunctions = exportedFunctions;
  }

  read(): Scenario | undefined {
    if (!/^[0-9a-zA-Z_-]+$/.test(this.#name)) {
      this.errors.push("its name may have only letters, digits, _ and -");
    }
    const config = this.#config;
    if (!isObject(config)) {
      this.errors.push("expected an object with an executor and its settings");
      return undefined;
    }
    const executor = this.#executor(config["executor"]);
    if (executor === undefined) return undefined;
    // An executor's own fields come first, and may have other defaults than the common ones.
    const fields = { ...executor.fields, ...COMMON_FIELDS, ...executor.fields };
    this.#rejectUnknown(config, fields);
    this.asJson["executor"] = config["executor"];
    const values: FieldValues = {};
    for (const [name, field] of Object.entries(fields)) values[name] = this.#field(name, field, config[name]);
    if (this.errors.length === 0) {
      const mistake = executor.checkTogether?.(values);
      if (mistake !== undefined) this.errors.push(mistake);
    }
    this.#checkExec(values["exec"]);
    return this.errors.length > 0 ? undefined : executor.build(this.#base(values), values);
  }

  #executor(name: unknown): ExecutorDefinition | undefined {
    if (isUnset(name)) {
      this.errors.push(`the executor is not specified; use one of ${Object.keys(EXECUTORS).join(", ")}`);
    } else if (typeof name !== "string" || !Object.hasOwn(EXECUTORS, name)) {
      const known = Object.keys(EXECUTORS).join(", ");
      this.errors.push(`the specified executor type ${JSON.stringify(name)} does not exist; use one of ${known}`);
    } else {
      return EXECUTORS[name];
    }
    return undefined;
  }

  #rejectUnknown(config: OptionLayer, fields: Readonly<Record<string, Field>>): void {
    const known = Object.keys(fields);
    for (const key of Object.keys(config)) {
      if (key === "executor" || known.includes(key)) continue;
      this.errors.push(`unknown field ${JSON.stringify(key)}${didYouMean(key, known)}`);
    }
  }

  /** The field's value or default; undefined after a mistake. */
  #field(name: string, field: Field, given: unknown): unknown {
    if (name !== "options") this.asJson[name] = null;
    if (isUnsetFor(field.kind, given)) {
      if (field.required !== undefined) this.errors.push(field.required);
      return field.default;
    }
    try {
      const value = field.kind.fromJson(given);
      const mistake = field.check?.(value as never);
      if (mistake !== undefined) this.errors.push(mistake);
      this.asJson[name] = fieldAsJson(field, value);
      return value;
    } catch (error) {
      if (!(error instanceof KindError)) throw error;
      this.errors.push(`${name}: ${error.message}`);
      return undefined;
    }
  }

  #checkExec(exec: unknown): void {
    if (typeof exec === "string" && exec !== "" && !this.#exportedFunctions.includes(exec)) {
      this.errors.push(`function '${exec}' not found in exports`);
    }
  }

  #base(values: FieldValues): ScenarioBase {
    return {
      name: this.#name,
      startTimeMs: number(values, "startTime"),
      gracefulStopMs: number(values, "gracefulStop"),
      exec: values["exec"] as string,
      env: values["env"] as Record<string, string>,
      tags: values["tags"] as Record<string, string>,
    };
  }
}

function fieldAsJson({ kind }: Field, value: unknown): unknown {
  if (kind === duration) return formatDuration(value as number);
  if (kind !== stages) return value;
  return (value as StageJson[]).map(({ duration, target }) => ({
    duration: duration === null ? null : formatDuration(duration),
    target,
  }));
}

/** A stage as its kind reads it; durations are milliseconds. */
interface StageJson {
  readonly duration: number | null;
  readonly target: number | null;
}

function checkStages(value: readonly StageJson[]): string | undefined {
  if (value.length === 0) return "at least one stage has to be specified";
  for (const [index, { duration, target }] of value.entries()) {
    const stage = `stage ${index + 1}`;
    if (duration === null) return `${stage} doesn't have a duration`;
    if (duration < 0) return `the duration for ${stage} can't be negative`;
    if (target === null) return `${stage} doesn't have a target`;
    if (target < 0) return `the target for ${stage} can't be negative`;
  }
  return undefined;
}

/** Stages that `checkStages` has seen. */
function readStages(value: unknown): Stage[] {
  return (value as StageJson[]).map(({ duration, target }) => ({ durationMs: duration!, target: target! }));
}

function openModel(values: FieldValues): { timeUnitMs: number; preAllocatedVus: number; maxVus: number } {
  return {
    timeUnitMs: number(values, "timeUnit"),
    preAllocatedVus: number(values, "preAllocatedVUs"),
    maxVus: number(values, values["maxVUs"] === undefined ? "preAllocatedVUs" : "maxVUs"),
  };
}

function enoughMaxVus({ maxVUs, preAllocatedVUs }: FieldValues): string | undefined {
  return maxVUs !== undefined && (maxVUs as number) < (preAllocatedVUs as number)
    ? `maxVUs (${maxVUs}) can't be less than preAllocatedVUs (${preAllocatedVUs})`
    : undefined;
}

function number(values: FieldValues, name: string): number {
  const value = values[name];
  return typeof value === "number" ? value : fail("a number", value);
}

function atLeastASecond(name: string): (value: number) => string | undefined {
  return (value) => value >= 1_000 ? undefined : `the ${name} must be at least 1s, but is ${formatDuration(value)}`;
}

/** k6's limit of ramping virtual users, for all executors: nothing holds more. */
const MOST_VUS = 100_000_000;

function notTooMany(name: string): (value: number) => string | undefined {
  return (value) => value <= MOST_VUS ? undefined : `the number of ${name} can't be more than ${MOST_VUS}`;
}

function notNegative(name: string): (value: number) => string | undefined {
  return (value) => value >= 0 ? undefined : `the ${name} can't be negative`;
}
