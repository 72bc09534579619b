import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import fc from "fast-check";
import { readConfig } from "../../../src/output/opentelemetry/config.ts";
import { type Setting, SETTINGS } from "../../../src/output/opentelemetry/settings.ts";
import { OutputError } from "../../../src/output/output.ts";

type Sources = Partial<Parameters<typeof readConfig>[0]>;

function read(sources: Sources) {
  return readConfig({ name: "opentelemetry", argument: "", env: {}, collectors: {}, version: "1.2.3", ...sources });
}

function resource(sources: Sources): Record<string, string> {
  return Object.fromEntries(read(sources).resource);
}

Deno.test("without settings k6's defaults apply", () => {
  const { protocol, url, headers, tls, metricPrefix, exportIntervalMs, timeoutMs, compression, warnings } = read({});
  assertEquals([protocol, url.href, metricPrefix, compression], ["grpc", "https://localhost:4317/", "", "none"]);
  assertEquals([exportIntervalMs, timeoutMs], [10_000, 10_000]);
  assertEquals([headers, warnings], [{}, []]);
  assertEquals(tls, { skipVerification: false, minVersion: "1.2", caCertificate: null, clientCertificate: null });
  assertEquals(resource({})["service.name"], "k6");
  assertEquals(resource({})["service.version"], "1.2.3");
});

Deno.test("OpenTelemetry's variables count less than the configuration file, that less than k6's variables, all less than the argument", () => {
  const OTEL_SERVICE_NAME = "otel";
  const collectors = { opentelemetry: { serviceName: "file" } };
  const K6_OTEL_SERVICE_NAME = "k6-otel";
  const name = (sources: Sources) => resource(sources)["service.name"];
  assertEquals(name({ env: { OTEL_SERVICE_NAME } }), "otel");
  assertEquals(name({ env: { OTEL_SERVICE_NAME }, collectors }), "file");
  assertEquals(name({ env: { OTEL_SERVICE_NAME, K6_OTEL_SERVICE_NAME }, collectors }), "k6-otel");
  assertEquals(name({ env: { K6_OTEL_SERVICE_NAME }, argument: "serviceName=argument" }), "argument");
  assertEquals(name({ env: { K6_OTEL_SERVICE_NAME: "" }, collectors }), "file");
});

Deno.test("every setting has a variable and a key in the configuration file", () => {
  const values: Record<string, string> = {
    ...{ exporterProtocol: "http/protobuf", httpExporterEndpoint: "collector:99", httpExporterInsecure: "true" },
    ...{ httpExporterURLPath: "otlp", httpExporterUsername: "u", httpExporterPassword: "p" },
    ...{ headers: "X-A=1,x-b=a%2Cb", serviceName: "s", serviceVersion: "9", resourceAttributes: "deployment.env=ci" },
    ...{ metricPrefix: "k6.", exportInterval: "2500ms", flushInterval: "2s", timeout: "3s", compression: "gzip" },
  };
  const checkAll = (config: ReturnType<typeof readConfig>) => {
    assertEquals(config.url.href, "http://collector:99/otlp");
    assertEquals(config.headers, { "x-a": "1", "x-b": "a,b", authorization: `Basic ${btoa("u:p")}` });
    assertEquals(config.resource.slice(0, 3), [
      ["deployment.env", "ci"],
      ["service.name", "s"],
      ["service.version", "9"],
    ]);
    assertEquals([config.metricPrefix, config.exportIntervalMs, config.timeoutMs], ["k6.", 2500, 3000]);
    assertEquals(config.compression, "gzip");
  };
  const given = SETTINGS.filter(({ key }) => key in values);
  checkAll(read({ env: Object.fromEntries(given.map(({ key, variable }) => [variable, values[key]!])) }));
  checkAll(read({ collectors: { opentelemetry: values } }));
  const argument = given.map(({ key }) => `${key}=${values[key]!}`).join(",")
    .replace("headers=X-A=1,x-b=", "headers.X-A=1,headers.x-b=");
  checkAll(read({ argument }));
});

