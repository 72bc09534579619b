/** `k6d cloud login` and `k6d login cloud`: stores the token, after the cloud has said that it is valid. */

import { V1Api } from "../../output/cloud/api/v1_api.ts";
import { authenticate } from "../../output/cloud/api/v6_api.ts";
import { findJsonSetting, type SettingKey } from "../../output/cloud/settings.ts";
import { oneLine } from "../../output/http_client.ts";
import { asObject } from "../../output/setting_values.ts";
import { UsageError } from "../args.ts";
import type { CommandMain } from "../commands.ts";
import { readConfigFile } from "../config_file.ts";
import { changeConfigFile } from "../config_writer.ts";
import { ExitCode } from "../exit_codes.ts";
import { removeJsonValue, setJsonValue } from "../json_edit.ts";
import { Prompt, PromptCancelled } from "../prompt.ts";
import type { SettingReader } from "../setting_reader.ts";
import { StreamWriter } from "../terminal.ts";
import { type CloudCommandContext, type LoggedContext, runLogged, withCloud } from "./cloud_command.ts";

/** Stores a token and a stack, shows what is stored (`--show`), or forgets it (`--reset`). */
export const loginCommand: CommandMain = (line, context) =>
  runLogged(line, context, async (logged) => {
    const { read } = logged;
    if (read.isOn("show")) return show(logged);
    if (read.isOn("reset")) return reset(logged);
    // As in k6 up to 1.x, a token alone will do for `login cloud`.
    const needsStack = line.positionals[0] !== "login cloud" || read.hasFlag("stack");
    const given = ask(read, needsStack);
    await withCloud(logged, given, (context) => login(context, given), { isToBeMade: true });
  });

/** What `k6d cloud login` stores, in the order in which it is shown. */
const STORED = ["token", "stackID", "stackURL", "defaultProjectID"] as const satisfies readonly SettingKey[];

/** What the user gives: on the command line, or else at the terminal. */
type Given = { readonly token: string; readonly stackURL?: string };

function ask(read: SettingReader, needsStack: boolean): Given {
  const prompt = Deno.stdin.isTerminal() ? new Prompt(TERMINAL, new StreamWriter(Deno.stderr)) : null;
  try {
    const token = read.text("token") || answered("token", prompt?.askHidden("Token (it is not shown): "));
    if (!needsStack) return { token };
    return { token, stackURL: read.text("stack") || answered("stack", prompt?.ask("Stack (its name or address): ")) };
  } catch (error) {
    if (error instanceof PromptCancelled) throw new UsageError("no login: cancelled", ExitCode.ExternalAbort);
    throw error;
  }
}

const TERMINAL = {
  read: (buffer: Uint8Array) => Deno.stdin.readSync(buffer),
  setRaw: (isRaw: boolean) => Deno.stdin.setRaw(isRaw),
};

function answered(flag: string, answer: string | undefined): string {
  if (answer === undefined) {
    throw new UsageError(`login needs --${flag} here: there is no terminal at which it could ask for it`);
  }
  if (answer === "") throw new UsageError(`no login: no ${flag} was given`);
  return answer;
}

async function login(context: CloudCommandContext, { stackURL }: Given): Promise<void> {
  const { env, log, stdout } = context;
  const stored = stackURL === undefined ? await validToken(context) : await stackOfToken(context);
  stdout.write(`Logged in. The token is stored in ${store(context, stored)}\n`);
  if (stored.stackURL) stdout.write(`Stack: ${stored.stackURL} (${stored.stackID})\n`);
  if (stored.defaultProjectID) stdout.write(`Default project: ${stored.defaultProjectID}\n`);
  const variable = env["K6_CLOUD_TOKEN"] ?? "";
  if (variable !== "" && variable !== stored.token) {
    log.warn("K6_CLOUD_TOKEN is set, and comes before the stored token");
  }
}

/** Null: the service has said that there is none; undefined: it was not asked. */
type Stored = { readonly [Key in typeof STORED[number]]?: string | number | null };

async function stackOfToken({ client, config }: CloudCommandContext): Promise<Stored> {
  const { token, stackUrl, hostV6 } = config;
  if (token === null || stackUrl === null) throw new UsageError("no login: no token or no stack was given");
  const { stackId, defaultProjectId } = await authenticate(client, { host: hostV6, token }, stackUrl);
  return { token, stackID: stackId, stackURL: stackUrl, defaultProjectID: defaultProjectId };
}

async function validToken({ client, config: { token, host } }: CloudCommandContext): Promise<Stored> {
  if (token === null) throw new UsageError("no login: no token was given");
  if (await new V1Api(client, { host, token: null }).isValidToken(token)) return { token };
  throw new UsageError("cannot log in: the token is not valid");
}

function store({ read, env }: LoggedContext, stored: Stored): string {
  return changeConfigFile(read, env, (text) =>
    STORED.reduce((changed, key) => {
      const value = stored[key];
      if (value === undefined) return changed;
      return value === null ? removeJsonValue(changed, placeOf(key)) : setJsonValue(changed, placeOf(key), value);
    }, text));
}

function reset({ read, env, stdout }: LoggedContext): void {
  const path = changeConfigFile(
    read,
    env,
    (text) => STORED.reduce((changed, key) => removeJsonValue(changed, placeOf(key)), text),
  );
  stdout.write(`Logged out. ${path} holds no token any more\n`);
}

function placeOf(key: SettingKey): readonly string[] {
  return ["collectors", "cloud", key];
}

function show({ read, env, stdout }: LoggedContext): void {
  const { collectors } = readConfigFile(read, env);
  const settings = Object.entries(asObject(collectors["cloud"]) ?? {});
  const shown = new Map(settings.map(([name, value]) => [findJsonSetting(name)?.key, value]));
  for (const key of STORED) {
    const value = shown.get(key) ?? "";
    const text = value === "" ? "not set" : key === "token" ? masked(String(value)) : oneLine(String(value));
    stdout.write(`${key}: ${text}\n`);
  }
}

/** Enough to tell tokens apart, of those that are long enough. */
function masked(token: string): string {
  return token.length < 12 ? "****" : `${token.slice(0, 4)}****${token.slice(-4)}`;
}
