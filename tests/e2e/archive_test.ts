import { assertEquals, assertMatch } from "@std/assert";
import { readArchive } from "../../src/script/archive.ts";
import { consoleMessages, K6dProcess, logEntries, runK6d, runSuccessfully } from "./support/k6d.ts";

const FILES = {
  "tests/script.ts": `import { greet } from "./lib/greet.js";
const data: string = open("../data.txt").trim();
export const options = { iterations: 2, tags: { from: "script" } };
export default function () { console.log(greet(data), __ENV.WHO, __ENV.SHELL_ONLY); }`,
  "tests/lib/greet.js": `export const greet = (name) => "hello " + name;`,
  "data.txt": "world\n",
};

Deno.test("an archive runs without the files that it was made of, with its options and variables", async () => {
  await using archiving = await K6dProcess.start({
    files: FILES,
    args: ["archive", "-e", "WHO=packed", "-O", "packed.tar", "-u", "2", "-i", "4", "tests/script.ts"],
    env: { SHELL_ONLY: "shell" },
  });
  assertEquals((await archiving.ended()).code, 0);
  const packed = await Deno.readFile(`${archiving.folder}/packed.tar`);

  const run = await runSuccessfully({ files: { "x.tar": packed }, args: ["run", "--quiet", "x.tar"] });
  assertEquals(consoleMessages(run), Array(4).fill("hello world packed undefined"));

  const other = await runSuccessfully({
    files: { "x.tar": packed },
    args: ["run", "--quiet", "-u", "1", "-i", "1", "-e", "WHO=me", "x.tar"],
    env: { WHO: "shell", SHELL_ONLY: "shell" },
  });
  assertEquals(consoleMessages(other), ["hello world me shell"]);

  const inspected = await runSuccessfully({ files: { "x.tar": packed }, args: ["inspect", "x.tar"] });
  const { vus, iterations, tags } = JSON.parse(inspected.stdout);
  assertEquals([vus, iterations, tags], [2, 4, { from: "script" }]);
});

Deno.test("what is said to be an archive and isn't is refused in one line", async () => {
  const files = { "script.js": "export default function () {}" };
  const result = await runK6d({ files, args: ["run", "--type", "archive", "script.js"] });
  assertMatch(
    result.stderr,
    /^time=\S+ level=error msg="script\.js is not an archive of a test: it is no tar file"\n$/,
  );
  assertEquals(result.code, 255);
});

const SECRETIVE = `
  export const options = {
    iterations: 1,
    cloud: {
      projectID: 7,
      token: "tok-literal",
      note: "kept",
      apm: [{ provider: "prometheus", remoteWriteURL: "http://h.test/w", credentials: { token: __ENV.APM_TOKEN } }],
    },
    prometheusRemoteWrite: { url: "http://u:opensesame@h.test/w", headers: { Authorization: __ENV.RW_AUTH } },
  };
  export default function () {}`;

Deno.test("an archive has no secrets, says which, and gets those of variables back from its script", async () => {
  const secrets = ["-e", "APM_TOKEN=tok-apm", "-e", "RW_AUTH=Basic rw", "-e", "K6_CLOUD_TOKEN=tok-variable"];
  await using archiving = await K6dProcess.start({
    files: SECRETIVE,
    args: ["archive", ...secrets, "-e", "PLAIN=1", "script.js"],
    env: { K6_CLOUD_TOKEN: "tok-shell", K6_CLOUD_NAME: "shop" },
  });
  const { code, stderr } = await archiving.ended();
  assertEquals(logEntries(stderr).map(({ level, msg }) => `${level} ${msg}`), [
    "warning secrets were left out of the archive: options.cloud.apm[0].credentials, " +
    "options.prometheusRemoteWrite.headers.Authorization, K6_CLOUD_TOKEN; " +
    "where it runs, give their variables again (-e, or k6's own)",
    `warning the archive holds options.cloud.token, because ${archiving.folder}/script.js has it in its text: ` +
    "take it from a variable (__ENV) instead",
    `warning the archive holds options.prometheusRemoteWrite.url, because ${archiving.folder}/script.js has it in its text: ` +
    "take it from a variable (__ENV) instead",
  ]);
  assertEquals(code, 0);
  const bytes = await Deno.readFile(`${archiving.folder}/archive.tar`);
  const { options, env } = readArchive(bytes);
  assertEquals(options["cloud"], {
    projectID: 7,
    note: "kept",
    apm: [{ provider: "prometheus", remoteWriteURL: "http://h.test/w" }],
  });
  assertEquals(options["prometheusRemoteWrite"], { url: "http://h.test/w", headers: {} });
  assertEquals(env, { APM_TOKEN: "tok-apm", RW_AUTH: "Basic rw", PLAIN: "1" });

  const again = ["inspect", "-e", "APM_TOKEN=tok-other", "x.tar"];
  const inspected = await runSuccessfully({ files: { "x.tar": bytes }, args: again });
  assertEquals(JSON.parse(inspected.stdout).cloud.apm[0].credentials, { token: "tok-other" });
});

