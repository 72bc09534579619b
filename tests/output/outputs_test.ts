import { assertEquals, assertThrows } from "@std/assert";
import { OutputError } from "../../src/output/output.ts";
import { mayNeedOutputs } from "../../src/output/needed.ts";
import { createOutputs, outputNames, withOutputsOfOptions } from "../../src/output/outputs.ts";
import { commonContext } from "./support/run_facts.ts";

Deno.test("an unknown output is an error that lists those that there are", () => {
  const error = assertThrows(() => create(["json", "nonsense=x"]), OutputError, 'unknown output "nonsense"');
  for (const name of outputNames) assertEquals(error.message.includes(name), true, name);
});

Deno.test("an unknown output that is nearly a known one, or none at all, is told so", () => {
  assertThrows(() => create(["jsn"]), OutputError, 'unknown output "jsn" (-o jsn); did you mean json?');
  assertThrows(() => create(["prometheus"]), OutputError, "did you mean prometheus-rw?");
  assertThrows(() => create(["", "json"]), OutputError, "an output without a name");
  const K6_OUT = "prometheus-rw=trendStats=p(95),p(99)";
  const message = 'unknown output "p(99)" (K6_OUT, where commas separate outputs)';
  assertThrows(() => create(K6_OUT.split(","), {}, { K6_OUT }), OutputError, message);
});

Deno.test("a variable of an output that sets nothing is named, with the one that was meant", () => {
  const variables = {
    csv: ["K6_CSV_FILE", "K6_CSV_FILENAME"],
    influxdb: ["K6_INFLUXDB_PUSH_INTERVALL", "K6_INFLUXDB_PUSH_INTERVAL"],
    opentelemetry: ["K6_OTEL_INTERVAL", "K6_OTEL_EXPORT_INTERVAL"],
    "prometheus-rw": ["K6_PROMETHEUS_RW_URL", "K6_PROMETHEUS_RW_SERVER_URL"],
  };
  for (const [output, [wrong, right]] of Object.entries(variables)) {
    const advice = `the variable ${wrong} has no effect: there is no such setting; did you mean ${right}?`;
    const { warnings } = create([output], {}, { [wrong!]: "x" });
    assertEquals(warnings.map((warning) => warning.endsWith(advice)), [true], warnings.join());
  }
});

Deno.test("settings of the configuration file for what is no output are named in a warning", () => {
  const { warnings } = create(["json"], { csv: {}, cloud: {}, prometheusrw: {}, mine: {} });
  assertEquals(warnings, [
    "config file, collectors.prometheusrw has no effect: there is no such output; did you mean prometheus-rw?",
    "config file, collectors.mine has no effect: there is no such output",
  ]);
});

for (const name of ["kafka", "datadog", "statsd"]) {
  Deno.test(`the output ${name}, which k6 has no longer either, names what takes its place`, () => {
    assertThrows(() => create([`${name}=x`]), OutputError, `the output "${name}" was removed from k6`);
  });
}

for (const name of ["web-dashboard"]) {
  Deno.test(`the output ${name} of k6 is named as one that is still to come`, () => {
    assertThrows(() => create([name]), OutputError, `the output "${name}" is not supported by k6d yet`);
  });
}

Deno.test("a URL without the name of an output is told so, and not shown", () => {
  const { message } = assertThrows(() => create(["http://me:secret@localhost:8086/k6"]), OutputError, "before the URL");
  assertEquals(message.includes("secret"), false);
});

Deno.test("several outputs are made in the order in which they are asked for, also of one kind", () => {
  const { outputs, warnings } = create(["json=a.json", "json", "json=b.json"]);
  assertEquals(outputs.map(({ description }) => description), ["json (a.json)", "json(stdout)", "json (b.json)"]);
  assertEquals(warnings, []);
});

Deno.test("what is asked for twice in the same words is made once, with a warning that shows no argument", () => {
  const { outputs, warnings } = create(["json=secret", "json", "json=secret"]);
  assertEquals(outputs.length, 2);
  assertEquals(warnings, ["-o json is given twice in the same words: once is enough"]);
});

Deno.test("a script asks for remote write by its options, but never for the cloud", () => {
  const options = { cloud: { projectID: 1 }, remoteWrite: { url: "http://localhost:9090" } };
  assertEquals(withOutputsOfOptions(["json"], options), ["json", "prometheus-rw"]);
  assertEquals(withOutputsOfOptions([], { cloud: options.cloud, ext: { loadimpact: options.cloud } }), []);
});

Deno.test("the code of outputs is needed when the command line or the script asks for one", () => {
  const nothing = { outputs: [], apm: false };
  assertEquals(mayNeedOutputs(nothing, { vus: 1, cloud: null }), false);
  assertEquals(mayNeedOutputs({ ...nothing, outputs: ["json"] }, {}), true);
  assertEquals(mayNeedOutputs({ ...nothing, apm: true }, {}), true);
  for (const option of ["remoteWrite", "prometheusRemoteWrite", "cloud", "ext"]) {
    assertEquals(mayNeedOutputs(nothing, { [option]: {} }), true, option);
  }
});

function create(
  specs: readonly string[],
  collectors: Readonly<Record<string, unknown>> = {},
  env: Readonly<Record<string, string>> = {},
) {
  const warnings: string[] = [];
  const log = { debug() {}, info() {}, warn: (message: string) => warnings.push(message), error() {} };
  const context = commonContext({ env, collectors, log });
  const outputs = createOutputs(specs, context);
  return { outputs, warnings };
}
