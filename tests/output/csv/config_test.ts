import { assertEquals, assertThrows } from "@std/assert";
import { readCsvConfig } from "../../../src/output/csv/config.ts";
import { OutputError } from "../../../src/output/output.ts";

/** The settings of `-o csv=argument`, given an environment and the block in the configuration file. */
function config(argument: string, env: Readonly<Record<string, string>> = {}, block: unknown = {}) {
  return readCsvConfig({ name: "csv", argument, env, collectors: { csv: block } });
}

Deno.test("without settings it is file.csv, every second, in Unix seconds", () => {
  assertEquals(readCsvConfig({ name: "csv", argument: "", env: {}, collectors: {} }), {
    path: "file.csv",
    saveIntervalMs: 1000,
    timeFormat: "unix",
    warnings: [],
  });
});

Deno.test("the argument wins over the environment, that over the configuration file, each setting by itself", () => {
  const block = { file_name: "block.csv", save_interval: "3s", time_format: "rfc3339" };
  const env = { K6_CSV_FILENAME: "env.csv", K6_CSV_SAVE_INTERVAL: "2s", K6_CSV_TIME_FORMAT: "" };
  assertEquals(config("", {}, block), { path: "block.csv", saveIntervalMs: 3000, timeFormat: "rfc3339", warnings: [] });
  assertEquals(config("", env, block), { path: "env.csv", saveIntervalMs: 2000, timeFormat: "rfc3339", warnings: [] });
  assertEquals(config("a, b.csv", env, block).path, "a, b.csv");
  assertEquals(config("fileName=x.csv.gz,timeFormat=unix_nano", env, block), {
    path: "x.csv.gz",
    saveIntervalMs: 2000,
    timeFormat: "unix_nano",
    warnings: [],
  });
});

Deno.test("a wrong setting is refused with its name, its value and where it stands", () => {
  const cases: [() => unknown, RegExp][] = [
    [() => config("timeFormat=epoch"), /invalid timeFormat \(-o csv=…\) "epoch": expected one of unix, unix_milli/],
    [() => config("saveInterval=soon"), /invalid saveInterval .*"soon": expected a positive duration/],
    [() => config("", { K6_CSV_SAVE_INTERVAL: "-1s" }), /\(K6_CSV_SAVE_INTERVAL\) "-1s"/],
    [() => config("", {}, { file_name: 7 }), /\(config file, collectors\.csv\.file_name\) 7: expected a path/],
    [() => config("", {}, []), /collectors\.csv must be an object/],
    [() => config("file=a"), /unknown setting "file" .*known: fileName, saveInterval, timeFormat/],
    [() => config("fileName=a,b"), /expected name=value, got "b"/],
  ];
  for (const [read, message] of cases) {
    assertEquals(message.test(assertThrows(read, OutputError).message), true, `${message}`);
  }
});
