/** Every setting, in every source that has it, with every source winning over those before it. */

import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { type CloudConfig, readConfig } from "../../../src/output/cloud/config.ts";
import type { CloudSources } from "../../../src/output/cloud/setting_sources.ts";
import { type KnownSetting, type SettingKey, SETTINGS } from "../../../src/output/cloud/settings.ts";
import { OutputError } from "../../../src/output/output.ts";

const all: readonly KnownSetting[] = SETTINGS;

/** Two values, and what becomes of them. */
interface Case {
  readonly key: SettingKey;
  readonly values: readonly [string, string];
  readonly read: (config: CloudConfig) => unknown;
  readonly expected: readonly [unknown, unknown];
  /** What the setting needs beside it. */
  readonly env?: Readonly<Record<string, string>>;
}

const same = (key: SettingKey, read: Case["read"], values: readonly [string, string] = ["one", "two"]): Case => ({
  key,
  values,
  read,
  expected: values,
});
const base = (key: SettingKey, read: Case["read"]) => same(key, read, ["http://one:1/a", "https://two/b"]);
const url = (key: SettingKey, read: Case["read"]) => same(key, read, ["http://one:1/a", "https://two/b?c=d"]);
const number = (key: SettingKey, read: Case["read"]): Case => ({ key, values: ["7", "9"], read, expected: [7, 9] });
const flag = (key: SettingKey, read: Case["read"]): Case => ({
  key,
  values: ["true", "F"],
  read,
  expected: [true, false],
});
const duration = (key: SettingKey, read: Case["read"]): Case => ({
  key,
  values: ["1m2s", "1500"],
  read,
  expected: [62_000, 1500],
});
const pushing = { K6_CLOUD_PUSH_REF_ID: "5", K6_CLOUD_TEST_RUN_TOKEN: "t" };
const pushingLogs = { ...pushing, K6_CLOUD_METRICS_PUSH_URL: "http://m", K6_CLOUD_LOGS_PUSH_URL: "http://l" };

