/** Globals of other environments: absent as in k6, and what takes their place. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { ROOT } from "../../scripts/repository.ts";
import { runK6d } from "./support/k6d.ts";

/** What the page says to write instead, and what it gives; requests go to a server that tells what it got. */
const INSTEAD: readonly [string, string, string][] = [
  ["fetch", `(await http.asyncRequest("GET", url)).body`, "GET  "],
  ["Headers", `http.get(url, { headers: { "X-Test": "1" } }).body`, "GET 1 "],
  [
    "FormData",
    `http.post(url, { upload: http.file(data, "a.txt"), field: "x" }).body.replace(/\\s+/g, "")`,
    "POSTa.txtx",
  ],
  ["Blob", `new TextEncoder().encode("text").buffer.byteLength`, "4"],
  ["AbortController", `http.get(url, { timeout: "2s" }).body`, "GET  "],
  ["btoa", `b64encode("text")`, "dGV4dA=="],
  ["atob", `b64decode("dGV4dA==", "std", "s")`, "text"],
  ["structuredClone", `JSON.stringify(JSON.parse(JSON.stringify({ a: [1] })))`, `{"a":[1]}`],
  ["queueMicrotask", `typeof (await Promise.resolve().then(() => console.log("later")))`, "undefined"],
  ["setImmediate", `typeof setTimeout(() => console.log("later"), 0)`, "number"],
  ["performance", `typeof Date.now()`, "number"],
  ["Buffer", `new TextDecoder().decode(new TextEncoder().encode("text"))`, "text"],
  ["process", `__ENV.NAME`, "value"],
];

/** Tells the method, a header and the names and values of a form. */
function startMirror() {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const isForm = request.headers.get("content-type")?.startsWith("multipart/form-data") === true;
    const fields = isForm ? [...(await request.formData()).values()] : [];
    const texts = fields.map((value) => typeof value === "string" ? value : value.name).sort();
    return new Response(`${request.method} ${request.headers.get("x-test") ?? ""} ${texts.join(" ")}`);
  });
}

