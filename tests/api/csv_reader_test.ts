import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { CsvReader } from "../../src/api/csv_reader.ts";

function read(text: string, delimiter = ","): string[][] {
  const reader = new CsvReader(new TextEncoder().encode(text), delimiter);
  const records: string[][] = [];
  for (let record = reader.next(); record !== null; record = reader.next()) records.push(record);
  return records;
}

/** As any writer of RFC 4180 does it. */
function quoted(field: string): string {
  return `"${field.replaceAll('"', '""')}"`;
}

Deno.test("what a writer of CSV wrote is read back", () => {
  const field = fc.string({ unit: fc.constantFrom("a", "ö", "🙂", '"', ",", ";", "\n", " ", "") });
  fc.assert(fc.property(
    fc.array(fc.array(field, { minLength: 1, maxLength: 4 }), { maxLength: 6 }),
    fc.constantFrom(",", ";", "\t", "¦"),
    fc.constantFrom("\n", "\r\n"),
    fc.boolean(),
    (records, delimiter, lineEnd, endsLine) => {
      const text = records.map((fields) => fields.map(quoted).join(delimiter)).join(lineEnd);
      assertEquals(read(endsLine && text !== "" ? text + lineEnd : text, delimiter), records);
    },
  ));
});

Deno.test("fields without quotes, empty fields and empty lines", () => {
  assertEquals(read("a,b\n\n,\r\nc d,,e\n"), [["a", "b"], ["", ""], ["c d", "", "e"]]);
  assertEquals(read(""), []);
});

Deno.test("quotes that don't match are named with their line", () => {
  assertThrows(() => read('a,b\nc,d"e\n'), Error, 'parse error on line 2, column 4: bare " in non-quoted-field');
  assertThrows(() => read('a\n"b" c\n'), Error, "line 2, column 3: extraneous or missing");
  assertThrows(() => read('"a\nb'), Error, "line 1, column 5: extraneous or missing");
});
