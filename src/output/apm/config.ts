/**
 * The blocks of the option `apm`, each of which names a receiver for some of a run's metrics: `options.cloud.apm`, or
 * `options.ext.loadimpact.apm` as older scripts have it. A block with a mistake is reported and skipped, as in Grafana Cloud k6:
 * it never keeps the test from running. No message holds a secret.
 */

import type { Authentication } from "../prometheus/config.ts";
import { basicCredentials, passwordSecrets } from "../secrets.ts";
import { asObject } from "../setting_values.ts";
import { describeUrl, identityOf } from "../url_text.ts";

/** One receiver, complete and checked. */
export interface ApmTarget {
  /** How messages name the block: `options.cloud.apm[0]`. */
  readonly place: string;
  /** Used as given, without credentials. */
  readonly url: URL;
  /** From `credentials`, or from the URL. */
  readonly authentication: Authentication;
  /** Names of the metrics to send, in k6's spelling; at least one. */
  readonly metrics: ReadonlySet<string>;
  /** Whether every series has the label `test_run_id`. Default false. */
  readonly includeTestRunId: boolean;
  /** Distance of the points of a series. 1 to 10 s, default 3 s. */
  readonly resampleRateMs: number;
}

/** What the option asks for. */
export interface ApmSettings {
  readonly targets: readonly ApmTarget[];
  /** What the user should know, one line each. */
  readonly warnings: readonly string[];
}

/** The metrics of a block that doesn't say otherwise (Grafana Cloud k6). */
export const DEFAULT_METRICS: readonly string[] = [
  "data_sent",
  "data_received",
  "http_req_duration",
  "http_reqs",
  "iterations",
  "vus",
];

/** Reads all blocks of the consolidated options. */
export function readApm(options: Readonly<Record<string, unknown>>): ApmSettings {
  const { place, value, ignored } = findBlocks(options);
  const warnings = ignored === undefined ? [] : [`${ignored} is ignored: ${place} counts`];
  if (value === undefined) return { targets: [], warnings };
  if (!Array.isArray(value)) {
    return { targets: [], warnings: [`${place} is ignored: it must be a list of blocks, [{ provider: … }]`] };
  }
  const targets: ApmTarget[] = [];
  value.forEach((block: unknown, index) => {
    const target = new BlockReader(`${place}[${index}]`, block, warnings).read();
    const distinct = target === null ? null : withoutShared(target, targets, warnings);
    if (distinct !== null) targets.push(distinct);
  });
  return { targets, warnings };
}

/** Whether the options have any blocks, good or bad. */
export function hasApm(options: Readonly<Record<string, unknown>>): boolean {
  const { value } = findBlocks(options);
  return Array.isArray(value) ? value.length > 0 : value !== undefined;
}

/** All that must not be seen of the blocks, good or bad: tokens and passwords. */
export function apmSecrets(options: Readonly<Record<string, unknown>>): string[] {
  const { value } = findBlocks(options);
  if (!Array.isArray(value)) return [];
  return value.flatMap((given: unknown) => {
    const block = asObject(given) ?? {};
    return Object.entries(block).flatMap(([name, field]) => {
      if (canonical(name) === "credentials") return secretsIn(field);
      const url = typeof field === "string" ? URL.parse(field) : null;
      if (url === null || url.password === "") return [];
      return [url.password, ...passwordSecrets(identityOf(url))];
    });
  });
}

/** k6 reads `cloud` and, in older scripts, `ext.loadimpact`; the first wins. */
function findBlocks(options: Readonly<Record<string, unknown>>) {
  const cloud = asObject(options["cloud"])?.["apm"] ?? undefined;
  const loadimpact = asObject(asObject(options["ext"])?.["loadimpact"])?.["apm"] ?? undefined;
  const [cloudPlace, loadimpactPlace] = ["options.cloud.apm", "options.ext.loadimpact.apm"];
  if (cloud === undefined) return { place: loadimpactPlace, value: loadimpact, ignored: undefined };
  return { place: cloudPlace, value: cloud, ignored: loadimpact === undefined ? undefined : loadimpactPlace };
}

