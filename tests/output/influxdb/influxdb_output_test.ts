import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { createSocket } from "node:dgram";
import { ROOT } from "../../../scripts/repository.ts";
import { OutputError } from "../../../src/output/output.ts";
import { endOfDatagram } from "../../../src/output/influxdb/udp_destination.ts";
import { freePort } from "../../support/free_port.ts";
import { OutputRun } from "../support/output_run.ts";
import { InfluxServer } from "./influx_server.ts";
import { parseLines } from "./line_parser.ts";

/** Longer than any test: what is sent is sent at the end. */
const AT_THE_END = "pushInterval=1h";

Deno.test("the database is made, then samples are written, with k6's parameters and the user's credentials", async () => {
  await using server = new InfluxServer();
  const run = new OutputRun(
    `influxdb=http://me:s%40fe@127.0.0.1:${server.port}/prefix/my%20"db"?${AT_THE_END}&retention=week&consistency=one`,
  );
  assertEquals(run.output.description, `InfluxDBv1 (${server.url}/prefix)`);
  assertEquals(run.output.secrets, ["s@fe", btoa("me:s@fe")]);
  await run.output.start();
  run.addAll([{ tags: [["method", "GET"], ["url", "http://x/"]], value: 2, atEpochMs: 1_700_000_000_000 }]);
  await run.stop();
  assertEquals(run.complaints, []);
  const [create, write, ...more] = server.requests;
  assertEquals(more, []);
  assertEquals([create!.method, create!.path, create!.query], ["POST", "/prefix/query", {
    q: 'CREATE DATABASE "my \\"db\\""',
  }]);
  assertEquals([write!.method, write!.path, write!.query], ["POST", "/prefix/write", {
    consistency: "one",
    db: 'my "db"',
    precision: "ns",
    rp: "week",
  }]);
  assertEquals(write!.body, 'http_reqs,method=GET url="http://x/",value=2 1700000000000000000\n');
  for (const { headers } of [create!, write!]) {
    assertEquals(headers.get("authorization"), `Basic ${btoa("me:s@fe")}`);
    assertEquals(headers.get("user-agent"), "k6d/1.2.3");
  }
});

Deno.test("without samples the database is made and nothing written", async () => {
  await using server = new InfluxServer();
  const run = await started(server);
  await server.asked("/query");
  await run.stop();
  assertEquals(server.requests.map(({ path }) => path), ["/query"]);
});

Deno.test("samples are written each push interval, not only at the end", async () => {
  await using server = new InfluxServer();
  const run = await started(server, "pushInterval=5ms");
  run.addMany(3);
  await server.accepted(3);
  run.addMany(4);
  await server.accepted(7);
  await run.stop();
  assertEquals(server.lines.length, 7);
});

Deno.test("many samples go out in requests of 5,000 lines, no more at once than allowed", async () => {
  await using server = new InfluxServer();
  const release = server.hold();
  const run = await started(server, `${AT_THE_END}&concurrentWrites=3`);
  run.addMany(12_000);
  run.addMany(10_500);
  const stopped = run.stop();
  await server.received(3);
  release();
  await stopped;
  assertEquals(server.mostAtOnce, 3);
  assertEquals(server.writes.map(({ body }) => body.split("\n").length - 1).sort(), [2500, 5000, 5000, 5000, 5000]);
  assertEquals(server.lines.length, 22_500);
});

Deno.test("a request with long lines has fewer of them", async () => {
  await using server = new InfluxServer();
  const run = await started(server);
  run.addAll(Array.from({ length: 1000 }, (_, i) => ({ tags: [["long", "x".repeat(60_000)]], atEpochMs: i })));
  await run.stop();
  assertEquals(run.errors, []);
  assertEquals(server.lines.length, 1000);
  const longest = Math.max(...server.writes.map(({ body }) => body.length));
  assert(longest < 12e6, `${longest}`);
});

for (const answer of [500, 503, 429, { status: 503, headers: { "retry-after": "0" } }]) {
  Deno.test(`a write that is answered with ${JSON.stringify(answer)} is tried again with the same lines`, async () => {
    await using server = new InfluxServer();
    server.answer(answer, answer);
    const run = await started(server, "pushInterval=5ms");
    run.addMany(10);
    await server.accepted(10);
    await run.stop();
    assertEquals(new Set(server.writes.map(({ body }) => body)).size, 1);
    assertEquals([server.writes.length, server.lines.length], [3, 10]);
    const status = typeof answer === "number" ? answer : answer.status;
    assertEquals(run.errors, [
      `error: InfluxDB (${server.url}): couldn't write samples: HTTP ${status}; trying again`,
    ]);
  });
}

Deno.test("a refused write is final, said once and counted at the end", async () => {
  await using server = new InfluxServer();
  const refused = { status: 401, body: '{"error":"authorization failed"}' };
  server.answer(refused, refused);
  const run = await started(server, `${AT_THE_END}&concurrentWrites=1`);
  run.addMany(11_000);
  await run.stop();
  assertEquals(run.complaints, [
    `error: InfluxDB (${server.url}): couldn't write samples: HTTP 401: {"error":"authorization failed"}; ` +
    "check the user name and the password; not tried again",
    `warn: InfluxDB (${server.url}): 10000 of 11000 samples are not stored there (HTTP 401: 10000)`,
  ]);
  assertEquals(server.lines.length, 1000);
});

Deno.test("of a write that InfluxDB took in part the rest counts as stored", async () => {
  await using server = new InfluxServer();
  server.answer({ status: 400, body: '{"error":"partial write: field type conflict: … dropped=3"}' });
  const run = await started(server);
  run.addMany(10);
  await run.stop();
  assertMatch(run.complaints.at(-1)!, /: 3 of 10 samples are not stored there \(HTTP 400: 3\)$/);
});

