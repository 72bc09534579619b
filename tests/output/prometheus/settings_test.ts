/** Every setting, in every source that has it, with every source winning over those before it. */

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { OutputError } from "../../../src/output/output.ts";
import { readConfig, type RemoteWriteConfig } from "../../../src/output/prometheus/config.ts";
import { type Setting, type SettingKey, SETTINGS } from "../../../src/output/prometheus/settings.ts";

const testdata = new URL("testdata/", import.meta.url).pathname;
const e2e = new URL("../../e2e/testdata/", import.meta.url).pathname;

/** Two values for settings that belong together, and what becomes of them. */
interface Case {
  readonly values: readonly [Values, Values];
  readonly read: (config: RemoteWriteConfig) => unknown;
  readonly expected: readonly [unknown, unknown];
}

type Values = Readonly<Partial<Record<SettingKey, string>>>;

const pem = (path: string) => Deno.readTextFileSync(path);
const flag = (key: SettingKey, read: Case["read"]): Case => ({
  values: [{ [key]: "true" }, { [key]: "false" }],
  read,
  expected: [true, false],
});

const cases: readonly Case[] = [
  {
    values: [{ url: "http://one/w?a=1,2" }, { url: "https://two:1/" }],
    read: ({ url }) => url.href,
    expected: ["http://one/w?a=1,2", "https://two:1/"],
  },
  {
    values: [{ headers: "1" }, { headers: "2" }],
    read: ({ headers }) => headers,
    expected: [[["X-Scope", "1"]], [["X-Scope", "2"]]],
  },
  {
    values: [{ pushInterval: "1m2s" }, { pushInterval: "1500" }],
    read: ({ pushIntervalMs }) => pushIntervalMs,
    expected: [62_000, 1500],
  },
  { values: [{ batchSize: "1" }, { batchSize: "5000" }], read: ({ batchSize }) => batchSize, expected: [1, 5000] },
  { values: [{ timeout: "2s" }, { timeout: "300" }], read: ({ timeoutMs }) => timeoutMs, expected: [2000, 300] },
  {
    values: [{ protocolVersion: "2.0" }, { protocolVersion: "1.0" }],
    read: ({ protocolVersion }) => protocolVersion,
    expected: ["2.0", "1.0"],
  },
  {
    values: [{ trendStats: "p(99.9),count" }, { trendStats: "med" }],
    read: ({ trendStats }) => trendStats.map(({ suffix }) => suffix),
    expected: [["p999", "count"], ["med"]],
  },
  {
    values: [{ trendAsNativeHistogram: "1" }, { trendAsNativeHistogram: "0" }],
    read: ({ trendMode }) => trendMode,
    expected: ["native", "stats"],
  },
  {
    values: [{ trendHistogramBuckets: "0.1,0.5" }, { trendHistogramBuckets: "2" }],
    read: ({ trendMode, histogramBuckets }) => [trendMode, histogramBuckets],
    expected: [["classic", [0.1, 0.5]], ["classic", [2]]],
  },
  flag("rateAsCounters", ({ rateCounters }) => rateCounters),
  flag("staleMarkers", ({ staleMarkers }) => staleMarkers),
  flag("metadata", ({ metadata }) => metadata),
  flag("exemplars", ({ exemplars }) => exemplars),
  { values: [{ instance: "a" }, { instance: "b-1" }], read: ({ instance }) => instance, expected: ["a", "b-1"] },
  {
    values: [{ dropTags: "url,name" }, { dropTags: "*" }],
    read: ({ dropTags }) => dropTags,
    expected: [new Set(["url", "name"]), "all"],
  },
  {
    values: [{ username: "u", password: "p" }, { username: "v", password: "q" }],
    read: ({ authentication }) => authentication,
    expected: [{ kind: "basic", username: "u", password: "p" }, { kind: "basic", username: "v", password: "q" }],
  },
  {
    values: [{ bearerToken: "t" }, { bearerToken: "s" }],
    read: ({ authentication }) => authentication,
    expected: [{ kind: "bearer", token: "t" }, { kind: "bearer", token: "s" }],
  },
  {
    values: [
      { sigV4Region: "r", sigV4AccessKey: "a", sigV4SecretKey: "s" },
      { sigV4Region: "R", sigV4AccessKey: "A", sigV4SecretKey: "S" },
    ],
    read: ({ authentication }) => authentication,
    expected: [
      { kind: "sigv4", region: "r", accessKey: "a", secretKey: "s" },
      { kind: "sigv4", region: "R", accessKey: "A", secretKey: "S" },
    ],
  },
  flag("insecureSkipTLSVerify", ({ insecureSkipTlsVerify }) => insecureSkipTlsVerify),
  {
    values: [{ tlsMinVersion: "1.2" }, { tlsMinVersion: "1.3" }],
    read: ({ tlsMinVersion }) => tlsMinVersion,
    expected: ["1.2", "1.3"],
  },
  {
    values: [{ caCertificate: `${testdata}certificate.pem` }, { caCertificate: `${e2e}authority.pem` }],
    read: ({ caCertificate }) => caCertificate,
    expected: [pem(`${testdata}certificate.pem`), pem(`${e2e}authority.pem`)],
  },
  {
    values: [
      { clientCertificate: `${testdata}certificate.pem`, clientCertificateKey: `${testdata}key.pem` },
      { clientCertificate: `${e2e}server_certificate.pem`, clientCertificateKey: `${e2e}server_key.pem` },
    ],
    read: ({ clientCertificate }) => clientCertificate,
    expected: [
      { cert: pem(`${testdata}certificate.pem`), key: pem(`${testdata}key.pem`) },
      { cert: pem(`${e2e}server_certificate.pem`), key: pem(`${e2e}server_key.pem`) },
    ],
  },
];