const cases: readonly Case[] = [
  same("token", ({ token }) => token),
  number("stackID", ({ stackId }) => stackId),
  {
    key: "stackURL",
    values: ["team", "http://localhost:1/path"],
    read: ({ stackUrl }) => stackUrl,
    expected: ["https://team.grafana.net", "http://localhost:1"],
  },
  number("projectID", ({ projectId }) => projectId),
  number("defaultProjectID", ({ defaultProjectId }) => defaultProjectId),
  same("name", ({ name }) => name),
  { ...base("host", ({ host }) => host), values: ["http://one:1/a/", "https://two/b/"] },
  base("hostv6", ({ hostV6 }) => hostV6),
  url("webAppURL", ({ webAppUrl }) => webAppUrl),
  url("testRunDetails", ({ testRunDetails }) => testRunDetails),
  duration("timeout", ({ timeoutMs }) => timeoutMs),
  flag("noCompress", ({ noCompress }) => noCompress),
  flag("stopOnError", ({ stopOnError }) => stopOnError),
  {
    key: "apiVersion",
    values: ["2", "2"],
    read: ({ sourceOf }) => sourceOf("apiVersion") !== "default",
    expected: [true, true],
  },
  same("metricsFormat", ({ metricsFormat }) => metricsFormat, ["json", "protobuf"]),
  same("pushRefID", ({ pushRefId }) => pushRefId),
  duration("aggregationPeriod", ({ aggregationPeriodMs }) => aggregationPeriodMs),
  duration("aggregationWaitPeriod", ({ aggregationWaitPeriodMs }) => aggregationWaitPeriodMs),
  duration("metricPushInterval", ({ metricPushIntervalMs }) => metricPushIntervalMs),
  number("metricPushConcurrency", ({ metricPushConcurrency }) => metricPushConcurrency),
  number("maxTimeSeriesInBatch", ({ maxTimeSeriesInBatch }) => maxTimeSeriesInBatch),
  flag("tracesEnabled", ({ traces }) => traces.enabled),
  same("traceHost", ({ traces }) => traces.host, ["localhost:1", "[::1]:443"]),
  duration("tracesPushInterval", ({ traces }) => traces.pushIntervalMs),
  number("tracesPushConcurrency", ({ traces }) => traces.pushConcurrency),
  flag("noArchiveUpload", ({ noArchiveUpload }) => noArchiveUpload),
  same("logsTailURL", ({ logsTailUrl }) => logsTailUrl, ["ws://one", "wss://two/x"]),
  flag("showLogs", ({ showLogs }) => showLogs),
  flag("exitOnRunning", ({ exitOnRunning }) => exitOnRunning),
  same("testRunID", ({ testRunId }) => testRunId),
  { ...url("metricsPushURL", ({ scopedPush }) => scopedPush?.pushUrl), env: pushing },
  {
    ...same("testRunToken", ({ scopedPush }) => scopedPush?.testRunToken),
    env: { ...pushing, K6_CLOUD_METRICS_PUSH_URL: "http://m" },
  },
  { ...url("logsPushURL", ({ logsPush }) => logsPush?.url), env: pushingLogs },
  { ...same("logsLevel", ({ logsPush }) => logsPush?.level, ["error", "debug"]), env: pushingLogs },
  { ...number("logsLimit", ({ logsPush }) => logsPush?.limit), env: pushingLogs },
  { ...duration("logsPushPeriod", ({ logsPush }) => logsPush?.periodMs), env: pushingLogs },
  { ...number("logsMessageMaxSize", ({ logsPush }) => logsPush?.maxMessageBytes), env: pushingLogs },
  {
    key: "logsAllowedLabels",
    values: ["a, b", "c"],
    read: ({ logsPush }) => Array.from(logsPush?.allowedLabels ?? []),
    expected: [["a", "b"], ["c"]],
    env: pushingLogs,
  },
  same("secretsToken", ({ secretSource }) => secretSource.token),
  same("secretsEndpoint", ({ secretSource }) => secretSource.endpoint, ["http://s/{key}", "https://s?name={key}"]),
  same("secretsResponsePath", ({ secretSource }) => secretSource.responsePath),
];

/** Puts a value into a source; null when the source doesn't have the setting. */
type Put = (sources: CloudSources, setting: KnownSetting, value: string) => CloudSources | null;

const inJson = (setting: KnownSetting, block: unknown, value: string) =>
  setting.environmentOnly ? null : { ...block as object, [setting.key]: value };

/** The sources, each winning over those before it. */
const sources: readonly [name: string, Put][] = [
  ["the configuration file", (given, setting, value) => {
    const cloud = inJson(setting, given.collectors["cloud"], value);
    return cloud && { ...given, collectors: { cloud } };
  }],
  ["options.ext.loadimpact", (given, setting, value) => {
    const loadimpact = inJson(
      setting,
      (given.options["ext"] as { loadimpact?: unknown } | undefined)?.loadimpact,
      value,
    );
    return loadimpact && { ...given, options: { ...given.options, ext: { loadimpact } } };
  }],
  ["options.cloud", (given, setting, value) => {
    const cloud = inJson(setting, given.options["cloud"], value);
    return cloud && { ...given, options: { ...given.options, cloud } };
  }],
  ["environment", (given, { variable }, value) => {
    return variable === null ? null : { ...given, env: { ...given.env, [variable]: value } };
  }],
  ["argument", (given, { key }, value) => key === "name" ? { ...given, argument: value } : null],
  ["flag", (given, { key }, value) => ({ ...given, flags: { ...given.flags, [key]: value } })],
  ["the service's answer", (given, setting, value) => {
    // Only where there is none.
    if (setting.key === "stackURL") return null;
    const override = inJson(setting, given.override, value);
    return override && { ...given, override };
  }],
];

const nothing: CloudSources = { collectors: {}, options: {}, env: {}, argument: "" };

