import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { assertLimits, metricsFormat, readConfig } from "../../../src/output/cloud/config.ts";
import type { CloudSources } from "../../../src/output/cloud/setting_sources.ts";
import { OutputError } from "../../../src/output/output.ts";

const nothing: CloudSources = { collectors: {}, options: {}, env: {}, argument: "" };
const env = (variables: Record<string, string>) => ({ ...nothing, env: variables });
const override = (config: unknown) => ({ ...nothing, override: config });

const A_BASE = "expected an address that begins with http:// or https://, without ? and #";

const mistakes: { readonly sources: CloudSources; readonly message: string }[] = [
  {
    sources: env({ K6_CLOUD_AGGREGATION_PERIOD: "soon" }),
    message:
      'cloud output: invalid aggregationPeriod (K6_CLOUD_AGGREGATION_PERIOD) "soon": expected a positive duration such as "3s"',
  },
  {
    sources: env({ K6_CLOUD_STOP_ON_ERROR: "yes" }),
    message: 'cloud output: invalid stopOnError (K6_CLOUD_STOP_ON_ERROR) "yes": expected true or false',
  },
  {
    sources: { ...nothing, options: { cloud: { projectID: "my project" } } },
    message:
      'cloud output: invalid projectID (options.cloud.projectID) "my project": expected a whole number of at least 1',
  },
  {
    sources: { ...nothing, collectors: { cloud: { apiVersion: 1 } } },
    message:
      "cloud output: invalid apiVersion (config file, collectors.cloud.apiVersion): v1 is not supported anymore, use 2",
  },
  {
    sources: override({ apiVersion: 3 }),
    message: "cloud output: invalid apiVersion (the service's config.apiVersion): 3 is an unexpected version, use 2",
  },
  {
    sources: override("config"),
    message: 'cloud output: the service\'s config must be an object, for example { "projectID": 123 }',
  },
  {
    sources: override({ metricPushInterval: { seconds: 1 } }),
    message:
      'cloud output: invalid metricPushInterval (the service\'s config.metricPushInterval) {"seconds":1}: expected a positive duration such as "3s"',
  },
  {
    sources: env({ K6_CLOUD_TOKEN: "two words" }),
    message: "cloud output: invalid token (K6_CLOUD_TOKEN): expected text without blanks",
  },
  {
    sources: env({ K6_CLOUD_HOST: "ingest.k6.io" }),
    message: `cloud output: invalid host (K6_CLOUD_HOST): ${A_BASE}`,
  },
  {
    sources: env({ K6_CLOUD_HOST: "http://h/base?token=hidden" }),
    message: `cloud output: invalid host (K6_CLOUD_HOST): ${A_BASE}`,
  },
  {
    sources: override({ testRunDetails: "http://h/\x1b[31m" }),
    message: "cloud output: invalid testRunDetails (the service's config.testRunDetails): " +
      "expected an address that begins with http:// or https://",
  },
  {
    sources: env({ K6_CLOUD_PUSH_REF_ID: ".." }),
    message: 'cloud output: invalid pushRefID (K6_CLOUD_PUSH_REF_ID) "..": ' +
      "expected 1 to 256 visible ASCII characters, and not only dots",
  },
  {
    sources: env({ K6_CLOUD_TRACES_HOST: "https://h:1" }),
    message:
      'cloud output: invalid traceHost (K6_CLOUD_TRACES_HOST) "https://h:1": expected host:port, without a scheme',
  },
  {
    sources: env({ K6_CLOUD_PUSH_REF_ID: "5", K6_CLOUD_TEST_RUN_TOKEN: "t" }),
    message: "cloud output: K6_CLOUD_METRICS_PUSH_URL and K6_CLOUD_TEST_RUN_TOKEN need each other: set both, or none",
  },
  {
    sources: env({ K6_CLOUD_PUSH_REF_ID: "5", K6_CLOUD_LOGS_PUSH_URL: "http://l" }),
    message: "cloud output: K6_CLOUD_LOGS_PUSH_URL needs K6_CLOUD_TEST_RUN_TOKEN: set both, or none",
  },
];

for (const { sources, message } of mistakes) {
  Deno.test(message, () => {
    assertEquals(assertThrows(() => readConfig(sources), OutputError).message, message);
  });
}