/** What an output is configured from. */
interface Sources {
  collectors: Record<string, unknown>;
  options: Record<string, unknown>;
  env: Record<string, string>;
  argument: string;
}

/** Puts a value into a source; null when the source doesn't have the setting. */
type Put = (sources: Sources, setting: Setting, value: string) => Sources | null;

/** The sources, each winning over those before it; variables one by one in the order of their lists. */
const sources: readonly [name: string, Put][] = [
  ...["prometheus-rw", "experimental-prometheus-rw"].map((name): [string, Put] => [
    `collectors.${name}`,
    (given, setting, value) => {
      const block = { ...given.collectors[name] as object, [setting.key]: asJson(setting, value) };
      return { ...given, collectors: { ...given.collectors, [name]: block } };
    },
  ]),
  ...["remoteWrite", "prometheusRemoteWrite"].map((name): [string, Put] => [
    `options.${name}`,
    (given, setting, value) => {
      const block = { ...given.options[name] as object, [setting.key]: asJson(setting, value) };
      return { ...given, options: { ...given.options, [name]: block } };
    },
  ]),
  ["first legacy variable", (given, setting, value) => withVariable(given, setting.legacyVariables[0], setting, value)],
  ["last legacy variable", (given, setting, value) => {
    return withVariable(given, setting.legacyVariables.at(-1), setting, value);
  }],
  ["first variable", (given, setting, value) => withVariable(given, setting.variables[0], setting, value)],
  ["last variable", (given, setting, value) => withVariable(given, setting.variables.at(-1), setting, value)],
  ["argument", (given, setting, value) => {
    const pair = setting.key === "headers" ? `headers.X-Scope=${value}` : `${setting.key}=${value}`;
    return { ...given, argument: given.argument === "" ? pair : `${given.argument},${pair}` };
  }],
];

function withVariable(given: Sources, name: string | undefined, { key }: Setting, value: string): Sources | null {
  if (name === undefined) return null;
  return { ...given, env: { ...given.env, [name]: key === "headers" ? `X-Scope:${value}` : value } };
}

function asJson({ key }: Setting, value: string): unknown {
  return key === "headers" ? { "X-Scope": value } : value;
}

function put(given: Sources, to: Put, values: Values): Sources | null {
  let filled: Sources | null = given;
  for (const [key, value] of Object.entries(values)) {
    const setting = SETTINGS.find((each) => each.key === key)!;
    filled = filled === null ? null : to(filled, setting, value);
  }
  return filled;
}

const nothing: Sources = { collectors: {}, options: {}, env: {}, argument: "" };
const read = (given: Sources) => readConfig({ ...given, name: "prometheus-rw", features: [] });

for (const { values, read: readValue, expected } of cases) {
  const keys = Object.keys(values[0]).join(", ");
  Deno.test(`${keys}: every source sets it and wins over the ones before`, () => {
    let filled = nothing;
    let turn = 0;
    for (const [name, to] of sources) {
      const alone = put(nothing, to, values[0]);
      if (alone === null) continue;
      assertEquals(readValue(read(alone)), expected[0], `${name} alone`);
      filled = put(filled, to, values[turn]!)!;
      assertEquals(readValue(read(filled)), expected[turn], `${name} over those before`);
      turn = 1 - turn;
    }
  });
}

Deno.test("the table of this test has every setting", () => {
  const tested = cases.flatMap(({ values }) => Object.keys(values[0]));
  assertEquals(tested.toSorted(), SETTINGS.map(({ key }) => key as string).toSorted());
});

Deno.test("no variable and no key stands for two settings", () => {
  const all: readonly Setting[] = SETTINGS;
  const names = all.flatMap(({ key, aliases = [], variables, legacyVariables }) => [
    key,
    ...aliases,
    ...variables,
    ...legacyVariables,
  ]);
  assertEquals(names.length, new Set(names).size);
});

