import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { OutputError } from "../../../src/output/output.ts";
import { readConfig, type RemoteWriteConfig } from "../../../src/output/prometheus/config.ts";
import { describeUrl } from "../../../src/output/url_text.ts";
import { createOutput, withOutputsOfOptions } from "../../../src/output/outputs.ts";
import { commonContext } from "../support/run_facts.ts";

interface Sources {
  readonly name?: string;
  readonly argument?: string;
  readonly env?: Record<string, string>;
  readonly options?: Record<string, unknown>;
  readonly collectors?: Record<string, unknown>;
  readonly features?: string[];
}

function read(
  { name = "prometheus-rw", argument = "", env = {}, options = {}, collectors = {}, features = [] }: Sources,
): RemoteWriteConfig {
  return readConfig({ name, argument, env, options, collectors, features });
}

Deno.test("without settings the defaults apply", () => {
  const config = read({});
  assertEquals(config.url.href, "http://localhost:9090/api/v1/write");
  assertEquals(config.pushIntervalMs, 5000);
  assertEquals(config.batchSize, 1000);
  assertEquals(config.trendStats.map(({ suffix }) => suffix), ["p99"]);
  assertEquals(config.staleMarkers, true);
  assertEquals(config.insecureSkipTlsVerify, false);
  assertEquals(config.tlsMinVersion, "1.3");
  assertEquals(config.authentication, { kind: "none" });
  assertEquals(config.headers, []);
  assertEquals(config.warnings, []);
});

Deno.test("later sources win: config file, script, old environment, environment, argument", () => {
  const sources = {
    collectors: { "experimental-prometheus-rw": { url: "http://file/" } },
    options: {
      remoteWrite: { url: "http://alias/" },
      prometheusRemoteWrite: { url: "http://script/" },
    },
    env: { K6_PROMETHEUS_REMOTE_URL: "http://legacy/", K6_PROMETHEUS_RW_SERVER_URL: "http://modern/" },
  };
  assertEquals(read({ ...sources, argument: "http://argument/" }).url.host, "argument");
  assertEquals(read(sources).url.host, "modern");
  assertEquals(read({ ...sources, env: { K6_PROMETHEUS_REMOTE_URL: "http://legacy/" } }).url.host, "legacy");
  assertEquals(read({ ...sources, env: {} }).url.host, "script");
  assertEquals(read({ collectors: sources.collectors }).url.host, "file");
});

Deno.test("both families of variables are read", () => {
  const modern = read({
    env: {
      K6_PROMETHEUS_RW_SERVER_URL: "https://host/w?x=1",
      K6_PROMETHEUS_RW_PUSH_INTERVAL: "1m30s",
      K6_PROMETHEUS_RW_TREND_STATS: "p(95),min,max",
      K6_PROMETHEUS_RW_STALE_MARKERS: "false",
      K6_PROMETHEUS_RW_TLS_MIN_VERSION: "1.2",
      K6_PROMETHEUS_RW_USERNAME: "u",
      K6_PROMETHEUS_RW_PASSWORD: "p",
      "K6_PROMETHEUS_RW_HEADERS_X-Scope": "a",
      K6_PROMETHEUS_RW_HTTP_HEADERS: "x-scope:b,X-Time:12:00",
    },
  });
  assertEquals(modern.url.href, "https://host/w?x=1");
  assertEquals(modern.pushIntervalMs, 90_000);
  assertEquals(modern.trendStats.map(({ suffix }) => suffix), ["p95", "min", "max"]);
  assertEquals(modern.staleMarkers, false);
  assertEquals(modern.tlsMinVersion, "1.2");
  assertEquals(modern.authentication, { kind: "basic", username: "u", password: "p" });
  assertEquals(modern.headers, [["x-scope", "b"], ["X-Time", "12:00"]]);

  const legacy = read({
    env: {
      K6_PROMETHEUS_PUSH_INTERVAL: "250",
      K6_PROMETHEUS_HEADERS_Org: "7",
      K6_PROMETHEUS_HEADERS: "X-A:1",
      K6_PROMETHEUS_USER: "u",
      K6_PROMETHEUS_PASSWORD: "p",
      K6_PROMETHEUS_INSECURE_SKIP_TLS_VERIFY: "1",
    },
  });
  assertEquals(legacy.pushIntervalMs, 250);
  assertEquals(legacy.headers, [["Org", "7"], ["X-A", "1"]]);
  assertEquals(legacy.authentication, { kind: "basic", username: "u", password: "p" });
  assertEquals(legacy.insecureSkipTlsVerify, true);
});