const limits: { readonly env: Record<string, string>; readonly message: string }[] = [
  {
    env: { K6_CLOUD_METRIC_PUSH_CONCURRENCY: "0", K6_CLOUD_MAX_TIME_SERIES_IN_BATCH: "0" },
    message: "cloud output: metricPushConcurrency must be at least 1, but is 0 (K6_CLOUD_METRIC_PUSH_CONCURRENCY)",
  },
  {
    env: { K6_CLOUD_MAX_TIME_SERIES_IN_BATCH: "-3", K6_CLOUD_AGGREGATION_PERIOD: "1500" },
    message: "cloud output: maxTimeSeriesInBatch must be at least 1, but is -3 (K6_CLOUD_MAX_TIME_SERIES_IN_BATCH)",
  },
  {
    env: { K6_CLOUD_AGGREGATION_PERIOD: "1500" },
    message: "cloud output: aggregationPeriod must be whole seconds, but is 1500 ms (K6_CLOUD_AGGREGATION_PERIOD)",
  },
  {
    env: { K6_CLOUD_AGGREGATION_WAIT_PERIOD: "8.5s" },
    message:
      "cloud output: aggregationWaitPeriod must be whole seconds, but is 8500 ms (K6_CLOUD_AGGREGATION_WAIT_PERIOD)",
  },
];

for (const { env: variables, message } of limits) {
  Deno.test(message, () => {
    const config = readConfig(env(variables));
    assertEquals(assertThrows(() => assertLimits(config), OutputError).message, message);
  });
}

Deno.test("blanks around an address do not count", () => {
  const { host, testRunDetails, stackUrl } = readConfig(env({
    K6_CLOUD_HOST: " http://h/base/ \n",
    K6_CLOUD_TEST_RUN_DETAILS: "http://d/\n",
    K6_CLOUD_STACK_URL: "team\n",
  }));
  assertEquals([host, testRunDetails, stackUrl], ["http://h/base", "http://d/", "https://team.grafana.net"]);
});

Deno.test("the defaults are within the limits", () => assertLimits(readConfig(nothing)));

Deno.test("the scoped token counts only with a test run to push to", () => {
  const { scopedPush, logsPush } = readConfig(
    env({ K6_CLOUD_TEST_RUN_TOKEN: "t", K6_CLOUD_LOGS_PUSH_URL: "http://l" }),
  );
  assertEquals([scopedPush, logsPush], [null, null]);
});

Deno.test("a project of 0 and below is none, in every source", () => {
  const sources = {
    ...env({ K6_CLOUD_PROJECT_ID: "-1" }),
    options: { cloud: { projectID: 12 } },
    override: { projectID: 0 },
  };
  assertEquals(readConfig(sources).projectId, 12);
});

Deno.test("a stack may be named by its address without a scheme", () => {
  assertEquals(readConfig(env({ K6_CLOUD_STACK_URL: "Team.grafana.net" })).stackUrl, "https://team.grafana.net");
});

Deno.test("the service gives the address of a stack only where there is none", () => {
  assertEquals(readConfig(override({ stackURL: "other" })).stackUrl, "https://other.grafana.net");
  const sources = { ...env({ K6_CLOUD_STACK_URL: "mine" }), override: { stackURL: "other" } };
  assertEquals(readConfig(sources).stackUrl, "https://mine.grafana.net");
});

Deno.test("a script does not choose who is shown the stored token", () => {
  const stored = { cloud: { token: "stored", host: "http://mine" } };
  const read = (cloud: Record<string, string>, env = {}) =>
    readConfig({ ...nothing, collectors: stored, options: { cloud }, env });
  for (const place of [{ host: "http://other" }, { hostv6: "http://other" }, { traceHost: "other:1" }]) {
    const { message } = assertThrows(() => read(place), OutputError);
    assertMatch(message, /^cloud output: options\.cloud\.\w+ must not say where the stored token goes: set K6_CLOUD_/);
    read(place, { K6_CLOUD_TOKEN: "of-the-other" });
    read({ ...place, token: "of-the-script" });
  }
  assertEquals(read({ host: "http://mine" }).host, "http://mine");
  assertEquals(read({ host: "http://other" }, { K6_CLOUD_HOST: "http://third" }).host, "http://third");
});

Deno.test("null in JSON and nothing in a variable say nothing", () => {
  const sources = {
    ...env({ K6_CLOUD_NAME: "" }),
    options: { cloud: { name: "a", timeout: null } },
    override: { name: null },
  };
  const { name, timeoutMs } = readConfig(sources);
  assertEquals([name, timeoutMs], ["a", 60_000]);
});

