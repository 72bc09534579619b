import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { ROOT } from "../../scripts/repository.ts";
import { consoleMessages, runK6d, runSuccessfully } from "./support/k6d.ts";

const TESTDATA = `${ROOT}tests/e2e/testdata`;

/** Deno's own cache, which the variables of the caches' folders would move. */
const DENO_DIR = Deno.env.get("DENO_DIR") ??
  `${Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME")}/.cache`}/deno`;

/** An `https:` server of modules, and the paths that it was asked for. */
class ModuleServer implements AsyncDisposable {
  readonly requests: string[] = [];
  readonly #stop = new AbortController();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(files: Readonly<Record<string, string>>) {
    this.#server = Deno.serve({
      hostname: "127.0.0.1",
      port: 0,
      signal: this.#stop.signal,
      cert: Deno.readTextFileSync(`${TESTDATA}/server_certificate.pem`),
      key: Deno.readTextFileSync(`${TESTDATA}/server_key.pem`),
      onListen() {},
    }, (request) => {
      const { pathname, search } = new URL(request.url);
      const content = files[pathname];
      const etag = `"${pathname}"`;
      const known = request.headers.get("if-none-match") === etag;
      const status = content === undefined || pathname === "/plain.js" && search !== "" ? 404 : known ? 304 : 200;
      this.requests.push(`${status} ${pathname}${search}`);
      return new Response(status === 200 ? content! : null, { status, headers: { etag } });
    });
  }

  get origin(): string {
    return `https://localhost:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#server.finished;
  }
}

const remote = {
  "/lib/main.js": "import { b } from './b.ts'; import { p } from '/plain.js'; export const a = `a ${b} ${p}`;",
  "/lib/b.ts": "export const b: string = 'b';",
  "/plain.js": "export const p = 'plain';",
  "/local.js": "import 'file:///etc/hosts';",
  "/broken.js": "let x = ;",
  "/entry.js": "import { b } from './lib/b.ts'; export default () => console.log('entry', b);",
};

Deno.test("https modules are fetched, checked again in the next run, and used without the network", async () => {
  const cache = await Deno.makeTempDir();
  const env = { DENO_DIR, SSL_CERT_FILE: `${TESTDATA}/authority.pem`, XDG_CACHE_HOME: cache };
  try {
    let files: string;
    {
      await using server = new ModuleServer(remote);
      files = `import { a } from '${server.origin}/lib/main.js'; export default () => console.log(a);`;
      assertEquals(consoleMessages(await runSuccessfully({ files, env })), ["a b plain"]);
      assertEquals(server.requests.splice(0), [
        "200 /lib/main.js?_k6=1",
        "200 /lib/b.ts?_k6=1",
        "404 /plain.js?_k6=1",
        "200 /plain.js",
      ]);
      assertEquals(consoleMessages(await runSuccessfully({ files, env })), ["a b plain"]);
      assertEquals(server.requests.filter((request) => request.startsWith("304")).length, 3);
    }
    const offline = await runSuccessfully({ files, env });
    assertEquals(consoleMessages(offline), ["a b plain"]);
    assertMatch(
      offline.stderr,
      /level=warning msg="The module .*main\.js.* couldn't be loaded .*; the copy of .* is used"/,
    );
  } finally {
    await Deno.remove(cache, { recursive: true });
  }
});

Deno.test("a script may come from the network, and from standard input", async () => {
  await using server = new ModuleServer(remote);
  const env = { DENO_DIR, SSL_CERT_FILE: `${TESTDATA}/authority.pem`, XDG_CACHE_HOME: "", HOME: "" };
  const args = ["run", "--quiet", `${server.origin}/entry.js`];
  assertEquals(consoleMessages(await runSuccessfully({ args, env })), ["entry b"]);
  const stdin = `import { v } from "./lib.js"; const text: string = open(import.meta.resolve("./data.txt"));
    export default () => console.log(v, text);`;
  const files = { "lib.js": "export const v = open('./data.txt');", "data.txt": "data" };
  assertEquals(consoleMessages(await runSuccessfully({ args: ["run", "--quiet", "-"], files, stdin })), ["data data"]);
});

Deno.test("what is wrong with an https module is told with the place of its import", async () => {
  await using server = new ModuleServer(remote);
  const env = { DENO_DIR, SSL_CERT_FILE: `${TESTDATA}/authority.pem`, XDG_CACHE_HOME: "/nonexistent", HOME: "" };
  const errorOf = async (url: string) => {
    const { code, stderr } = await runK6d({ files: `\nimport '${url}'; export default () => {}`, env });
    assertEquals(code, 107, stderr);
    return stderr;
  };
  const missing = await errorOf(`${server.origin}/none.js`);
  assertStringIncludes(missing, "none.js\\\" couldn't be loaded: the server answered 404\\n    at file:///");
  assertStringIncludes(missing, "script.js:2:8");
  assertStringIncludes(
    await errorOf(`${server.origin}/local.js`),
    `can't import a local file: \\"file:///etc/hosts\\"\\n    at ${server.origin}/local.js:1:8`,
  );
  assertStringIncludes(
    await errorOf(`${server.origin}/broken.js`),
    `Unexpected token\\n    at ${server.origin}/broken.js:1:9`,
  );
  assertMatch(
    await errorOf("https://localhost:1/x.js"),
    /couldn't be loaded, and there is no copy of it on this machine: .*script\.js:2:8/,
  );
});