Deno.test("variables that are set to nothing count as not set", () => {
  const config = read({ env: { K6_PROMETHEUS_RW_SERVER_URL: "", K6_PROMETHEUS_RW_USERNAME: "" } });
  assertEquals(config.url.host, "localhost:9090");
  assertEquals(config.authentication, { kind: "none" });
});

Deno.test("a block of the script's options sets everything and asks for the output", () => {
  const options = {
    prometheusRemoteWrite: {
      url: "http://h/w",
      headers: { A: "1" },
      batchInterval: "2s",
      batchSize: 50,
      trendStats: ["avg"],
    },
  };
  const config = read({ options });
  assertEquals([config.pushIntervalMs, config.batchSize, config.headers], [2000, 50, [["A", "1"]]]);
  assertEquals(withOutputsOfOptions([], options), ["prometheus-rw"]);
  assertEquals(withOutputsOfOptions(["json=x"], options), ["json=x", "prometheus-rw"]);
  assertEquals(withOutputsOfOptions(["experimental-prometheus-rw=http://h"], options), [
    "experimental-prometheus-rw=http://h",
  ]);
  assertEquals(withOutputsOfOptions(["json"], {}), ["json"]);
});

Deno.test("the argument may be a list of keys and values", () => {
  const config = read({
    argument: "url=https://h/w?a=b,headers.X-Scope=t,trendStats=p(90),p(95),pushInterval=1s,staleMarkers=f",
  });
  assertEquals(config.url.href, "https://h/w?a=b");
  assertEquals(config.headers, [["X-Scope", "t"]]);
  assertEquals(config.trendStats.map(({ suffix }) => suffix), ["p90", "p95"]);
  assertEquals([config.pushIntervalMs, config.staleMarkers], [1000, false]);
});

Deno.test("the old extension's name skips certificate checks unless told otherwise, and warns", () => {
  const name = "output-prometheus-remote";
  const https = { K6_PROMETHEUS_REMOTE_URL: "https://h/w" };
  assertEquals(read({ name, env: https }).insecureSkipTlsVerify, true);
  assertEquals(read({ name, env: https }).warnings.length, 1);
  for (const variable of ["K6_PROMETHEUS_INSECURE_SKIP_TLS_VERIFY", "K6_PROMETHEUS_RW_INSECURE_SKIP_TLS_VERIFY"]) {
    assertEquals(read({ name, env: { ...https, [variable]: "false" } }).insecureSkipTlsVerify, false);
  }
  assertEquals(read({ name: "xk6-prometheus-rw", env: https }).insecureSkipTlsVerify, false);
});

Deno.test("one way of authentication is chosen: sigv4, bearer, basic, then the user's own header", () => {
  const env: Record<string, string> = { K6_PROMETHEUS_RW_HTTP_HEADERS: "Authorization:own,X-A:1" };
  assertEquals(read({ env }).headers, [["Authorization", "own"], ["X-A", "1"]]);
  env["K6_PROMETHEUS_RW_USERNAME"] = "u";
  assertEquals(read({ env }).authentication, { kind: "basic", username: "u", password: "" });
  assertEquals(read({ env }).headers, [["X-A", "1"]]);
  env["K6_PROMETHEUS_RW_BEARER_TOKEN"] = "t";
  assertEquals(read({ env }).authentication, { kind: "bearer", token: "t" });
  env["K6_PROMETHEUS_RW_SIGV4_REGION"] = "r";
  env["K6_PROMETHEUS_RW_SIGV4_ACCESS_KEY"] = "a";
  env["K6_PROMETHEUS_RW_SIGV4_SECRET_KEY"] = "s";
  assertEquals(read({ env }).authentication, { kind: "sigv4", region: "r", accessKey: "a", secretKey: "s" });
});

