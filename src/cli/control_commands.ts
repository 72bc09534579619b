/** `k6d pause`, `resume`, `scale`, `status` and `stats`: what can be asked of a running test over its REST API. */

import { ControlClient, ControlClientError } from "../control/client.ts";
import { ListenError } from "../control/server.ts";
import type { StatusAttributes } from "../control/resources.ts";
import { type CommandLine, UsageError } from "./args.ts";
import type { CommandContext, CommandMain } from "./commands.ts";
import { ExitCode } from "./exit_codes.ts";
import { SettingReader } from "./setting_reader.ts";

/** Pauses a test: one that has not started, or one whose virtual users are controlled from outside. */
export const pauseCommand: CommandMain = askForStatus((client) => client.change({ paused: true }));

/** Lets a paused test start, or go on. */
export const resumeCommand: CommandMain = askForStatus((client) => client.change({ paused: false }));

/** Changes the virtual users of an externally controlled scenario. */
export const scaleCommand: CommandMain = askForStatus((client, read) => {
  const vus = read.hasFlag("vus") ? read.last("vus") as number : undefined;
  const max = read.hasFlag("max") ? read.last("max") as number : undefined;
  if (vus === undefined && max === undefined) throw new UsageError("k6d scale needs --vus N, --max N or both");
  return client.change({ ...(vus === undefined ? {} : { vus }), ...(max === undefined ? {} : { "vus-max": max }) });
});

/** Prints the state of a test. */
export const statusCommand: CommandMain = askForStatus((client) => client.status());

/** Prints all metrics of a test. */
export const statsCommand: CommandMain = ask(async (client) =>
  (await client.metrics()).map(({ id, attributes }) => ({ name: id, ...attributes }))
);

function askForStatus(
  question: (client: ControlClient, read: SettingReader) => Promise<StatusAttributes>,
): CommandMain {
  return ask(question);
}

/** A command that prints the answer to one question, as YAML or, with `--json`, as JSON. */
function ask(question: (client: ControlClient, read: SettingReader) => Promise<object>): CommandMain {
  return async (line: CommandLine, { env, stdout }: CommandContext) => {
    const [command, ...more] = line.positionals;
    if (more.length > 0) throw new UsageError(`k6d ${command} takes no arguments, got ${more.join(" ")}`);
    const read = new SettingReader(line, env);
    const address = read.text("address");
    if (address === "") {
      throw new UsageError(`k6d ${command} needs the address of the test: --address host:port or K6_ADDRESS`);
    }
    try {
      const answer = await question(new ControlClient(address), read);
      stdout.write(read.isOn("json") ? `${JSON.stringify(answer, null, 2)}\n` : asYaml(answer));
    } catch (error) {
      if (error instanceof ControlClientError || error instanceof ListenError) throw new UsageError(error.message);
      throw error;
    }
    return ExitCode.Success;
  };
}

/** Plain data as YAML: maps by indentation, a list's items by dashes, scalars as in JSON. */
function asYaml(value: object, indent = ""): string {
  if (Array.isArray(value)) {
    return value.map((item) => `${indent}-${asYaml(item, `${indent}  `).slice(indent.length + 1)}`).join("") || "[]\n";
  }
  return Object.entries(value).map(([key, field]) => {
    const name = /^[\w-]+$/.test(key) ? key : JSON.stringify(key);
    if (typeof field === "object" && field !== null) return `${indent}${name}:\n${asYaml(field, `${indent}  `)}`;
    const isPlain = typeof field !== "string" || /^[a-z_]\w*$/i.test(field);
    return `${indent}${name}: ${isPlain ? field : JSON.stringify(field)}\n`;
  }).join("");
}