Deno.test("basic authentication is spelled in two ways in the configuration file", () => {
  const { headers } = read({
    collectors: { opentelemetry: { exporterProtocol: "http/protobuf", username: "é", password: "" } },
  });
  assertEquals(headers["authorization"], `Basic ${new TextEncoder().encode("é:").toBase64()}`);
});

Deno.test("what is empty is no resource attribute", () => {
  const attributes = resource({ argument: "serviceName=", env: { OTEL_RESOURCE_ATTRIBUTES: "a=,b=1,service.name=s" } });
  assertEquals([attributes["a"], attributes["b"], attributes["service.name"]], [undefined, "1", "s"]);
});

Deno.test("numbers and booleans of the configuration file are taken as such", () => {
  const config = read({ collectors: { opentelemetry: { exportInterval: 500, grpcExporterInsecure: true } } });
  assertEquals([config.exportIntervalMs, config.url.href], [500, "http://localhost:4317/"]);
});

for (
  const [what, sources, message] of [
    ["a scheme in an endpoint", { env: { K6_OTEL_GRPC_EXPORTER_ENDPOINT: "http://u:secret@h:1" } }, /without a scheme/],
    ["a path in an endpoint", { argument: "exporterProtocol=http/protobuf,httpExporterEndpoint=h/x" }, /without http:/],
    ["an unknown protocol", { env: { K6_OTEL_EXPORTER_PROTOCOL: "http/json" } }, /"http\/json": expected "grpc" or/],
    ["an interval of zero", { env: { K6_OTEL_EXPORT_INTERVAL: "0s" } }, /K6_OTEL_EXPORT_INTERVAL\) "0s": expected a p/],
    ["a wrong flush interval", { env: { K6_OTEL_FLUSH_INTERVAL: "soon" } }, /K6_OTEL_FLUSH_INTERVAL\) "soon"/],
    ["a flag that is none", { env: { K6_OTEL_GRPC_EXPORTER_INSECURE: "yes" } }, /"yes": expected true or false$/],
    ["headers without =", { env: { K6_OTEL_HEADERS: "secret" } }, /headers \(K6_OTEL_HEADERS\): expected name=value/],
    ["headers with broken encoding", { env: { K6_OTEL_HEADERS: "a=secret%" } }, /expected name=value/],
    ["a header with a line break", { env: { K6_OTEL_HEADERS: "a=secret%0A" } }, /invalid header "a"/],
    ["an unknown key", { collectors: { opentelemetry: { prefix: "x" } } }, /unknown setting "prefix" \(config file, /],
    ["settings that are no object", { collectors: { opentelemetry: "secret" } }, /must be an object/],
    ["an argument that is no setting", { argument: "localhost" }, /expected key=value pairs/],
    ["half a client certificate", { env: { K6_OTEL_TLS_CLIENT_KEY: "secret.pem" } }, /needs both tlsClientCertificate/],
    ["a file that isn't there", { env: { K6_OTEL_TLS_CERTIFICATE: "none.pem" } }, /"none.pem": no such file/],
  ] as const
) {
  Deno.test(`${what} is an error of one line that shows no secret`, () => {
    const error = assertThrows(() => read(sources), OutputError);
    assertMatch(error.message, message);
    assertEquals(/\n|\bsecret\b(?!\.pem)/.test(error.message), false, error.message);
  });
}

Deno.test("TLS 1.3 is asked for as soon as any TLS setting is made, and none applies without TLS", () => {
  const env = { K6_OTEL_TLS_INSECURE_SKIP_VERIFY: "true" };
  const { tls, warnings } = read({ env });
  assertEquals([tls.minVersion, tls.skipVerification], ["1.3", true]);
  assertMatch(warnings[0]!, /certificate of localhost:4317 is not verified/);
  const insecure = read({ env: { ...env, K6_OTEL_GRPC_EXPORTER_INSECURE: "true" } });
  assertEquals(insecure.tls, {});
  assertMatch(insecure.warnings[0]!, /tlsInsecureSkipVerify: no effect/);
});

Deno.test("a path is a path, whatever it looks like, and may have a query", () => {
  const url = (path: string) =>
    read({ argument: `exporterProtocol=http/protobuf,httpExporterURLPath=${path}` }).url.href;
  assertEquals(url("//other/x"), "https://localhost:4318//other/x");
  assertEquals(url("v1?a=b"), "https://localhost:4318/v1?a=b");
});

