import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { CsvReader } from "../../../src/api/csv_reader.ts";
import { DEFAULT_SYSTEM_TAGS } from "../../../src/metrics/system_tags.ts";
import { CsvFormat } from "../../../src/output/csv/csv_format.ts";
import { type Sample, textOf } from "../file/sample_text.ts";

const AT = 1_700_000_000_123;

function csvOf(samples: readonly Sample[], systemTags: readonly string[] = ["status", "check", "vu"]): string {
  return textOf(samples.map((sample) => ({ atEpochMs: AT, ...sample })), new CsvFormat(systemTags, "unix")).text;
}

Deno.test("the header has a column for each system tag that is on, in alphabetical order", () => {
  assertEquals(
    csvOf([], DEFAULT_SYSTEM_TAGS),
    "metric_name,timestamp,metric_value,check,error,error_code,expected_response,group,method,name,proto,scenario," +
      "service,status,subproto,tls_version,url,extra_tags,metadata\n",
  );
  assertEquals(csvOf([], ["iter", "vu"]), "metric_name,timestamp,metric_value,extra_tags,metadata\n");
});

Deno.test("a row has the tags of the columns, all others in one field, and the metadata in another", () => {
  const tags = [["check", 'it "works"'], ["own", "1"], ["zeta", "a b"]] as const;
  const rows = csvOf([
    { metric: "checks", tags, value: 1 },
    { value: 0.1, tags: [["status", "200"]], metadata: [["iter", "0"], ["trace_id", "a,b"]] },
    { value: NaN },
    { value: Infinity },
  ]).split("\n").slice(1);
  assertEquals(rows, [
    'checks,1700000000,1.000000,"it ""works""",,own=1&zeta=a b,',
    'http_reqs,1700000000,0.100000,,200,,"iter=0&trace_id=a,b"',
    "http_reqs,1700000000,NaN,,,,",
    "http_reqs,1700000000,+Inf,,,,",
    "",
  ]);
});

Deno.test("a field is quoted where Go's encoding/csv quotes it", () => {
  const quoted = (status: string) => csvOf([{ value: 0, tags: [["status", status]] }]).split(",0.000000,,")[1];
  const cases = { "": ",,\n", "\\.": '"\\.",,\n', " a": '" a",,\n', "a ": "a ,,\n", "\ufeffa": "\ufeffa,,\n" };
  for (const [status, row] of Object.entries(cases)) assertEquals(quoted(status), row, JSON.stringify(status));
  assertEquals(quoted("\u0085"), '"\u0085",,\n');
  assertEquals(quoted("a\r\nb"), '"a\r\nb",,\n');
});

Deno.test("any tags come back from the file as they were", () => {
  const text = fc.string({ unit: "binary" }).filter((each) => each.isWellFormed() && !each.includes("\r"));
  const sample = fc.record({ status: text, check: text, value: fc.integer(), trace: text });
  fc.assert(fc.property(fc.array(sample, { maxLength: 20 }), (samples) => {
    const csv = csvOf(samples.map(({ status, check, value, trace }) => ({
      tags: [["check", check], ["status", status]],
      value,
      metadata: [["trace", trace]],
    })));
    const reader = new CsvReader(new TextEncoder().encode(csv), ",");
    const rows: string[][] = [];
    for (let row = reader.next(); row !== null; row = reader.next()) rows.push(row);
    const expected = samples.map(({ status, check, value, trace }) => [
      "http_reqs",
      "1700000000",
      `${Object.is(value, -0) ? "-" : ""}${value}.000000`,
      check,
      status,
      "",
      `trace=${trace}`,
    ]);
    assertEquals(rows.slice(1), expected);
  }));
});