for (const { key, values, read, expected, env = {} } of cases) {
  Deno.test(`${key}: every source sets it and wins over the ones before`, () => {
    const setting = all.find((each) => each.key === key)!;
    let filled: CloudSources = { ...nothing, env };
    let turn = 0;
    for (const [name, put] of sources) {
      const alone = put({ ...nothing, env }, setting, values[0]);
      if (alone === null) continue;
      assertEquals(withoutSlash(read(readConfig(alone))), withoutSlash(expected[0]), `${name} alone`);
      filled = put(filled, setting, values[turn]!)!;
      assertEquals(withoutSlash(read(readConfig(filled))), withoutSlash(expected[turn]), `${name} over those before`);
      turn = 1 - turn;
    }
  });
}

Deno.test("the table of this test has every setting", () => {
  assertEquals(cases.map(({ key }) => key).toSorted(), all.map(({ key }) => key).toSorted());
});

Deno.test("no variable and no key stands for two settings", () => {
  const names = all.flatMap(({ key, variable }) => [key.toLowerCase(), ...variable === null ? [] : [variable]]);
  assertEquals(names.length, new Set(names).size);
});

Deno.test("the defaults are those that the table tells", () => {
  const env = { ...pushingLogs };
  const byDefault = readConfig({ ...nothing, env });
  for (const { key, read, env: _, ...rest } of cases) {
    const setting = all.find((each) => each.key === key)!;
    if (setting.default === "" || rest.values[0] === rest.values[1]) continue;
    const [, put] = sources.find(([name]) => name === "flag")!;
    assertEquals(read(readConfig(put({ ...nothing, env }, setting, setting.default)!)), read(byDefault), key);
  }
});

Deno.test("whatever the sources hold: settings, or a mistake in one line that shows no secret", () => {
  const secret = "t0psecret";
  const text = fc.oneof(
    fc.string(),
    fc.constantFrom("", "1", "-1", "true", "0s", "3s", "1e9", "http://h", "team", "h:1", "a b", "\n", "{key}", "json"),
    fc.constantFrom(`http://u:${secret}@h`, `https://h/?token=${secret}`, `ftp://h/?token=${secret}`),
  );
  const value = fc.oneof(text, fc.jsonValue({ maxDepth: 2 }));
  const keys = fc.oneof(fc.constantFrom<string>(...all.map(({ key }) => key)), fc.string());
  const block = fc.oneof(fc.dictionary(keys, value, { maxKeys: 4 }), value);
  const variables = fc.constantFrom(...all.flatMap(({ variable }) => variable === null ? [] : [variable]));
  const env = fc.dictionary(fc.oneof(variables, fc.constant("K6_CLOUD_NAMES")), text, { maxKeys: 4 });
  const secretNames = new Set<string>(
    all.filter((setting) => setting.secret).flatMap(({ key, variable }) => [
      key,
      variable ?? "",
    ]),
  );
  const withSecret = (given: unknown) =>
    typeof given !== "object" || given === null || Array.isArray(given) ? given : Object.fromEntries(
      Object.entries(given).map(([name, held]) => [
        name,
        secretNames.has(name) && typeof held === "string" ? `${held}${secret}` : withoutSecret(held),
      ]),
    );
  const withoutSecret = (held: unknown) => JSON.parse(JSON.stringify(held).replaceAll(secret, "plain"));
  fc.assert(
    fc.property(block, block, block, block, env, text, (file, cloud, loadimpact, override, variables, name) => {
      try {
        readConfig({
          collectors: { cloud: withSecret(file) },
          options: { cloud: withSecret(cloud), ext: { loadimpact: withSecret(loadimpact) } },
          env: withSecret(variables) as Record<string, string>,
          argument: name,
          override: withSecret(override),
        });
      } catch (error) {
        if (!(error instanceof OutputError)) throw error;
        assertEquals(/[\n\r]/.test(error.message), false, error.message);
        assertEquals(error.message.includes(secret), false, error.message);
      }
    }),
    { numRuns: 1000 },
  );
});

/** Addresses to which paths are added lose the slash at their ends. */
function withoutSlash(value: unknown): unknown {
  return typeof value === "string" ? value.replace(/\/$/, "") : value;
}