Deno.test("the old name, removed variables and reserved headers get a warning", () => {
  const env = { K6_OTEL_EXPORTER_TYPE: "http", K6_OTEL_SINGLE_COUNTER_FOR_RATE: "false", K6_OTEL_HEADERS: "TE=x,a=b" };
  const collectors = { opentelemetry: { exporterType: "grpc" } };
  const { warnings, headers } = read({ name: "experimental-opentelemetry", env, collectors });
  assertEquals(headers, { a: "b" });
  assertEquals(warnings, [
    "config file, collectors.opentelemetry.exporterType has no effect any longer: use exporterProtocol",
    "K6_OTEL_EXPORTER_TYPE has no effect any longer: use exporterProtocol",
    "K6_OTEL_SINGLE_COUNTER_FOR_RATE has no effect any longer: a Rate is always one counter with the attribute condition",
    '"experimental-opentelemetry" is an old name of this output: use "opentelemetry"',
    'header "TE" is set by k6d and cannot be changed',
  ]);
});

Deno.test("whatever the sources hold: settings, or a mistake in one line that shows no secret", () => {
  const all: readonly Setting[] = SETTINGS;
  const secret = "t0psecret";
  const text = fc.oneof(
    fc.constantFrom("", "true", "10s", "grpc", "http/protobuf", "localhost:4317", "a=b,c=%20", secret, `x=${secret}%`),
    fc.string({ unit: "binary", maxLength: 8 }).map((random) => random + secret),
  );
  const secretKeys = new Set(all.flatMap(({ key, aliases = [], secret }) => secret ? [key, ...aliases] : []));
  const other = fc.constantFrom("", "false", "10s", "grpc", "http/protobuf", "h:1", "é");
  const value = (key: string) => secretKeys.has(key) ? text : other;
  const keys = fc.constantFrom(...all.flatMap(({ key, aliases = [] }) => [key, ...aliases]));
  const pair = keys.chain((key) => fc.tuple(fc.constant(key), value(key)));
  const variable = fc.constantFrom(...all).chain(({ key, variable, fallbackVariables = [] }) =>
    fc.tuple(fc.constantFrom(variable, ...fallbackVariables), value(key))
  );
  fc.assert(
    fc.property(fc.array(pair), fc.array(variable), fc.array(pair, { maxLength: 3 }), (file, env, argument) => {
      try {
        const { warnings } = read({
          collectors: { opentelemetry: Object.fromEntries(file) },
          env: Object.fromEntries(env),
          argument: argument.map(([key, value]) => `${key}=${value}`).join(","),
        });
        assertEquals(warnings.some((warning) => warning.includes(secret)), false);
      } catch (error) {
        if (!(error instanceof OutputError)) throw error;
        assertEquals(/\n/.test(error.message) || error.message.includes(secret), false, error.message);
      }
    }),
    { numRuns: 300 },
  );
});

Deno.test("the documentation lists every setting and every variable as they are", () => {
  const page = Deno.readTextFileSync(new URL("../../../docs/outputs/opentelemetry.md", import.meta.url));
  const all: readonly Setting[] = SETTINGS;
  const code = (text: string) => text === "" ? "" : `\`${text}\``;
  assertEquals(
    tableUnder(page, "| setting "),
    all.map(({ key, aliases = [], variable, default: byDefault, meaning }) => [
      [key, ...aliases].map(code).join(", "),
      code(variable),
      code(byDefault),
      meaning,
    ]),
  );
  assertEquals(
    tableUnder(page, "| OpenTelemetry's variable "),
    all.flatMap(({ key, fallbackVariables = [] }) => fallbackVariables.map((name) => [code(name), code(key)])),
  );
});

/** The cells of a page's table whose head begins like that. */
function tableUnder(page: string, head: string): string[][] {
  const lines = page.split("\n");
  const start = lines.findIndex((line) => line.startsWith(head)) + 2;
  const end = lines.findIndex((line, i) => i > start && !line.startsWith("|"));
  return lines.slice(start, end).map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
}
