/** Receivers that let nobody in without a certificate and a password: a real Prometheus and a real VictoriaMetrics. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { prometheus, testWithPrograms, victoriaMetrics } from "../support/debian.ts";
import { RemoteWriteReceiver } from "../support/remote_write_receiver.ts";
import { startPrometheus } from "../support/prometheus.ts";
import { basicAuthorization, startVictoriaMetrics } from "../support/victoria_metrics.ts";
import { type K6dResult, logEntries, runK6d, runSuccessfully } from "./support/k6d.ts";

const path = (file: string) => new URL(file, import.meta.url).pathname;
const SERVER_AUTHORITY = path("testdata/authority.pem");
const SERVER_CERTIFICATE = path("testdata/server_certificate.pem");
const SERVER_KEY = path("testdata/server_key.pem");
/** Its own authority. */
const CLIENT_CERTIFICATE = path("../output/prometheus/testdata/certificate.pem");
const CLIENT_KEY = path("../output/prometheus/testdata/key.pem");

const USER = { username: "k6d", password: "s3cret pass" };
/** Of the password; four rounds, which is little and quick. */
const BCRYPT = "$2y$04$abcdefghijklmnopqrstuuoBpIrM0OnplXjsOI8DWYJTHUhJDuUv.";

const SCRIPT = `
import { Counter, Trend } from "k6/metrics";
export const options = { iterations: 3 };
const orders = new Counter("orders");
const size = new Trend("size");
export default function () {
  orders.add(2);
  size.add(7);
}
`;

const TLS = { K6_PROMETHEUS_RW_CA_CERTIFICATE: SERVER_AUTHORITY };
const CERTIFICATE = {
  K6_PROMETHEUS_RW_CLIENT_CERTIFICATE: CLIENT_CERTIFICATE,
  K6_PROMETHEUS_RW_CLIENT_CERTIFICATE_KEY: CLIENT_KEY,
};
const BASIC = { K6_PROMETHEUS_RW_USERNAME: USER.username, K6_PROMETHEUS_RW_PASSWORD: USER.password };
/** With the series left open, so that they can be queried as of now. */
const HISTOGRAMS = { K6_PROMETHEUS_RW_TREND_AS_NATIVE_HISTOGRAM: "true", K6_PROMETHEUS_RW_STALE_MARKERS: "false" };

testWithPrograms("a Prometheus with TLS, client certificates and passwords takes what is let in", [prometheus], async (
  program,
) => {
  using client = Deno.createHttpClient({
    caCerts: [Deno.readTextFileSync(SERVER_AUTHORITY)],
    cert: Deno.readTextFileSync(CLIENT_CERTIFICATE),
    key: Deno.readTextFileSync(CLIENT_KEY),
  });
  await using server = await startPrometheus(program, {
    web: JSON.stringify({
      tls_server_config: {
        cert_file: SERVER_CERTIFICATE,
        key_file: SERVER_KEY,
        client_ca_file: CLIENT_CERTIFICATE,
        client_auth_type: "RequireAndVerifyClientCert",
        min_version: "TLS13",
      },
      basic_auth_users: { [USER.username]: BCRYPT },
    }),
    nativeHistograms: true,
    fetcher: (url) => fetch(url, { client, headers: basicAuthorization(USER) }),
  });
  const env = { K6_PROMETHEUS_RW_SERVER_URL: server.writeUrl };

  const result = await runSuccessfully({
    files: SCRIPT,
    args: ARGS,
    env: { ...env, ...TLS, ...CERTIFICATE, ...BASIC, ...HISTOGRAMS },
  });
  assertEquals(complaints(result), []);
  assertEquals((await server.samples("k6_orders_total")).at(-1)?.value, 6);
  assertEquals((await server.query("histogram_count(k6_size)"))[0]?.value, 3);

  const refused = await Promise.all([
    run({ ...env, ...TLS, ...CERTIFICATE, ...BASIC, K6_PROMETHEUS_RW_PASSWORD: "wr0ng" }),
    run({ ...env, ...TLS, ...CERTIFICATE }),
    run({ ...env, ...TLS, ...BASIC }),
    run({ ...env, ...CERTIFICATE, ...BASIC }),
  ]);
  const reasons = [
    /HTTP 401: Unauthorized; check the user name and password/,
    /HTTP 401: Unauthorized; check the user name and password/,
    /the server asks for a client certificate/,
    /no trusted authority has signed the server's certificate/,
  ];
  for (const [i, reason] of reasons.entries()) assertRefused(refused[i]!, reason);
});