Deno.test("a server that comes up later gets its database and every sample", async () => {
  const port = freePort();
  const run = new OutputRun(`influxdb=http://127.0.0.1:${port}/late?pushInterval=5ms`);
  await run.output.start();
  run.addMany(10);
  await run.complained(/connection refused; trying again/);
  await using server = new InfluxServer({ port });
  await server.accepted(10);
  await run.stop();
  assertEquals(server.requests[0]!.query, { q: 'CREATE DATABASE "late"' });
  assertEquals(run.errors.length, 1);
});

Deno.test("samples that InfluxDB can't hold are left out, counted and told", async () => {
  await using server = new InfluxServer();
  const run = await started(server);
  run.addAll([{ value: NaN }, { value: 1 }, { value: Infinity }, { tags: [["long", "x".repeat(70_000)]] }]);
  await run.stop();
  assertEquals(server.lines.length, 1);
  assertEquals(run.complaints, [
    `warn: InfluxDB (${server.url}): 3 of 4 samples are not stored there (NaN or infinite, which InfluxDB can't hold: 2, ` +
    "tags longer than 64 KB: 1)",
  ]);
});

Deno.test("samples beyond those that may wait are left out, which is said at once and counted at the end", async () => {
  await using server = new InfluxServer();
  const release = server.hold();
  const run = await started(server);
  run.addMany(2_000_000);
  assertEquals(run.complaints, []);
  run.addMany(7);
  run.addMany(8);
  assertEquals(run.complaints, [
    `warn: InfluxDB (${server.url}) takes samples slower than the test makes them: leaving out what comes while 2000000 wait`,
  ]);
  const stopped = run.stop();
  await server.received(1);
  server.answer(...Array.from({ length: 400 }, () => 400));
  release();
  await stopped;
  assertMatch(run.complaints.at(-1)!, /2000015 of 2000015 samples .* \(HTTP 400: 2000000, too many waited: 15\)$/);
});

Deno.test("a certificate that nobody vouches for is accepted only with insecure", async () => {
  const testdata = `${ROOT}tests/e2e/testdata/`;
  const cert = await Deno.readTextFile(`${testdata}server_certificate.pem`);
  const key = await Deno.readTextFile(`${testdata}server_key.pem`);
  await using server = new InfluxServer({ cert, key });
  const strict = new OutputRun(`influxdb=https://127.0.0.1:${server.port}?pushInterval=5ms`);
  await strict.output.start();
  strict.addMany(1);
  await strict.complained(/couldn't write samples: .*certificate/);
  const insecure = new OutputRun(`influxdb=https://127.0.0.1:${server.port}?insecure=true`);
  await insecure.output.start();
  insecure.addMany(5);
  await insecure.stop();
  assertEquals(server.lines.length, 5);
  await strict.stop();
});

Deno.test("requests go through a proxy where one is set", async () => {
  await using proxy = new InfluxServer();
  const env = { K6_INFLUXDB_PROXY: `http://me:secret@127.0.0.1:${proxy.port}` };
  const run = new OutputRun("influxdb=http://influx.invalid:8086/db", { env });
  await run.output.start();
  run.addMany(2);
  await run.stop();
  assertEquals(run.complaints, []);
  assertEquals(proxy.requests.map(({ headers, path }) => [headers.get("host"), path]), [
    ["influx.invalid:8086", "/query"],
    ["influx.invalid:8086", "/write"],
  ]);
  assertEquals(proxy.requests[1]!.headers.get("proxy-authorization"), `Basic ${btoa("me:secret")}`);
});

Deno.test("by UDP whole lines go in datagrams that are not longer than asked for", async () => {
  const socket = createSocket("udp4");
  const bound = Promise.withResolvers<void>();
  socket.bind(0, "127.0.0.1", () => bound.resolve());
  await bound.promise;
  const datagrams: string[] = [];
  const all = Promise.withResolvers<void>();
  socket.on("message", (message: Uint8Array) => {
    datagrams.push(new TextDecoder().decode(message));
    if (parseLines(datagrams.join("")).length === 10) all.resolve();
  });
  const run = new OutputRun(`influxdb=udp://127.0.0.1:${socket.address().port}?payloadSize=120`);
  await run.output.start();
  run.addMany(10, 1_700_000_000_000);
  await run.stop();
  await all.promise;
  socket.close();
  assert(datagrams.every((datagram) => datagram.length <= 120 && datagram.endsWith("\n")), datagrams.join("|"));
  assert(datagrams.length < 10);
  assertEquals(run.complaints, []);
});

Deno.test("a datagram holds as many whole lines as fit, and a longer line alone", () => {
  const body = new TextEncoder().encode("aaa\nbbb\ncccccccccc\nd\n");
  const ends = (most: number) => {
    const found: number[] = [];
    for (let from = 0; from < body.length; from = found.at(-1)!) found.push(endOfDatagram(body, from, most));
    return found;
  };
  assertEquals(ends(100), [21]);
  assertEquals(ends(8), [8, 19, 21]);
  assertEquals(ends(7), [4, 8, 19, 21]);
  assertEquals(ends(4), [4, 8, 19, 21]);
  assertEquals(ends(1), [4, 8, 19, 21]);
});

Deno.test("a UDP host that doesn't exist keeps the test from starting", async () => {
  const run = new OutputRun("influxdb=udp://influx.invalid:8089");
  await assertRejects(() => run.output.start(), OutputError, "can't find the host of udp://influx.invalid:8089");
  await run.stop();
});

async function started(server: InfluxServer, query = AT_THE_END): Promise<OutputRun> {
  const run = new OutputRun(`influxdb=${server.url}/k6?${query}`);
  await run.output.start();
  return run;
}