Deno.test("the documentation lists every setting and every variable as they are", () => {
  const page = Deno.readTextFileSync(new URL("../../../docs/outputs/prometheus-rw.md", import.meta.url));
  const all: readonly Setting[] = SETTINGS;
  const code = (text: string) => text === "" ? "" : `\`${text}\``;
  assertEquals(
    tableUnder(page, "| setting "),
    all.map(({ key, aliases = [], variables, default: byDefault, meaning }) => [
      [key, ...aliases].map(code).join(", "),
      variables.map(code).join(", "),
      code(byDefault),
      meaning,
    ]),
  );
  assertEquals(
    tableUnder(page, "| variable "),
    all.flatMap(({ key, legacyVariables }) => legacyVariables.map((variable) => [code(variable), code(key)])),
  );
});

Deno.test("every variable that the documentation and the examples name is one", () => {
  const all: readonly Setting[] = SETTINGS;
  const known = all.flatMap(({ variables, legacyVariables }) => [...variables, ...legacyVariables]);
  const root = new URL("../../../", import.meta.url);
  for (const folder of ["docs/", "docs/outputs/", "docs/design/", "examples/", "examples/grafana/"]) {
    for (const { name, isFile } of Deno.readDirSync(new URL(folder, root))) {
      if (!isFile) continue;
      const text = Deno.readTextFileSync(new URL(folder + name, root));
      for (const [variable] of text.matchAll(/\bK6_PROMETHEUS_RW_[A-Z0-9_]*[A-Z0-9]\b/g)) {
        const isKnown = known.includes(variable) || variable.startsWith("K6_PROMETHEUS_RW_HEADERS_");
        assert(isKnown, `${folder}${name}: ${variable}`);
      }
    }
  }
});

/** The cells of a page's table whose head begins like that. */
function tableUnder(page: string, head: string): string[][] {
  const lines = page.split("\n");
  const start = lines.findIndex((line) => line.startsWith(head)) + 2;
  const end = lines.findIndex((line, i) => i > start && !line.startsWith("|"));
  return lines.slice(start, end).map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
}

Deno.test("whatever the sources hold: settings, or a mistake in one line that shows no secret", () => {
  const all: readonly Setting[] = SETTINGS;
  const secret = "t0psecret";
  const keys = all.flatMap(({ key, aliases = [] }) => [key, ...aliases]);
  const variables = all.flatMap(({ variables, legacyVariables }) => [...variables, ...legacyVariables]);
  const secretKeys = all.filter((setting) => setting.secret).flatMap(({ key, variables, legacyVariables }) => [
    key,
    ...variables,
    ...legacyVariables,
  ]);
  const text = fc.oneof(
    fc.string(),
    fc.constantFrom("", "1", "-1", "true", "0s", "5s", "1e9", "http://h", "a:b", "a", ",", "\n", "p(9)", "1,2", "*"),
  );
  const value = fc.oneof(text, fc.jsonValue({ maxDepth: 2 }));
  const block = fc.dictionary(fc.oneof(fc.constantFrom(...keys), fc.string()), value, { maxKeys: 4 });
  const env = fc.dictionary(fc.constantFrom(...variables, "K6_PROMETHEUS_RW_HEADERS_A", "K6_KEEP_TAGS"), text, {
    maxKeys: 4,
  });
  const blocks = fc.dictionary(fc.constantFrom("prometheusRemoteWrite", "remoteWrite"), fc.oneof(block, value));
  const withSecret = (given: Record<string, unknown>) =>
    Object.fromEntries(
      Object.entries(given).map((
        [name, held],
      ) => [name, secretKeys.includes(name) && typeof held === "string" ? `${held}${secret}` : held]),
    );
  fc.assert(
    fc.property(blocks, env, text, (options, variables, argument) => {
      const given = {
        options: Object.fromEntries(
          Object.entries(options).map(([name, held]) => [name, isRecord(held) ? withSecret(held) : held]),
        ),
        env: withSecret(variables) as Record<string, string>,
        collectors: {},
        argument,
      };
      try {
        read(given);
      } catch (error) {
        if (!(error instanceof OutputError)) throw error;
        assertEquals(/[\n\r]/.test(error.message), false, error.message);
        assertEquals(error.message.includes(secret), false, error.message);
      }
    }),
    { numRuns: 500 },
  );
});

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

Deno.test("settings of different sources come together", () => {
  fc.assert(fc.property(fc.array(fc.nat(sources.length - 1), { minLength: 5, maxLength: 5 }), (places) => {
    const given: Values[] = [{ batchSize: "7" }, { pushInterval: "9s" }, { instance: "i" }, { timeout: "1s" }, {
      trendStats: "min",
    }];
    let filled = nothing;
    // A source that doesn't have the setting: the script's block has it.
    for (const [i, values] of given.entries()) {
      filled = put(filled, sources[places[i]!]![1], values) ?? put(filled, sources[3]![1], values)!;
    }
    const { batchSize, pushIntervalMs, instance, timeoutMs, trendStats } = read(filled);
    assertEquals([batchSize, pushIntervalMs, instance, timeoutMs], [7, 9000, "i", 1000]);
    assertEquals(trendStats.map(({ suffix }) => suffix), ["min"]);
  }));
});