Deno.test("credentials of the URL are used and never shown", () => {
  const config = read({ argument: "http://us%40er:s%C3%A9cret@h:1/w?token=hidden" });
  assertEquals(config.authentication, { kind: "basic", username: "us@er", password: "sécret" });
  assertEquals(describeUrl(config.url), "http://h:1/w?…");
  const output = createOutput("prometheus-rw=http://u:topsecret@h:1/w", commonContext());
  assertEquals(output.description, "Prometheus remote write (http://h:1/w)");
});

Deno.test("Trends are statistics, native histograms or classic histograms", () => {
  assertEquals([read({}).trendMode, read({}).histogramBuckets], ["stats", []]);
  assertEquals(read({ env: { K6_PROMETHEUS_RW_TREND_AS_NATIVE_HISTOGRAM: "T" } }).trendMode, "native");
  assertEquals(read({ features: ["native-histograms"] }).trendMode, "native");
  const classic = read({ env: { K6_PROMETHEUS_RW_TREND_HISTOGRAM_BUCKETS: "0.1, .5,1e1" } });
  assertEquals([classic.trendMode, classic.histogramBuckets], ["classic", [0.1, 0.5, 10]]);
  assertEquals(
    read({ options: { remoteWrite: { trendHistogramBuckets: [-1, 0, 2.5] } } }).histogramBuckets,
    [-1, 0, 2.5],
  );
});

Deno.test("a least TLS version that nobody knows is 1.3, with a warning", () => {
  const config = read({ env: { K6_PROMETHEUS_RW_TLS_MINIMUM_VERSION: "TLS12" } });
  assertEquals(config.tlsMinVersion, "1.3");
  assertEquals(config.warnings, [
    'tlsMinVersion "TLS12" (K6_PROMETHEUS_RW_TLS_MINIMUM_VERSION) is neither 1.2 nor 1.3: the least version is 1.3',
  ]);
});

Deno.test("the old extension's switches for tags drop them, its mapping is named as without effect", () => {
  assertEquals(read({ env: { K6_KEEP_URL_TAG: "false", K6_KEEP_NAME_TAG: "0" } }).dropTags, new Set(["name", "url"]));
  assertEquals(read({ env: { K6_KEEP_TAGS: "f" } }).dropTags, "all");
  const env = { K6_KEEP_URL_TAG: "true", K6_PROMETHEUS_RW_DROP_TAGS: "ip, my-tag" };
  assertEquals(read({ env }).dropTags, new Set(["ip", "my-tag"]));
  assertEquals(read({ env: { K6_PROMETHEUS_MAPPING: "prometheus" } }).warnings, []);
  assertEquals(read({ env: { K6_PROMETHEUS_MAPPING: "raw" } }).warnings.length, 1);
});

Deno.test("a variable that sets nothing is named, with the one that was meant", () => {
  const warnings = (name: string) => read({ env: { [name]: "x" } }).warnings;
  assertEquals(warnings("K6_PROMETHEUS_RW_URL"), [
    "the variable K6_PROMETHEUS_RW_URL has no effect: there is no such setting; did you mean K6_PROMETHEUS_RW_SERVER_URL?",
  ]);
  assertEquals(warnings("K6_PROMETHEUS_RW_USERNAMES")[0]?.endsWith("did you mean K6_PROMETHEUS_RW_USERNAME?"), true);
  assertEquals(warnings("K6_PROMETHEUS_RW_SOMETHING_ELSE"), [
    "the variable K6_PROMETHEUS_RW_SOMETHING_ELSE has no effect: there is no such setting",
  ]);
  assertEquals(warnings("K6_PROMETHEUS_RW_HEADERS_X-Scope"), []);
});

