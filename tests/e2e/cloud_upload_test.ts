/** `k6d cloud upload`: the archive in the cloud, and nothing that runs. */

import { assertEquals, assertMatch } from "@std/assert";
import { readArchive } from "../../src/script/archive.ts";
import { ACCOUNT, ContractServer } from "../support/cloud/contract_server.ts";
import { K6dProcess, logEntries, runK6d } from "./support/k6d.ts";

const SCRIPT = `
  import { greet } from "./lib.js";
  export const options = {
    iterations: 3,
    cloud: {
      token: __ENV.MY_TOKEN,
      stackID: ${ACCOUNT.stackId},
      apm: [{ provider: "prometheus", remoteWriteURL: "http://h.test/w", credentials: { token: "apm-token" } }],
    },
  };
  export default function () { greet(open); }`;

const FILES = { "shop.js": SCRIPT, "lib.js": "export const greet = () => {};" };

Deno.test("a script is uploaded with its files, to the stack's default project, without secrets", async () => {
  await using server = await ContractServer.start();
  const collectors = { cloud: { defaultProjectID: 501, stackURL: ACCOUNT.stackUrl, hostv6: server.origin } };
  await using run = await K6dProcess.start({
    files: { ...FILES, "config.json": JSON.stringify({ collectors }) },
    args: ["cloud", "upload", "--config", "config.json", "-e", `MY_TOKEN=${ACCOUNT.token}`, "shop.js"],
  });
  const { code, stdout, stderr } = await run.ended();
  const [project, text, ...more] = logEntries(stderr).map(({ level, msg }) => `${level} ${msg}`);
  assertEquals(
    project,
    "warning no project is set (options.cloud.projectID, K6_CLOUD_PROJECT_ID): the test goes to the stack's default project 501",
  );
  assertMatch(text!, /^warning the archive holds options\.cloud\.apm\[0\]\.credentials, because \S+shop\.js has it/);
  assertEquals([code, more], [0, []]);
  assertMatch(
    stdout,
    /output: https:\/\/team\.example\/a\/k6-app\/tests\/1001\n[^]*\n {5}test status: Archived\n\n$/,
  );
  assertEquals(server.order, ["v6.validateOptions", "v6.createLoadTest"]);
  const { name, projectId, archive } = (await server.store.loadTest(1001))!;
  assertEquals([name, projectId], ["shop.js", 501]);
  const { options, files, env } = readArchive(archive!);
  assertEquals([...files.keys()].map((url) => url.split("/").at(-1)).sort(), ["lib.js", "shop.js"]);
  assertEquals(options["cloud"], {
    stackID: ACCOUNT.stackId,
    apm: [{ provider: "prometheus", remoteWriteURL: "http://h.test/w" }],
    name: "shop.js",
    projectID: 501,
  });
  // What -e passes on is the script's.
  assertEquals(env, { MY_TOKEN: ACCOUNT.token });
  assertEquals(server.violations, ["v6.createLoadTest: the token outside of the header Authorization"]);
});

Deno.test("a script from standard input has k6's name for it, and -q prints nothing", async () => {
  await using server = await ContractServer.start();
  const stdin = "export default function () {}";
  const env = {
    K6_CLOUD_HOST_V6: server.origin,
    K6_CLOUD_TOKEN: ACCOUNT.token,
    K6_CLOUD_STACK_ID: String(ACCOUNT.stackId),
    K6_CLOUD_PROJECT_ID: "502",
    XDG_CONFIG_HOME: "/nowhere",
  };
  const { code, stdout, stderr } = await runK6d({ stdin, env, args: ["cloud", "upload", "-q", "-"] });
  assertEquals([code, stdout, stderr], [0, "", ""]);
  const again = await runK6d({ stdin, env, args: ["cloud", "upload", "-"] });
  assertMatch(again.stdout, /output: test 1001 of project 502\n/);
  assertEquals((await server.store.loadTest(1001))?.name, "k6 test");
  assertEquals(server.violations, []);
});
