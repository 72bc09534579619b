import { assert, assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import { ROOT } from "../../scripts/repository.ts";
import { ACCOUNT, ContractServer } from "../support/cloud/contract_server.ts";
import { htmlAnswer } from "../support/cloud/faults.ts";
import { type DebianProgram, testWithPrograms } from "../support/debian.ts";
import { CloudUser } from "./support/cloud_user.ts";
import { logEntries } from "./support/k6d.ts";

const script: DebianProgram = { program: "script", debianPackage: "bsdutils" };

const STORED = {
  token: ACCOUNT.token,
  stackID: ACCOUNT.stackId,
  stackURL: ACCOUNT.stackUrl,
  defaultProjectID: ACCOUNT.defaultProjectId,
};

const LOGIN = ["cloud", "login", "--token", ACCOUNT.token, "--stack", `${ACCOUNT.stackUrl}/a/k6-app`];

Deno.test("login stores token and stack for the user alone, shows them masked, and forgets them", async () => {
  await using server = await ContractServer.start();
  await using user = await CloudUser.of(server);
  const login = await user.run(LOGIN);
  assertEquals(login.stderr, "");
  assertEquals(
    login.stdout,
    `Logged in. The token is stored in ${user.configFile}\nStack: https://team.example (77)\nDefault project: 501\n`,
  );
  assertEquals(await user.storedCloud(), STORED);
  assertEquals((await Deno.stat(user.configFile)).mode! & 0o777, 0o600);
  assertEquals((await Deno.stat(user.configFile.replace(/\/[^/]*$/, ""))).mode! & 0o777, 0o700);
  const shown = await user.run(["cloud", "login", "--show"]);
  assertEquals(
    shown.stdout,
    "token: 0123****oken\nstackID: 77\nstackURL: https://team.example\ndefaultProjectID: 501\n",
  );
  const reset = await user.run(["login", "cloud", "-r"]);
  assertEquals([reset.code, await user.storedCloud()], [0, {}]);
  const nothing = await user.run(["cloud", "login", "-s"]);
  assertEquals(nothing.stdout, "token: not set\nstackID: not set\nstackURL: not set\ndefaultProjectID: not set\n");
  assertNotMatch(login.stdout + shown.stdout + reset.stdout, new RegExp(ACCOUNT.token));
  assertEquals(server.violations, []);
});

Deno.test("login leaves the rest of the configuration file as it was written", async () => {
  await using server = await ContractServer.start();
  await using user = await CloudUser.of(server);
  const before = `{ "vus":3.0,\n\t"collectors": { "cloud": { "host":  "http://h", "Token": "old" }, "csv": {} } }\n`;
  await user.writeConfig(before);
  assertEquals((await user.run(LOGIN)).code, 0);
  const after = await Deno.readTextFile(user.configFile);
  assert(
    after.startsWith(`{ "vus":3.0,\n\t"collectors": { "cloud": { "host":  "http://h", "Token": "${ACCOUNT.token}",`),
  );
  assert(after.endsWith(`}, "csv": {} } }\n`), after);
  assertEquals((await Deno.stat(user.configFile)).mode! & 0o777, 0o600);
  assertEquals((await user.run(["cloud", "login", "--reset"])).code, 0);
  assertEquals(await Deno.readTextFile(user.configFile), before.replace(`, "Token": "old"`, ""));
});

Deno.test("a token alone will do for the older spelling", async () => {
  await using server = await ContractServer.start();
  await using user = await CloudUser.of(server);
  const { code, stdout } = await user.run(["login", "cloud", "-t", ACCOUNT.token], { K6_CLOUD_TOKEN: "another-token" });
  assertEquals([code, stdout], [0, `Logged in. The token is stored in ${user.configFile}\n`]);
  assertEquals(await user.storedCloud(), { token: ACCOUNT.token });
  assertEquals(server.order, ["v1.validateToken"]);
  assertEquals(server.violations, []);
});

/** What goes wrong: arguments, exit code, what is logged. Nothing is stored. */
const MISTAKES: readonly (readonly [args: readonly string[], code: number, message: RegExp])[] = [
  [
    ["cloud", "login", "-t", "a-wrong-token", "--stack", ACCOUNT.stackUrl],
    255,
    /^cannot log in: \(401\/error\) the token is invalid; check the token$/,
  ],
  [
    ["cloud", "login", "-t", ACCOUNT.token, "--stack", "other"],
    255,
    /^cannot log in: \(403\/error\) the token is not for https:\/\/other\.grafana\.net; check that the token is for this stack$/,
  ],
  [
    ["login", "cloud", "-t", "a-wrong-token"],
    255,
    /^cannot log in: the token is not valid$/,
  ],
  [
    ["cloud", "login", "-t", ACCOUNT.token, "--stack", "not a stack"],
    255,
    /^invalid stackURL \(command line\): expected the name of a stack, or its address$/,
  ],
  [
    ["cloud", "login"],
    255,
    /^login needs --token here: there is no terminal at which it could ask for it$/,
  ],
  [["cloud", "login", "-t", ACCOUNT.token], 255, /^login needs --stack here: /],
  [["cloud", "login", "now"], 255, /^k6d cloud login takes no arguments, got now$/],
];

Deno.test("a login that fails says why in one line, and stores nothing", async () => {
  await using server = await ContractServer.start();
  await using user = await CloudUser.of(server);
  await Promise.all(MISTAKES.map(async ([args, code, message]) => {
    const result = await user.run(args);
    assertMatch(onlyLine(result), message);
    assertEquals([result.code, result.stdout], [code, ""]);
  }));
  await assertNothingStored(user);
});

Deno.test("a service that fails for a moment is asked again, one that is not there is named", async () => {
  await using server = await ContractServer.start();
  await using user = await CloudUser.of(server);
  server.fault("v6.auth", htmlAnswer(503), "reset");
  const login = await user.run([...LOGIN, "--verbose"]);
  assertEquals([login.code, server.callsOf("v6.auth").length], [0, 3]);
  assertEquals(logEntries(login.stderr).filter(({ msg }) => msg?.startsWith("cloud: GET ")).length, 3);
  assertNotMatch(login.stderr, new RegExp(ACCOUNT.token));
  await server.goAway();
  const failed = await user.run(LOGIN);
  assertEquals(
    onlyLine(failed),
    `cannot log in: ${server.origin}: connection refused; check the network and K6_CLOUD_HOST_V6`,
  );
  assertEquals(server.violations, []);
});

Deno.test("a configuration file that is no JSON is not overwritten, and one in a strange place is made there", async () => {
  await using server = await ContractServer.start();
  await using user = await CloudUser.of(server);
  await user.writeConfig(`{ "vus": `);
  const broken = await user.run(LOGIN);
  assertMatch(onlyLine(broken), /^the configuration file .* is invalid: /);
  assertEquals([broken.code, await Deno.readTextFile(user.configFile)], [104, `{ "vus": `]);
  const named = `${user.configFile}.other/new/config.json`;
  assertEquals((await user.run([...LOGIN, "--config", named])).code, 0);
  assertEquals(JSON.parse(await Deno.readTextFile(named)).collectors.cloud, STORED);
});

testWithPrograms("at a terminal the token is asked for and not shown", [script], async (path) => {
  await using server = await ContractServer.start();
  await using user = await CloudUser.of(server);
  await using terminal = new Terminal(path, ["cloud", "login"], user.env);
  await terminal.shows(/Token \(it is not shown\): $/);
  await terminal.types(`${ACCOUNT.token}x\x7f\r`);
  await terminal.shows(/Stack \(its name or address\): $/);
  await terminal.types(`${ACCOUNT.stackUrl}\r`);
  assertEquals(await terminal.ended(), 0);
  assertMatch(terminal.text, /Logged in\. /);
  assertNotMatch(terminal.text, new RegExp(ACCOUNT.token.slice(0, 8)));
  assertEquals(await user.storedCloud(), STORED);
});

testWithPrograms("Ctrl-C while the token is asked for ends the login and nothing else", [script], async (path) => {
  await using server = await ContractServer.start();
  await using user = await CloudUser.of(server);
  await using terminal = new Terminal(path, ["cloud", "login"], user.env);
  await terminal.shows(/Token \(it is not shown\): $/);
  await terminal.types("abc\x03");
  assertEquals(await terminal.ended(), 105);
  assertMatch(terminal.text, /no login: cancelled/);
  await assertNothingStored(user);
});

function onlyLine({ stderr }: { readonly stderr: string }): string {
  const [entry, ...more] = logEntries(stderr);
  assertEquals(more, [], stderr);
  return entry?.["msg"] ?? stderr;
}

async function assertNothingStored(user: CloudUser): Promise<void> {
  const stored = await Deno.stat(user.configFile).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  });
  assertEquals(stored, null);
}