Deno.test("what is secret is known as such, whatever its source, unless it is too short to hide", () => {
  const env = {
    K6_PROMETHEUS_RW_SERVER_URL: "http://u:in%20url@h/w?api_key=query&db=public",
    K6_PROMETHEUS_RW_HTTP_HEADERS: "X-Api-Key:key1,X-Scope-OrgID:public",
    K6_PROMETHEUS_PASSWORD: "word",
    K6_PROMETHEUS_RW_BEARER_TOKEN: "abc",
  };
  assertEquals(read({ env }).secrets, ["word", "key1", "query", "in%20url", "in url"]);
  const options = { remoteWrite: { headers: { Authorization: "Basic x" } } };
  assertEquals(read({ options }).secrets, ["Basic x"]);
});

Deno.test("a script with both blocks is told which one counts", () => {
  const options = { remoteWrite: { url: "http://a/" }, prometheusRemoteWrite: { url: "http://b/" } };
  assertEquals(read({ options }).url.href, "http://b/");
  assertEquals(read({ options }).warnings, [
    "the script has options.remoteWrite and options.prometheusRemoteWrite: where both have a setting, the latter counts",
  ]);
});

Deno.test("a part of a test without a name of its own is warned that the parts write the same series", () => {
  const part = { executionSegment: "0:1/2", tags: { testid: "t" } };
  const [warning = "", ...more] = read({ options: part }).warnings;
  assertMatch(warning, /executionSegment 0:1\/2.*K6_PROMETHEUS_RW_INSTANCE/);
  assertEquals(more, []);
  assertEquals(read({ options: part, env: { K6_PROMETHEUS_RW_INSTANCE: "a" } }).warnings, []);
  assertEquals(read({ options: { ...part, tags: { host: "a" } } }).warnings, []);
  for (const executionSegment of [null, "", "0:1"]) assertEquals(read({ options: { executionSegment } }).warnings, []);
});

Deno.test("a URL as argument may have commas, but no other settings after it", () => {
  assertEquals(read({ argument: "http://h/w?a=1,b=2" }).url.href, "http://h/w?a=1,b=2");
  for (const more of ["pushInterval=1s", "a,trendStats=p(95)", "headers.X=y"]) {
    assertThrows(() => read({ argument: `http://h/w,${more}` }), OutputError, "write url=http");
  }
});

Deno.test("reserved headers stay k6d's own, with a warning", () => {
  const config = read({ env: { K6_PROMETHEUS_RW_HTTP_HEADERS: "content-type:text/plain,User-Agent:me" } });
  assertEquals(config.headers, []);
  assertEquals(config.warnings.length, 2);
});

const secret = "s3cr3t";

