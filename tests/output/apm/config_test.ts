import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { apmSecrets, DEFAULT_METRICS, hasApm, readApm } from "../../../src/output/apm/config.ts";

const URL_A = "http://prometheus.test:9090/api/v1/write";
const GOOD = { provider: "prometheus", remoteWriteURL: URL_A };

const good: { name: string; block: Record<string, unknown>; expected: Record<string, unknown>; warnings?: string[] }[] =
  [
    { name: "a minimal block", block: {}, expected: {} },
    {
      name: "a bearer token",
      block: { credentials: { token: "abc" } },
      expected: { authentication: { kind: "bearer", token: "abc" } },
    },
    {
      name: "a user name and a password",
      block: { credentials: { username: "123", password: "p w" } },
      expected: { authentication: { kind: "basic", username: "123", password: "p w" } },
    },
    {
      name: "an empty password",
      block: { credentials: { username: "u", password: "" } },
      expected: { authentication: { kind: "basic", username: "u", password: "" } },
    },
    {
      name: "credentials in the URL",
      block: { remoteWriteURL: "https://u:p%40w@host/push?tenant=1" },
      expected: {
        url: "https://host/push?tenant=1",
        authentication: { kind: "basic", username: "u", password: "p@w" },
      },
    },
    {
      name: "credentials of both kinds of place",
      block: { remoteWriteURL: "https://u:p@host/push", credentials: { token: "abc" } },
      expected: { url: "https://host/push", authentication: { kind: "bearer", token: "abc" } },
    },
    { name: "credentials that are null", block: { credentials: null }, expected: {} },
    {
      name: "more metrics",
      block: { metrics: ["http_req_waiting", "orders", "vus"] },
      expected: { metrics: [...DEFAULT_METRICS, "http_req_waiting", "orders"] },
    },
    {
      name: "other metrics",
      block: { includeDefaultMetrics: false, metrics: ["orders"] },
      expected: { metrics: ["orders"] },
    },
    { name: "a test run id", block: { includeTestRunId: true }, expected: { includeTestRunId: true } },
    { name: "the shortest distance", block: { resampleRate: 1 }, expected: { resampleRateMs: 1000 } },
    { name: "the longest distance", block: { resampleRate: 10 }, expected: { resampleRateMs: 10_000 } },
    {
      name: "names that can't be metrics",
      block: { metrics: ["my metric", "ok", "", 7, "1st"] },
      expected: { metrics: [...DEFAULT_METRICS, "ok"] },
      warnings: [
        'options.cloud.apm[0]: "my metric", "", 7, "1st" in metrics can\'t be the name of a metric and is left out',
      ],
    },
    {
      name: "snake_case",
      block: { include_default_metrics: false, export_metrics: ["a_b"], include_test_run_id: true, resample_rate: 5 },
      expected: { metrics: ["a_b"], includeTestRunId: true, resampleRateMs: 5000 },
      warnings: [
        "options.cloud.apm[0]: include_default_metrics is now called includeDefaultMetrics, " +
        "export_metrics is now called metrics, include_test_run_id is now called includeTestRunId, " +
        "resample_rate is now called resampleRate",
      ],
    },
    {
      name: "a field in two spellings, of which the right one counts",
      block: { resampleRate: 2, resample_rate: 5 },
      expected: { resampleRateMs: 2000 },
      warnings: ["options.cloud.apm[0]: resample_rate is now called resampleRate"],
    },
    {
      name: "a field that nobody knows",
      block: { batch: 1 },
      expected: {},
      warnings: [
        "options.cloud.apm[0]: unknown fields are ignored: batch; known are provider, remoteWriteURL, credentials, " +
        "includeDefaultMetrics, metrics, includeTestRunId, resampleRate",
      ],
    },
  ];

for (const { name, block, expected, warnings = [] } of good) {
  Deno.test(`${name} is understood`, () => {
    const read = readApm({ cloud: { apm: [{ ...GOOD, ...block }] } });
    assertEquals(read.warnings, warnings);
    assertEquals(read.targets.map(({ url, metrics, ...rest }) => ({ url: url.href, metrics: [...metrics], ...rest })), [
      {
        place: "options.cloud.apm[0]",
        url: URL_A,
        authentication: { kind: "none" },
        metrics: [...DEFAULT_METRICS],
        includeTestRunId: false,
        resampleRateMs: 3000,
        ...expected,
      },
    ]);
  });
}