Deno.test("what stands in for absent globals works, and is what docs/compatibility.md shows", async () => {
  await using mirror = startMirror();
  const { code, stderr } = await runK6d({
    files: `
import http from "k6/http";
import { b64decode, b64encode } from "k6/encoding";
const url = __ENV.TARGET, data = "text";
export default async function () {
  ${
      INSTEAD.map(([name, snippet]) =>
        `console.log(${JSON.stringify(name)}, typeof ${name}, typeof globalThis.${name}, ${snippet});`
      ).join("\n  ")
    }
}`,
    args: [
      ...["run", "--quiet", "--log-format=raw", "-e", "NAME=value"],
      ...["-e", `TARGET=http://127.0.0.1:${mirror.addr.port}/`, "script.js"],
    ],
  });
  assertEquals(code, 0, stderr);
  const lines = stderr.trimEnd().split("\n").filter((line) => line !== "later");
  assertEquals(lines, INSTEAD.map(([name, _, gives]) => `${name} undefined undefined ${gives}`));

  const page = await Deno.readTextFile(`${ROOT}docs/compatibility.md`);
  for (const [name] of [...INSTEAD, ["URL"], ["URLSearchParams"]]) {
    assertStringIncludes(page, name === "URLSearchParams" ? "`URLSearchParams` " : `| \`${name}\``);
  }
  for (const snippet of page.matchAll(/^\| `\w+` +\| (.*\|)$/gm)) {
    for (const [, code] of snippet[1]!.matchAll(/`(\w[^`]*\(.*?|__ENV\.\w+)`/g)) {
      const used = INSTEAD.some(([, text]) => text.includes(code!)) || code === "new TextDecoder().decode(bytes)";
      assertEquals([code, used], [code, true]);
    }
  }
});

Deno.test("a script that uses an absent global is told where, and once what to use instead", async () => {
  const { code, stderr } = await runK6d({
    files: `
export const options = { iterations: 3, vus: 3 };
export default function () {
  new URL("http://host.test");
}`,
    args: ["run", "--quiet", "--log-format=raw", "--workers", "2", "script.js"],
  });
  assertEquals(code, 0);
  assertEquals(
    stderr.match(/ReferenceError: URL is not defined\n\tat default \(file:.*script\.js:4:3\)/g)?.length,
    3,
    stderr,
  );
  assertEquals(stderr.match(/no URL; use instead: import \{ URL \} from "https:\/\/jslib\.k6\.io\/url\//g)?.length, 1);
});

Deno.test("init code that uses an absent global is told the same", async () => {
  const { code, stderr } = await runK6d({ files: `const copy = structuredClone({});\nexport default function () {}` });
  assertEquals(code, 107, stderr);
  assertStringIncludes(stderr, "ReferenceError: structuredClone is not defined");
  assertStringIncludes(stderr, "script.js:1:14");
  assertStringIncludes(stderr, "k6 scripts have no structuredClone; use instead: JSON.parse(JSON.stringify(value))");
});

Deno.test("a script's own global of such a name is its own, and other mistakes bring no advice", async () => {
  const { stderr } = await runK6d({
    files: `
globalThis.URL = class { constructor(text) { this.href = text; } };
export default function () {
  console.log(new URL("x").href);
  nonsense();
}`,
    args: ["run", "--quiet", "--log-format=raw", "script.js"],
  });
  assertStringIncludes(stderr, "x\n");
  assertStringIncludes(stderr, "nonsense is not defined");
  assertEquals(stderr.includes("use instead"), false);
});

Deno.test("what a virtual user does to TextEncoder, TextDecoder and crypto stays its own", async () => {
  const { stderr } = await runK6d({
    files: `
import { sleep } from "k6";
export const options = { vus: 2, iterations: 2 };
export default function () {
  if (__VU === 1) {
    TextDecoder.prototype.decode = () => "changed";
    TextEncoder.note = "changed";
    crypto.subtle.digest = () => "changed";
    crypto.randomUUID = () => "changed";
    CryptoKey.prototype.note = "changed";
  }
  sleep(0.2);
  const seen = [new TextDecoder().decode(new Uint8Array([65])), TextEncoder.note, crypto.subtle.digest.name];
  console.log(__VU, [...seen, crypto.randomUUID().length, CryptoKey.prototype.note].join());
}`,
    args: ["run", "--quiet", "--log-format=raw", "--workers", "1", "script.js"],
  });
  assertEquals(stderr.trim().split("\n").sort(), ["1 changed,changed,,7,changed", "2 A,,digest,36,"]);
});

Deno.test("a script may put its own in the place of any global, each virtual user for itself", async () => {
  const { stderr } = await runK6d({
    files: {
      "script.js": `
import { sleep } from "k6";
import { made } from "./lib.js";
export const options = { vus: 2, iterations: 2 };
const log = console.log;
globalThis.setTimeout = () => "own timer";
globalThis.Own = class { kind = "own class" };
export default function () {
  if (__VU === 1) {
    JSON = { stringify: () => "own JSON" };
    globalThis.TextEncoder = class { kind = "own encoder" };
    global["console"] = { log: (...args) => log("own", ...args) };
  }
  sleep(0.2);
  console.log(JSON.stringify(__VU), new TextEncoder().kind, setTimeout(), new Own().kind, made(), typeof URL, typeof crypto);
}`,
      "lib.js": `export const made = () => [setTimeout(), new Own().kind, JSON.stringify([])].join();`,
    },
    args: ["run", "--quiet", "--log-format=raw", "--workers", "1", "script.js"],
  });
  assertEquals(stderr.trim().split("\n").sort(), [
    "2 undefined own timer own class own timer,own class,[] undefined object",
    "own own JSON own encoder own timer own class own timer,own class,own JSON undefined object",
  ]);
});
