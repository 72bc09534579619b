/** Any text as a tag or field, and a user with a password, in a real InfluxDB and VictoriaMetrics. */

import { assertEquals, assertMatch } from "@std/assert";
import type { TagPairs } from "../../../src/metrics/types.ts";
import { influxdb, testWithPrograms, victoriaMetrics } from "../../support/debian.ts";
import { InfluxDb } from "../../support/influxdb.ts";
import { startVictoriaMetrics } from "../../support/victoria_metrics.ts";
import { OutputRun } from "../support/output_run.ts";
import { ANY_TEXTS } from "../support/texts.ts";

/** A series for each text: as a tag's value, as a tag's name, as a field's value. */
const SERIES: readonly TagPairs[] = ANY_TEXTS.flatMap((text, i): TagPairs[] => [
  [["id", `value ${i}`], ["v", text]],
  [["id", `name ${i}`], [text, "x"]],
  [["id", `field ${i}`], ["field", text]],
]);

testWithPrograms("InfluxDB stores every series, whatever its tags and fields", [influxdb], async (path) => {
  await using server = await InfluxDb.start(path);
  const run = new OutputRun(`influxdb=${server.base}/texts?tagsAsFields=field`);
  await run.output.start();
  run.addAll(SERIES.map((tags) => ({ tags })));
  await run.stop();
  assertEquals(run.complaints, []);
  assertEquals(await server.number("texts", "select count(value) from http_reqs"), SERIES.length);
  const [stored] = await server.query("texts", "select * from http_reqs");
  const byId = new Map(stored!.rows.map((row) => [row["id"], row]));
  ANY_TEXTS.forEach((text, i) => {
    assertEquals(byId.get(`value ${i}`)?.["v"], inTag(text));
    assertEquals(byId.get(`name ${i}`)?.[inTag(text)], "x");
    assertEquals(byId.get(`field ${i}`)?.["field"], text.toWellFormed());
  });
});

testWithPrograms("VictoriaMetrics stores every series, whatever its tags", [victoriaMetrics], async (path) => {
  await using server = await startVictoriaMetrics(path);
  const run = new OutputRun(`influxdb=${server.base}/texts?tagsAsFields=field`);
  await run.output.start();
  run.addAll(SERIES.map((tags) => ({ tags })));
  await run.stop();
  assertEquals(run.complaints, []);
  const samples = await server.samples("http_reqs_value");
  const byId = new Map(samples.map(({ labels }) => [labels["id"], labels]));
  ANY_TEXTS.forEach((text, i) => {
    // It takes two backslashes for one.
    assertEquals(byId.get(`value ${i}`)?.["v"], inTag(text).replaceAll("\\\\", "\\"));
    // It cuts off longer names.
    if (text.length < 256) assertEquals(byId.get(`name ${i}`)?.[inTag(text)], "x");
  });
});

testWithPrograms("InfluxDB knows the user by name and password", [influxdb], async (path) => {
  await using server = await InfluxDb.start(path, { auth: true });
  await server.query("", "create user robot with password 'top secret' with all privileges");
  const address = new URL(`${server.base}/private`);
  const stranger = new OutputRun(`influxdb=${address}`);
  await stranger.output.start();
  stranger.addMany(1);
  await stranger.stop();
  assertMatch(stranger.complaints[0]!, /HTTP 401: .*; check the user name and the password/);
  address.username = "robot";
  address.password = "top secret";
  const known = new OutputRun(`influxdb=${address}`);
  await known.output.start();
  known.addMany(3);
  await known.stop();
  assertEquals(known.complaints, []);
  server.credentials = { u: "robot", p: "top secret" };
  assertEquals(await server.number("private", "select count(value) from http_reqs"), 3);
});

/** What a tag can hold of a text. */
function inTag(text: string): string {
  return text.toWellFormed().replace(/\\(?=\\*([,= ]|$))/g, "/").replaceAll("\n", "\\n");
}