const FIELDS = [
  "provider",
  "remoteWriteURL",
  "credentials",
  "includeDefaultMetrics",
  "metrics",
  "includeTestRunId",
  "resampleRate",
] as const;

type Field = typeof FIELDS[number];

/** The spelling of a field without what distinguishes `resample_rate` from `resampleRate`. */
function canonical(name: string): string {
  return name.replaceAll("_", "").toLowerCase();
}

const BY_SPELLING: ReadonlyMap<string, Field> = new Map([
  ...FIELDS.map((field) => [canonical(field), field] as const),
  // Before the snake_case names, that is, until 2020.
  ["exportmetrics", "metrics"],
]);

/** Reads one block; collects its mistakes, so that one line can name them all. */
class BlockReader {
  readonly #place: string;
  readonly #block: unknown;
  readonly #warnings: string[];
  readonly #fields = new Map<Field, unknown>();
  /** Names that are no fields. */
  readonly #unknown: string[] = [];
  /** What to say if the block is good otherwise. */
  readonly #remarks: string[] = [];
  readonly #mistakes: string[] = [];

  constructor(place: string, block: unknown, warnings: string[]) {
    this.#place = place;
    this.#block = block;
    this.#warnings = warnings;
  }

  /** The target, or null when the block is skipped; what is to be said goes to the warnings. */
  read(): ApmTarget | null {
    const block = asObject(this.#block);
    if (block === undefined) return this.#skip("a block must be an object, { provider: … }");
    this.#nameFields(block);
    const provider = this.#fields.get("provider");
    if (provider === undefined) {
      this.#mistakes.push('provider is missing; set it to "prometheus"');
    } else if (provider !== "prometheus") {
      // The other fields are that provider's own.
      return this.#skip(
        `provider ${show(provider)} is not supported; use "prometheus", with the address of a remote-write receiver`,
      );
    }
    const url = this.#url();
    const authentication = this.#authentication(url);
    const metrics = this.#metrics();
    const includeTestRunId = this.#flag("includeTestRunId", false);
    const resampleRateMs = this.#resampleRate() * 1000;
    if (this.#mistakes.length > 0 || url === null) {
      if (this.#unknown.length > 0) this.#mistakes.push(`unknown fields: ${this.#unknown.join(", ")}`);
      return this.#skip(this.#mistakes.join("; "));
    }
    if (this.#unknown.length > 0) {
      this.#remarks.push(`unknown fields are ignored: ${this.#unknown.join(", ")}; known are ${FIELDS.join(", ")}`);
    }
    this.#warnings.push(...this.#remarks.map((remark) => `${this.#place}: ${remark}`));
    url.username = url.password = "";
    return { place: this.#place, url, authentication, metrics, includeTestRunId, resampleRateMs };
  }

  #skip(reason: string): null {
    this.#warnings.push(`${this.#place} is skipped: ${reason}`);
    return null;
  }

  /** Finds the fields in all their spellings; the right one wins, and null counts as not given. */
  #nameFields(block: Readonly<Record<string, unknown>>): void {
    const renamed: string[] = [];
    for (const [name, value] of Object.entries(block)) {
      const field = BY_SPELLING.get(canonical(name));
      if (field === undefined) this.#unknown.push(name);
      else if (name !== field) renamed.push(`${name} is now called ${field}`);
      if (field === undefined || value === null) continue;
      if (name === field || !this.#fields.has(field)) this.#fields.set(field, value);
    }
    if (renamed.length > 0) this.#remarks.push(renamed.join(", "));
  }

  #url(): URL | null {
    const given = this.#fields.get("remoteWriteURL");
    const url = typeof given === "string" ? URL.parse(given) : null;
    if (url !== null && (url.protocol === "http:" || url.protocol === "https:")) return url;
    this.#mistakes.push(
      given === undefined
        ? `remoteWriteURL is missing; set it to the receiver's address${UNSET_VARIABLE}`
        : "remoteWriteURL must be an address that begins with http:// or https://",
    );
    return null;
  }

  #authentication(url: URL | null): Authentication {
    const given = this.#fields.get("credentials");
    if (given === undefined) {
      if (url === null || url.username === "") return { kind: "none" };
      return { kind: "basic", ...identityOf(url) };
    }
    const { token, username, password, ...others } = asObject(given) ?? { nothing: given };
    const [isPair, isToken] = [username !== undefined || password !== undefined, token !== undefined];
    if (Object.keys(others).length === 0 && isPair !== isToken) {
      if (isPair && typeof username === "string" && username !== "" && typeof password === "string") {
        return { kind: "basic", username, password };
      }
      if (typeof token === "string" && /^[\x21-\x7e]+$/.test(token)) return { kind: "bearer", token };
      if (typeof token === "string" && /^bearer\s/i.test(token)) {
        this.#mistakes.push('credentials.token must be the token alone, without "Bearer"');
        return { kind: "none" };
      }
    }
    this.#mistakes.push(
      `credentials must be { token: "…" } or { username: "…", password: "…" }, with texts in them${UNSET_VARIABLE}`,
    );
    return { kind: "none" };
  }

  #metrics(): ReadonlySet<string> {
    const metrics = new Set(this.#flag("includeDefaultMetrics", true) ? DEFAULT_METRICS : []);
    const given = this.#fields.get("metrics") ?? [];
    if (!Array.isArray(given)) {
      this.#mistakes.push('metrics must be a list of names, ["http_req_waiting"]');
      return metrics;
    }
    const wrong: unknown[] = [];
    for (const name of given as unknown[]) {
      if (typeof name === "string" && /^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name)) metrics.add(name);
      else wrong.push(name);
    }
    if (wrong.length > 0) {
      this.#remarks.push(`${wrong.map(show).join(", ")} in metrics can't be the name of a metric and is left out`);
    }
    if (metrics.size === 0) {
      this.#mistakes.push("there is nothing to send; name some metrics, or leave includeDefaultMetrics out");
    }
    return metrics;
  }

  #flag(field: Field, usual: boolean): boolean {
    const given = this.#fields.get(field) ?? usual;
    if (typeof given === "boolean") return given;
    this.#mistakes.push(`${field} must be true or false, not ${show(given)}`);
    return usual;
  }

  #resampleRate(): number {
    const given = this.#fields.get("resampleRate") ?? 3;
    if (typeof given === "number" && Number.isInteger(given) && given >= 1 && given <= 10) return given;
    this.#mistakes.push(`resampleRate must be a whole number of seconds from 1 to 10, not ${show(given)}`);
    return 3;
  }
}