const CREDENTIALS = 'credentials must be { token: "…" } or { username: "…", password: "…" }, with texts in them ' +
  "(is a variable of __ENV not set?)";

const bad: { name: string; block: unknown; mistake: string }[] = [
  { name: "a text", block: "prometheus", mistake: "a block must be an object, { provider: … }" },
  { name: "null", block: null, mistake: "a block must be an object, { provider: … }" },
  { name: "a list", block: [GOOD], mistake: "a block must be an object, { provider: … }" },
  {
    name: "no provider",
    block: { remoteWriteURL: URL_A },
    mistake: 'provider is missing; set it to "prometheus"',
  },
  {
    name: "another provider",
    block: { provider: "datadog", apiKey: "a", metrics: [5] },
    mistake: 'provider "datadog" is not supported; use "prometheus", with the address of a remote-write receiver',
  },
  {
    name: "a provider that is no text",
    block: { ...GOOD, provider: 1 },
    mistake: 'provider 1 is not supported; use "prometheus", with the address of a remote-write receiver',
  },
  {
    name: "no URL",
    block: { provider: "prometheus" },
    mistake: "remoteWriteURL is missing; set it to the receiver's address (is a variable of __ENV not set?)",
  },
  ...["prometheus:9090", "ftp://host/x", "/api/v1/write", "", 9090, { url: URL_A }].map((remoteWriteURL) => ({
    name: `the URL ${JSON.stringify(remoteWriteURL)}`,
    block: { ...GOOD, remoteWriteURL },
    mistake: "remoteWriteURL must be an address that begins with http:// or https://",
  })),
  ...[
    {},
    [],
    "secret",
    { token: "" },
    { token: "two words" },
    { token: 5 },
    { token: "a", username: "u", password: "p" },
    { token: "a", password: "p" },
    { username: "u" },
    { password: "p" },
    { username: "", password: "p" },
    { username: "u", password: 1 },
    { token: "a", apiKey: "b" },
  ].map((credentials) => ({
    name: `the credentials ${JSON.stringify(credentials)}`,
    block: { ...GOOD, credentials },
    mistake: CREDENTIALS,
  })),
  {
    name: "a token with its scheme",
    block: { ...GOOD, credentials: { token: "Bearer abc" } },
    mistake: 'credentials.token must be the token alone, without "Bearer"',
  },
  ...["true", 1, {}].map((value) => ({
    name: `includeTestRunId ${JSON.stringify(value)}`,
    block: { ...GOOD, includeTestRunId: value },
    mistake: `includeTestRunId must be true or false, not ${JSON.stringify(value)}`,
  })),
  {
    name: "includeDefaultMetrics that is a text",
    block: { ...GOOD, includeDefaultMetrics: "no" },
    mistake: 'includeDefaultMetrics must be true or false, not "no"',
  },
  ...["http_reqs", { a: 1 }, 5].map((metrics) => ({
    name: `the metrics ${JSON.stringify(metrics)}`,
    block: { ...GOOD, metrics },
    mistake: 'metrics must be a list of names, ["http_req_waiting"]',
  })),
  {
    name: "no metrics at all",
    block: { ...GOOD, includeDefaultMetrics: false },
    mistake: "there is nothing to send; name some metrics, or leave includeDefaultMetrics out",
  },
  ...[0, 11, -1, 2.5, "3", "3s", {}].map((resampleRate) => ({
    name: `the rate ${JSON.stringify(resampleRate)}`,
    block: { ...GOOD, resampleRate },
    mistake: `resampleRate must be a whole number of seconds from 1 to 10, not ${JSON.stringify(resampleRate)}`,
  })),
  {
    name: "several mistakes",
    block: { remoteWriteUri: "x", remote_write_url: "x", resampleRate: 60 },
    mistake: 'provider is missing; set it to "prometheus"; ' +
      "remoteWriteURL must be an address that begins with http:// or https://; " +
      "resampleRate must be a whole number of seconds from 1 to 10, not 60; unknown fields: remoteWriteUri",
  },
];

for (const { name, block, mistake } of bad) {
  Deno.test(`a block with ${name} is skipped, the one after it is not`, () => {
    const { targets, warnings } = readApm({ cloud: { apm: [block, GOOD] } });
    assertEquals(warnings, [`options.cloud.apm[0] is skipped: ${mistake}`]);
    assertEquals(targets.map(({ place }) => place), ["options.cloud.apm[1]"]);
  });
}