/** k6d in a terminal that `script` gives it. */
class Terminal implements AsyncDisposable {
  text = "";
  readonly #child: Deno.ChildProcess;
  readonly #keys: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reading: Promise<void>;
  #onText: () => void = () => {};
  #hasEnded = false;

  constructor(script: string, args: readonly string[], env: Readonly<Record<string, string>>) {
    const words = [Deno.execPath(), "run", "-A", "--no-check", `${ROOT}main.ts`, ...args];
    this.#child = new Deno.Command(script, {
      args: ["-qec", words.map((word) => `'${word}'`).join(" "), "/dev/null"],
      env: { ...env, NO_COLOR: "1" },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#keys = this.#child.stdin.getWriter();
    this.#reading = this.#read();
  }

  async shows(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.text)) {
      if (this.#hasEnded) throw new Error(`the terminal doesn't show ${pattern}: ${this.text}`);
      await new Promise<void>((resolve) => this.#onText = resolve);
    }
  }

  async types(keys: string): Promise<void> {
    await this.#keys.write(new TextEncoder().encode(keys));
  }

  /** Resolves with the exit code. */
  async ended(): Promise<number> {
    await this.#reading;
    return (await this.#child.status).code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#hasEnded) this.#child.kill("SIGKILL");
    await Promise.all([this.#reading, this.#child.status, this.#child.stderr.cancel()]);
    await this.#keys.abort();
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of this.#child.stdout) {
      this.text += decoder.decode(chunk, { stream: true });
      this.#onText();
    }
    this.#hasEnded = true;
    this.#onText();
  }
}