Deno.test("the system's environment goes into an archive without the secrets of k6's own variables", async () => {
  await using archiving = await K6dProcess.start({
    files: "export default function () {}",
    args: ["archive", "--include-system-env-vars", "script.js"],
    env: {
      K6_CLOUD_TOKEN: "a",
      K6_PROMETHEUS_RW_PASSWORD: "b",
      K6_OUT: "influxdb=http://me:word@h/db",
      K6_SECRET_SOURCE: "mock=key=value",
      K6_CLOUD_PROJECT_ID: "5",
      SHOP_TOKEN: "c",
    },
  });
  assertEquals((await archiving.ended()).code, 0);
  const { env } = readArchive(await Deno.readFile(`${archiving.folder}/archive.tar`));
  const mine = Object.keys(env).filter((name) => name.startsWith("K6_") || name === "SHOP_TOKEN");
  assertEquals(mine.sort(), ["K6_CLOUD_PROJECT_ID", "SHOP_TOKEN"]);
});

Deno.test("an archive that k6 has made is read", async () => {
  const bytes = await Deno.readFile(new URL("../hub/testdata/k6_archive.tar", import.meta.url));
  const { stdout } = await runSuccessfully({ files: { "x.tar": bytes }, args: ["inspect", "x.tar"] });
  const { vus, iterations, tags } = JSON.parse(stdout);
  assertEquals([vus, iterations, tags], [2, 10, { team: "shop" }]);
});

Deno.test("Ctrl-C while a script that never ends is read writes no archive", async () => {
  await using archiving = await K6dProcess.start({
    files: `console.log("reading"); for (;;); export default function () {}`,
    args: ["archive", "script.js"],
  });
  await archiving.logged(/reading/);
  archiving.signal("SIGINT");
  const { code, stderr } = await archiving.ended();
  assertMatch(stderr, /msg="no archive was written, because k6d received a 'interrupt' signal"\n$/);
  assertEquals(code, 105);
});

Deno.test("a disk that is full while archiving is told in one line, and the archive of before stays", async () => {
  await using archiving = await K6dProcess.start({
    files: {
      "script.js": `const data = open("data.bin", "b"); export default function () { data; }`,
      "x.tar": "the one of before",
    },
    args: ["archive", "-O", "x.tar", "script.js"],
    // No file may grow beyond 64 MB: that fails as a full disk does.
    before: `head -c 80000000 /dev/zero > data.bin; trap "" XFSZ; ulimit -f 131072`,
  });
  const { code, stderr } = await archiving.ended();
  assertMatch(stderr, /^time=\S+ level=error msg="cannot write the archive x\.tar: File too large[^\n]*"\n$/);
  assertEquals(code, 255);
  assertEquals(await Deno.readTextFile(`${archiving.folder}/x.tar`), "the one of before");
  const names = Array.from(Deno.readDirSync(archiving.folder), ({ name }) => name);
  assertEquals(names.sort(), ["data.bin", "script.js", "x.tar"]);

  const onDevice = await runK6d({ files: FILES, args: ["archive", "-O", "/dev/full", "tests/script.ts"] });
  assertMatch(onDevice.stderr, /^\S+ level=error msg="cannot write the archive \/dev\/full: No space left[^\n]*"\n$/);
  assertEquals(onDevice.code, 255);
});