Deno.test("blocks stand in options.cloud, or in options.ext.loadimpact; the first wins", () => {
  const places = (options: Record<string, unknown>) => readApm(options).targets.map(({ place }) => place);
  assertEquals(places({ ext: { loadimpact: { apm: [GOOD] } } }), ["options.ext.loadimpact.apm[0]"]);
  assertEquals(places({ cloud: { name: "shop" }, ext: { loadimpact: { apm: [GOOD] } } }), [
    "options.ext.loadimpact.apm[0]",
  ]);
  const both = { cloud: { apm: [GOOD] }, ext: { loadimpact: { apm: [GOOD, GOOD] } } };
  assertEquals(places(both), ["options.cloud.apm[0]"]);
  assertEquals(readApm(both).warnings, ["options.ext.loadimpact.apm is ignored: options.cloud.apm counts"]);
});

Deno.test("what is no list of blocks is reported", () => {
  assertEquals(readApm({ cloud: { apm: GOOD } }), {
    targets: [],
    warnings: ["options.cloud.apm is ignored: it must be a list of blocks, [{ provider: … }]"],
  });
});

Deno.test("scripts without blocks have none", () => {
  for (
    const options of [{}, { cloud: null, ext: null }, { cloud: {} }, { cloud: { apm: null } }, { cloud: { apm: [] } }, {
      ext: { loadimpact: "x" },
    }]
  ) {
    assertEquals(hasApm(options), false);
    assertEquals(readApm(options), { targets: [], warnings: [] });
  }
  assertEquals(hasApm({ cloud: { apm: [1] } }), true);
});

Deno.test("two blocks never send the same series to one receiver", () => {
  const { targets, warnings } = readApm({
    cloud: {
      apm: [
        { ...GOOD, includeDefaultMetrics: false, metrics: ["a", "b"] },
        { ...GOOD, includeDefaultMetrics: false, metrics: ["b", "c"] },
        { ...GOOD, includeDefaultMetrics: false, metrics: ["a"] },
        { ...GOOD, includeDefaultMetrics: false, metrics: ["a"], includeTestRunId: true },
        { ...GOOD, includeDefaultMetrics: false, metrics: ["a"], credentials: { token: "another-tenant" } },
      ],
    },
  });
  assertEquals(targets.map(({ metrics }) => [...metrics]), [["a", "b"], ["c"], ["a"], ["a"]]);
  assertEquals(warnings, [
    `options.cloud.apm[1] leaves b to options.cloud.apm[0], which sends to ${URL_A}, too`,
    `options.cloud.apm[2] leaves a to options.cloud.apm[0], which sends to ${URL_A}, too`,
  ]);
});

Deno.test("tokens and passwords of good and bad blocks are known as secrets, and in no message", () => {
  const options = {
    cloud: {
      apm: [
        { ...GOOD, credentials: { token: "secret1" } },
        { ...GOOD, credentials: { username: "user", password: "secret2", token: "secret3" } },
        { ...GOOD, credentials: "secret4" },
        { provider: "x", remote_write_url: "https://u:secret%2F5@host/", credentials: { apiKey: "secret6" } },
        { ...GOOD, credentials: { token: "secret7 with blanks" } },
      ],
    },
  };
  assertEquals(apmSecrets(options), [
    "secret1",
    "secret2",
    "secret3",
    btoa("user:secret2"),
    "secret4",
    "secret%2F5",
    "secret/5",
    btoa("u:secret/5"),
    "secret6",
    "secret7 with blanks",
  ]);
  assertEquals(readApm(options).warnings.filter((warning) => warning.includes("secret")), []);
});

Deno.test("no value whatever makes reading fail", () => {
  fc.assert(fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
    const { targets, warnings } = readApm({ cloud: { apm: a }, ext: b });
    for (const warning of warnings) assertEquals(warning.includes("\n"), false);
    assertEquals(targets, []);
    const fields = {
      provider: a,
      remoteWriteURL: b,
      credentials: a,
      metrics: b,
      includeTestRunId: a,
      resampleRate: b,
    };
    readApm({ cloud: { apm: [fields, { ...GOOD, credentials: b, metrics: [a] }] } });
    apmSecrets({ cloud: { apm: [fields, a, b] } });
  }));
});
