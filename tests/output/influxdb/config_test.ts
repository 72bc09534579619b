import { assertEquals, assertThrows } from "@std/assert";
import { readConfig } from "../../../src/output/influxdb/config.ts";
import { describeUrl } from "../../../src/output/url_text.ts";
import { OutputError } from "../../../src/output/output.ts";

const NOTHING = { argument: "", env: {}, collectors: {} };

Deno.test("without settings samples go to k6's defaults", () => {
  const { address, tagsAsFields, ...config } = readConfig(NOTHING);
  assertEquals(describeUrl(address), "http://localhost:8086");
  assertEquals([...tagsAsFields], [["vu", "string"], ["iter", "string"], ["url", "string"]]);
  assertEquals(config, {
    database: "k6",
    credentials: null,
    insecure: false,
    proxy: null,
    payloadSize: 512,
    pushIntervalMs: 1000,
    concurrentWrites: 4,
    precision: "ns",
    retention: "",
    consistency: "",
    warnings: [],
  });
});

Deno.test("the URL wins over the environment, and the environment over the config file", () => {
  const config = readConfig({
    argument: "https://me:s%40fe@influx:8086/proxied/here/results?pushInterval=3s&tagsAsFields=vu:int&tagsAsFields=url",
    env: {
      K6_INFLUXDB_ADDR: "http://elsewhere",
      K6_INFLUXDB_DB: "other",
      K6_INFLUXDB_PUSH_INTERVAL: "2s",
      K6_INFLUXDB_CONCURRENT_WRITES: "8",
      K6_INFLUXDB_PASSWORD: "",
      K6_INFLUXDB_RETENTION: "a week",
    },
    collectors: {
      influxdb: {
        addr: "http://elsewhere",
        concurrentWrites: 2,
        insecure: true,
        precision: "ms",
        consistency: "one",
        retention: null,
        tagsAsFields: ["iter"],
      },
    },
  });
  assertEquals(describeUrl(config.address), "https://influx:8086/proxied/here");
  assertEquals(config.credentials, { username: "me", password: "s@fe" });
  assertEquals(config.database, "results");
  assertEquals(config.pushIntervalMs, 3000);
  assertEquals(config.concurrentWrites, 8);
  assertEquals(config.insecure, true);
  assertEquals(config.precision, "ms");
  assertEquals(config.consistency, "one");
  assertEquals(config.retention, "a week");
  assertEquals([...config.tagsAsFields], [["vu", "int"], ["url", "string"]]);
});

Deno.test("every setting has a variable, a key of the config file and a key of the URL's query", () => {
  const settings = {
    proxy: "http://proxy:3128",
    username: "me",
    password: "secret",
    insecure: "true",
    payloadSize: "1000",
    pushInterval: "250ms",
    concurrentWrites: "7",
    db: "results",
    precision: "s",
    retention: "short",
    consistency: "quorum",
    tagsAsFields: "vu:int",
  };
  const variable = (key: string) => `K6_INFLUXDB_${key.replace(/[A-Z]/g, "_$&").toUpperCase()}`;
  const entries = Object.entries(settings);
  const addr = "http://server:1";
  const byEnv = readConfig({
    ...NOTHING,
    env: { K6_INFLUXDB_ADDR: addr, ...Object.fromEntries(entries.map(([key, value]) => [variable(key), value])) },
  });
  assertEquals(byEnv.credentials, { username: "me", password: "secret" });
  assertEquals([byEnv.payloadSize, byEnv.precision, byEnv.database], [1000, "s", "results"]);
  assertEquals(readConfig({ ...NOTHING, collectors: { influxdb: { addr, ...settings } } }), byEnv);
  assertEquals(readConfig({ ...NOTHING, argument: `${addr}?${new URLSearchParams(settings)}` }), byEnv);
  assertEquals(readConfig({ ...NOTHING, argument: "http://h?payload_size=9" }).payloadSize, 9);
});

Deno.test("the last part of the URL's path is the database, the rest the server's prefix", () => {
  const read = (argument: string) => {
    const { address, database } = readConfig({ ...NOTHING, argument });
    return [describeUrl(address), database];
  };
  assertEquals(read("http://h:1"), ["http://h:1", "k6"]);
  assertEquals(read("http://h:1/"), ["http://h:1", "k6"]);
  assertEquals(read("http://h:1/my%20db/"), ["http://h:1", "my db"]);
  assertEquals(read("http://h:1/a/b/db"), ["http://h:1/a/b", "db"]);
  assertEquals(read("udp://h"), ["udp://h:8089", "k6"]);
  assertEquals(read("udp://[::1]:99/db"), ["udp://[::1]:99", "db"]);
});

for (
  const [name, source, says] of [
    ["a URL without a scheme", { argument: "localhost:8086/k6" }, "-o influxdb=…"],
    ["another scheme", { argument: "ftp://me:secret@h" }, "-o influxdb=…"],
    ["an address that is none", { env: { K6_INFLUXDB_ADDR: "secret" } }, "invalid addr (K6_INFLUXDB_ADDR): expected"],
    ["an unknown key of the query", { argument: "http://h?presicion=s" }, 'unknown setting "presicion"'],
    ["an unknown key of the config file", { collectors: { influxdb: { url: "x" } } }, 'unknown setting "url"'],
    ["a config block that is no object", { collectors: { influxdb: ["x"] } }, "must be an object"],
    ["a setting that is an object", { collectors: { influxdb: { db: {} } } }, "invalid db"],
    ["an interval of nothing", { env: { K6_INFLUXDB_PUSH_INTERVAL: "0s" } }, "K6_INFLUXDB_PUSH_INTERVAL"],
    ["no writes at all", { argument: "http://h?concurrentWrites=0" }, 'invalid concurrentWrites (-o influxdb=…) "0"'],
    ["a payload that fits no datagram", { env: { K6_INFLUXDB_PAYLOAD_SIZE: "65508" } }, "from 1 to 65507"],
    ["an unknown precision", { env: { K6_INFLUXDB_PRECISION: "day" } }, "ns, us, ms, s, m or h"],
    ["an unknown consistency", { env: { K6_INFLUXDB_CONSISTENCY: "most" } }, "any, one, quorum or all"],
    ["an unknown type of a field", { env: { K6_INFLUXDB_TAGS_AS_FIELDS: "vu:number" } }, "vu:int,iter:int,url"],
    ["the sample's own field", { env: { K6_INFLUXDB_TAGS_AS_FIELDS: "value" } }, 'not "value"'],
    ["a proxy of another kind", { env: { K6_INFLUXDB_PROXY: "socks5://u:secret@h" } }, "invalid proxy"],
  ] as const
) {
  Deno.test(`${name} is an error of one line that names its source`, () => {
    const { message } = assertThrows(() => readConfig({ ...NOTHING, ...source }), OutputError, says);
    assertEquals(/secret|\n/.test(message), false, message);
  });
}

Deno.test("no tags need be fields", () => {
  assertEquals(readConfig({ ...NOTHING, argument: "http://h?tagsAsFields=" }).tagsAsFields.size, 0);
  assertEquals(readConfig({ ...NOTHING, collectors: { influxdb: { tagsAsFields: [] } } }).tagsAsFields.size, 0);
});