testWithPrograms(
  "the feature native-histograms sends Trends as such, with k6's tag for it",
  [prometheus],
  async (program) => {
    await using server = await startPrometheus(program, { nativeHistograms: true });
    const result = await runSuccessfully({
      files: SCRIPT,
      args: ["run", "--quiet", "--features", "native-histograms", "-o", "prometheus-rw", "script.js"],
      env: { K6_PROMETHEUS_RW_SERVER_URL: server.writeUrl, K6_PROMETHEUS_RW_STALE_MARKERS: "false" },
    });
    assertEquals(complaints(result), []);
    for (const [query, expected] of [["histogram_count(k6_size)", 3], ["histogram_sum(k6_size)", 21]] as const) {
      const [point] = await server.query(query);
      assertEquals([point?.labels["k6_feature_native_histograms"], point?.value], ["true", expected]);
    }
  },
);

testWithPrograms("a Prometheus without TLS 1.3 needs leave to use 1.2", [prometheus], async (program) => {
  using client = Deno.createHttpClient({ caCerts: [Deno.readTextFileSync(SERVER_AUTHORITY)] });
  await using server = await startPrometheus(program, {
    web: JSON.stringify({
      tls_server_config: { cert_file: SERVER_CERTIFICATE, key_file: SERVER_KEY, max_version: "TLS12" },
    }),
    fetcher: (url) => fetch(url, { client }),
  });
  const env = { K6_PROMETHEUS_RW_SERVER_URL: server.writeUrl, SSL_CERT_FILE: SERVER_AUTHORITY };
  const [refused, accepted] = await Promise.all([run(env), run({ ...env, K6_PROMETHEUS_RW_TLS_MIN_VERSION: "1.2" })]);
  assertRefused(refused, /the server does not offer TLS 1\.3, the least version that is set/);
  assertEquals(complaints(accepted), []);
  assertEquals((await server.samples("k6_orders_total")).at(-1)?.value, 6);
});

testWithPrograms("a VictoriaMetrics with a password takes what is let in", [victoriaMetrics], async (program) => {
  await using server = await startVictoriaMetrics(program, USER);
  const env = { K6_PROMETHEUS_RW_SERVER_URL: server.writeUrl };
  const [accepted, refused] = await Promise.all([run({ ...env, ...BASIC }), run(env)]);
  assertEquals(complaints(accepted), []);
  assertEquals((await server.samples("k6_orders_total")).at(-1)?.value, 6);
  assertRefused(refused, /HTTP 401.*check the user name and password/);
});

Deno.test("the log never shows a password, even when the script would", async () => {
  await using receiver = new RemoteWriteReceiver();
  const result = await runSuccessfully({
    files: SCRIPT.replace("orders.add(2);", 'orders.add(2); console.log("it is " + __ENV.K6_PROMETHEUS_RW_PASSWORD);'),
    args: ARGS,
    env: { ...BASIC, K6_PROMETHEUS_RW_SERVER_URL: receiver.url },
  });
  assertEquals(result.stderr.includes(USER.password), false);
  assertStringIncludes(result.stderr, "it is ***SECRET_REDACTED***");
});

const ARGS = ["run", "--quiet", "-o", "prometheus-rw", "script.js"];

function run(env: Record<string, string>): Promise<K6dResult> {
  return runK6d({ files: SCRIPT, args: ARGS, env });
}

/** Warnings and errors. */
function complaints({ stderr }: K6dResult): string[] {
  return logEntries(stderr).filter(({ level }) => level !== "info").map(({ msg }) => msg ?? "");
}

/** A test doesn't fail because its receiver does: one error says why, the report at the end counts. */
function assertRefused({ code, stderr }: K6dResult, reason: RegExp): void {
  assertEquals(code, 0);
  const errors = logEntries(stderr).filter(({ level }) => level === "error").map(({ msg }) => msg ?? "");
  assertEquals(errors.length, 1, stderr);
  assertMatch(errors[0]!, reason);
  assert(!stderr.includes("wr0ng") && !stderr.includes(USER.password), stderr);
}