const mistakes: [what: string, sources: Sources, message: RegExp][] = [
  [
    "a URL without scheme",
    { env: { K6_PROMETHEUS_RW_SERVER_URL: "localhost:9090/w" } },
    /K6_PROMETHEUS_RW_SERVER_URL.*http:/,
  ],
  [
    "a URL with a secret that can't be parsed",
    { argument: `http://u:${secret}@:x/` },
    /^invalid url \(-o prometheus-rw\)/,
  ],
  ["an unknown trend stat", { env: { K6_PROMETHEUS_RW_TREND_STATS: "p(95),mean" } }, /"p\(95\),mean".*avg, min, med/],
  ["a percentile above 100", { env: { K6_PROMETHEUS_RW_TREND_STATS: "p(101)" } }, /trendStats/],
  ["a trend stat that every object has", { env: { K6_PROMETHEUS_RW_TREND_STATS: "constructor" } }, /trendStats/],
  ["a push interval that is none", { env: { K6_PROMETHEUS_RW_PUSH_INTERVAL: "soon" } }, /pushInterval.*"soon".*5s/],
  ["a push interval of nothing", { env: { K6_PROMETHEUS_PUSH_INTERVAL: "0s" } }, /K6_PROMETHEUS_PUSH_INTERVAL/],
  ["a batch size of nothing", { options: { remoteWrite: { batchSize: 0 } } }, /options\.remoteWrite\.batchSize/],
  ["a flag that is none", { env: { K6_PROMETHEUS_RW_STALE_MARKERS: "yes" } }, /"yes".*true or false/],
  ["a switch for tags that is none", { env: { K6_KEEP_TAGS: "maybe" } }, /K6_KEEP_TAGS "maybe".*true or false/],
  [
    "two kinds of histogram at once",
    { features: ["native-histograms"], env: { K6_PROMETHEUS_RW_TREND_HISTOGRAM_BUCKETS: "1" } },
    /trendAsNativeHistogram.*K6_PROMETHEUS_RW_TREND_HISTOGRAM_BUCKETS.*not both/,
  ],
  ["bounds that don't ascend", { argument: "trendHistogramBuckets=1,1" }, /"1,1".*ascending/],
  ["a bound that is none", { argument: "trendHistogramBuckets=1,,2" }, /"1,,2".*ascending/],
  ["a protocol version that is none", { argument: "protocolVersion=3" }, /"3".*1.0 or 2.0/],
  ["a file of authorities that isn't there", { argument: "caCertificate=/no/ca" }, /CA certificate "\/no\/ca"/],
  ["a header pair without colon", { env: { K6_PROMETHEUS_RW_HTTP_HEADERS: `Authorization ${secret}` } }, /colon/],
  ["a header name with a blank", { env: { K6_PROMETHEUS_RW_HTTP_HEADERS: `A B:${secret}` } }, /"A B"/],
  ["a header value with a line break", { env: { "K6_PROMETHEUS_RW_HEADERS_A": `${secret}\r\nB: c` } }, /header "A"/],
  ["a token with a line break", { env: { K6_PROMETHEUS_RW_BEARER_TOKEN: `${secret}\n` } }, /bearerToken/],
  [
    "half of an AWS identity",
    { env: { K6_PROMETHEUS_RW_SIGV4_SECRET_KEY: secret } },
    /SIGV4_REGION.*ACCESS_KEY.*SECRET_KEY/,
  ],
  ["half of a client certificate", { env: { K6_PROMETHEUS_RW_CLIENT_CERTIFICATE: "/c" } }, /clientCertificateKey/],
  [
    "a client certificate that isn't there",
    { env: { K6_PROMETHEUS_RW_CLIENT_CERTIFICATE: "/no/c", K6_PROMETHEUS_RW_CLIENT_CERTIFICATE_KEY: "/no/k" } },
    /"\/no\/c": no such file/,
  ],
  ["a setting that doesn't exist", { options: { prometheusRemoteWrite: { adress: "x" } } }, /"adress".*known: url/],
  ["a block that is no object", { options: { prometheusRemoteWrite: "http://h" } }, /must be an object/],
  ["an argument that is neither URL nor pairs", { argument: "localhost" }, /http:\/\/ or https:\/\//],
];

for (const [what, sources, message] of mistakes) {
  Deno.test(`${what} is an error of one clear line`, () => {
    const error = assertThrows(() => read(sources), OutputError) as OutputError;
    if (!message.test(error.message)) throw new Error(`unexpected message: ${error.message}`);
    assertEquals(error.message.includes("\n"), false);
    assertEquals(error.message.includes(secret), false);
  });
}

Deno.test("a file that is no certificate is an error that names it", () => {
  const file = Deno.makeTempFileSync();
  try {
    Deno.writeTextFileSync(file, "no certificate");
    const env = { K6_PROMETHEUS_RW_CLIENT_CERTIFICATE: file, K6_PROMETHEUS_RW_CLIENT_CERTIFICATE_KEY: file };
    assertThrows(() => read({ env }), OutputError, "not valid PEM");
  } finally {
    Deno.removeSync(file);
  }
});

Deno.test("an unknown output is an error that lists the known ones", () => {
  assertThrows(() => createOutput("promtheus=http://h", commonContext()), OutputError, "experimental-prometheus-rw");
});