/** A script's `__ENV.NAME` of a variable that isn't set leaves the field out. */
const UNSET_VARIABLE = " (is a variable of __ENV not set?)";

/** The target without the metrics that an earlier one sends to the same place: the same series can't have two senders. */
function withoutShared(target: ApmTarget, earlier: readonly ApmTarget[], warnings: string[]): ApmTarget | null {
  const metrics = new Set(target.metrics);
  for (const rival of earlier.filter((each) => receiverKey(each) === receiverKey(target))) {
    const shared = Array.from(metrics).filter((name) => rival.metrics.has(name));
    if (shared.length === 0) continue;
    for (const name of shared) metrics.delete(name);
    warnings.push(
      `${target.place} leaves ${shared.join(", ")} to ${rival.place}, which sends to ${describeUrl(target.url)}, too`,
    );
  }
  return metrics.size === 0 ? null : { ...target, metrics };
}

function receiverKey({ url, authentication, includeTestRunId }: ApmTarget): string {
  return JSON.stringify([url.href, authentication, includeTestRunId]);
}

/** A wrong value of a field that holds no secret. */
function show(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}

/** Every text in `credentials` but the user name, whatever its shape. */
function secretsIn(credentials: unknown): string[] {
  if (typeof credentials === "string") return [credentials];
  const fields = asObject(credentials) ?? {};
  const { username, password } = fields;
  const isPair = typeof username === "string" && typeof password === "string";
  const texts = Object.entries(fields)
    .flatMap(([name, value]) => typeof value === "string" && name !== "username" ? [value] : []);
  return isPair ? [...texts, basicCredentials({ username, password })] : texts;
}
