import { assertEquals } from "@std/assert";
import { createOutput } from "../../src/output/outputs.ts";
import { commonContext } from "./support/run_facts.ts";

const basic = btoa("user:topsecret");

const outputs: readonly [spec: string, env: Record<string, string>, secrets: readonly string[]][] = [
  ["prometheus-rw=http://user:topsecret@h/w", {}, ["topsecret", basic]],
  ["prometheus-rw", { K6_PROMETHEUS_RW_USERNAME: "user", K6_PROMETHEUS_RW_PASSWORD: "topsecret" }, [
    "topsecret",
    basic,
  ]],
  ["influxdb=http://user:topsecret@h/k6", {}, ["topsecret", basic]],
  ["influxdb", { K6_INFLUXDB_PROXY: "http://u:topsecret@h/" }, ["topsecret"]],
  [
    "opentelemetry",
    {
      K6_OTEL_EXPORTER_PROTOCOL: "http/protobuf",
      K6_OTEL_HTTP_EXPORTER_USERNAME: "user",
      K6_OTEL_HTTP_EXPORTER_PASSWORD: "topsecret",
    },
    ["topsecret", basic],
  ],
  ["opentelemetry", { K6_OTEL_HEADERS: "api-key=topsecret,x-team=load-testing" }, ["topsecret"]],
  ["opentelemetry", { K6_OTEL_HEADERS: "Authorization=Bearer%20topsecret" }, ["Bearer topsecret", "topsecret"]],
];

for (const [spec, env, expected] of outputs) {
  Deno.test(`the secrets of ${spec} ${Object.keys(env).join(" ")} are known, in every form in which they are sent`, () => {
    const { secrets } = make(spec, env);
    for (const secret of expected) assertEquals(secrets?.includes(secret), true, secret);
    assertEquals(secrets?.includes("load-testing"), false);
  });
}

Deno.test("a password of few characters is not hidden: it would blot out half of the log", () => {
  for (const name of ["prometheus-rw", "influxdb"]) {
    assertEquals(make(`${name}=http://user:k6@h/k6`, {}).secrets?.includes("k6"), false);
  }
});

function make(spec: string, env: Readonly<Record<string, string>>) {
  return createOutput(spec, commonContext({ env }));
}
