/** The log that the command line asks for: `--log-output`, `--log-format`, `--console-output`, `--verbose`. */

import { systemReason } from "../output/system_reason.ts";
import { UsageError } from "./args.ts";
import { LevelFilter, Log, type LogFormat, type LogSink, TextSink } from "./log.ts";
import { LokiSink, readLokiSettings } from "./loki_log.ts";
import { readLevel, readOutputSettings } from "./output_settings.ts";
import type { SettingReader } from "./setting_reader.ts";
import { StreamWriter, type SyncStream, type TextWriter, wantsColor, WriteError } from "./terminal.ts";

/** Opens the log. Throws a `UsageError` when it can't be. */
export function openLog(read: SettingReader, env: Readonly<Record<string, string>>): Log {
  const consoleFile = read.text("console-output");
  return new Log({
    sink: openSink(read, env),
    consoleSink: consoleFile === "" ? undefined : openFile(consoleFile, logFormat(read), "--console-output"),
    isApart: !["", "stderr", "stdout"].includes(read.text("log-output")),
    level: read.isOn("verbose") ? "debug" : "info",
  });
}

function openSink(read: SettingReader, env: Readonly<Record<string, string>>): LogSink {
  const output = read.text("log-output") || "stderr";
  if (output === "none") return { write() {} };
  if (output === "stderr" || output === "stdout") {
    const color = wantsColor({ isTerminal: Deno[output].isTerminal(), noColor: read.isOn("no-color"), env });
    return new TextSink(new LogWriter(Deno[output], "log"), logFormat(read), color);
  }
  if (/^file(=|$)/.test(output)) return openLogFile(output, logFormat(read));
  if (/^loki(=|$)/.test(output)) return openLokiLog(output);
  throw new UsageError(
    `unsupported log output ${JSON.stringify(output)}; use stderr, stdout, none, file=path or loki=url`,
  );
}

/** `file=path[,level=…]`. */
function openLogFile(output: string, format: LogFormat): LogSink {
  const settings = readOutputSettings(output, ["file", "level"]);
  const path = settings.get("file") ?? "";
  if (path === "") throw new UsageError(`the log output ${output} names no file; use file=path`);
  const level = readLevel(settings.get("level"), output);
  return new LevelFilter(openFile(path, format, `--log-output ${output}`), level);
}

function openLokiLog(output: string): LogSink {
  const settings = readLokiSettings(output);
  const stderr = new StreamWriter(Deno.stderr);
  return new LevelFilter(new LokiSink(settings, (message) => stderr.write(`error: ${message}\n`)), settings.level);
}

/** Lines are added to what the file holds already. */
function openFile(path: string, format: LogFormat, where: string): LogSink {
  try {
    const file = Deno.openSync(path, { create: true, append: true, mode: 0o600 });
    return new TextSink(new LogWriter(file, `file of ${where}`), format, false);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new UsageError(`cannot write the file of ${where}: ${systemReason(error)}`);
  }
}

function logFormat(read: SettingReader): LogFormat {
  const format = read.text("log-format");
  return format === "json" || format === "raw" ? format : "text";
}

/** A log that can't be written (the disk is full, say) must not end the test: lines are lost, and stderr says so once. */
class LogWriter implements TextWriter {
  readonly #writer: StreamWriter;
  readonly #what: string;
  #hasFailed = false;

  constructor(stream: SyncStream, what: string) {
    this.#writer = new StreamWriter(stream);
    this.#what = what;
  }

  write(text: string | Uint8Array): void {
    const problem = attempt(this.#writer, text);
    if (problem === null || this.#hasFailed) return;
    this.#hasFailed = true;
    // When that fails, too, nobody is left to be told.
    attempt(new StreamWriter(Deno.stderr), `error: lines of the ${this.#what} are lost: ${problem}\n`);
  }
}

/** Returns why the stream took not all of the text; null when it did. */
function attempt(writer: StreamWriter, text: string | Uint8Array): string | null {
  try {
    writer.write(text);
    return null;
  } catch (error) {
    if (error instanceof WriteError) return error.message;
    throw error;
  }
}