Deno.test("keys may be written in any case, and keys of others are left alone", () => {
  const cloud = {
    projectId: 3,
    STACKURL: "team",
    distribution: { a: { loadZone: "b", percent: 100 } },
    note: "n",
    apm: [],
  };
  const { projectId, stackUrl, warnings } = readConfig({ ...nothing, options: { cloud } });
  assertEquals([projectId, stackUrl, warnings], [3, "https://team.grafana.net", []]);
});

Deno.test("what only the environment has is not read from a script", () => {
  const { showLogs, testRunId } = readConfig({ ...nothing, options: { cloud: { showLogs: false, testRunID: "5" } } });
  assertEquals([showLogs, testRunId], [true, null]);
});

Deno.test("k6 1's block of options counts, with a word about its new name", () => {
  const ext = { loadimpact: { projectID: 1, name: "old" } };
  const { projectId, name, warnings } = readConfig({ ...nothing, options: { ext, cloud: { name: "new" } } });
  assertEquals([projectId, name], [1, "new"]);
  assertEquals(warnings, [
    "options.ext.loadimpact is an old name of options.cloud, which counts where both have a setting",
  ]);
  assertEquals(readConfig({ ...nothing, options: { ext: { loadimpact: { apm: [] } } } }).warnings, []);
});

Deno.test("a variable that nothing reads is named, with the one that it may be meant for", () => {
  assertEquals(
    readConfig(env({ K6_CLOUD_TOKENS: "x", K6_CLOUD_OF_DUST: "y", K6_CLOUDRUN_INSTANCE_ID: "1" })).warnings,
    [
      "the variable K6_CLOUD_TOKENS has no effect: there is no such setting; did you mean K6_CLOUD_TOKEN?",
      "the variable K6_CLOUD_OF_DUST has no effect: there is no such setting",
    ],
  );
});

Deno.test("secrets are known wherever they stand, also those that another source replaces", () => {
  const { secrets } = readConfig({
    ...env({
      K6_CLOUD_TOKEN: "token-of-env",
      K6_CLOUD_SECRETS_TOKEN: "token-of-secrets",
      K6_CLOUD_TEST_RUN_TOKEN: "scoped",
    }),
    collectors: { cloud: { token: "token-of-file" } },
    options: {
      cloud: {
        token: "token-of-script",
        host: "https://user:p%40ss@host",
        testRunDetails: "https://h/?apiKey=in-query",
      },
    },
    override: { token: "token-of-service" },
  });
  assertEquals(
    new Set(secrets),
    new Set([
      ...["token-of-env", "token-of-secrets", "scoped", "token-of-file", "token-of-script", "token-of-service"],
      ...["p%40ss", "p@ss", btoa("user:p@ss"), "in-query"],
    ]),
  );
});

Deno.test("metrics go to Grafana's hosts in protobuf, to others in JSON, unless it is set otherwise", () => {
  const format = (url: string, set: Record<string, string> = {}) => metricsFormat(readConfig(env(set)), url);
  assertEquals(format("https://ingest.k6.io/v2/metrics/1"), "protobuf");
  assertEquals(format("https://x.grafana.net/push"), "protobuf");
  assertEquals(format("https://notk6.io"), "json");
  assertEquals(format("http://127.0.0.1:1"), "json");
  assertEquals(format("http://127.0.0.1:1", { K6_CLOUD_METRICS_FORMAT: "protobuf" }), "protobuf");
  assertEquals(format("https://ingest.k6.io", { K6_CLOUD_METRICS_FORMAT: "json" }), "json");
});

Deno.test("another service's token is not shown to Grafana's hosts for logs and traces", () => {
  const places = (variables: Record<string, string>) => {
    const { logsTailUrl, traces } = readConfig(env(variables));
    return [logsTailUrl !== null, traces.enabled];
  };
  assertEquals(places({}), [true, true]);
  assertEquals(places({ K6_CLOUD_HOST: "https://hub.test", K6_CLOUD_HOST_V6: "https://hub.test" }), [false, false]);
  assertEquals(
    places({
      K6_CLOUD_HOST: "https://hub.test",
      K6_CLOUD_HOST_V6: "https://hub.test",
      K6_CLOUD_TRACES_HOST: "hub.test:443",
      K6_CLOUD_LOGS_TAIL_URL: "wss://hub.test/tail",
    }),
    [true, true],
  );
  // All that a local execution asks for.
  assertEquals(places({ K6_CLOUD_HOST_V6: "https://hub.test" }), [false, false]);
  assertEquals(places({ K6_CLOUD_HOST: "https://ingest.staging.k6.io" }), [true, true]);
});
