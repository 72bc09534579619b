import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { fromFileUrl } from "../../src/script/file_url.ts";
import { type Resolution, resolveSpecifier } from "../../src/script/resolve.ts";

const LOCAL = "file:///a/b%20c/s.js";
const REMOTE = "https://x.test/lib/m.js?v=1";

const cases: readonly [specifier: string, base: string, expected: Partial<Resolution> | RegExp][] = [
  ["k6", LOCAL, { kind: "builtin", specifier: "k6" }],
  ["k6/http", REMOTE, { kind: "builtin", specifier: "k6/http" }],
  ["./m.js", LOCAL, { kind: "url", url: "file:///a/b%20c/m.js" }],
  ["../m#1?.js", LOCAL, { kind: "url", url: "file:///a/m%231%3F.js" }],
  ["/x/y.ts", LOCAL, { kind: "url", url: "file:///x/y.ts" }],
  ["file:///x/y.ts", LOCAL, { kind: "url", url: "file:///x/y.ts" }],
  ["https://y.test/a.js?b=c", LOCAL, { kind: "url", url: "https://y.test/a.js?b=c" }],
  ["./n.js?x=1", REMOTE, { kind: "url", url: "https://x.test/lib/n.js?x=1" }],
  ["/n.js", REMOTE, { kind: "url", url: "https://x.test/n.js" }],
  ["lodash", LOCAL, { kind: "package", name: "lodash", version: "", subpath: "." }],
  ["@a/b/c/d.js", LOCAL, { kind: "package", name: "@a/b", version: "", subpath: "./c/d.js" }],
  ["npm:@a/b@^1.2.0/c", LOCAL, { kind: "package", name: "@a/b", version: "^1.2.0", subpath: "./c" }],
  ["npm:/dayjs@1", LOCAL, { kind: "package", name: "dayjs", version: "1", subpath: "." }],
  ["#own", LOCAL, { kind: "package-import" }],
  ["file:///etc/hosts", REMOTE, /^A module from https:\/\/x\.test can't import a local file/],
  ["npm:dayjs", REMOTE, /couldn't be recognised as something k6 supports/],
  ["#own", REMOTE, /couldn't be recognised/],
  ["http://y.test/a.js", LOCAL, /only "file" and "https" are supported/],
  ["data:text/javascript,1", LOCAL, /only "file" and "https" are supported/],
  ["node:fs", LOCAL, /is a module of Node\.js/],
  ["", LOCAL, /couldn't be recognised/],
  ["some words", LOCAL, /couldn't be recognised/],
];

for (const [specifier, base, expected] of cases) {
  Deno.test(`"${specifier}" in ${base}`, () => {
    const resolution = resolveSpecifier(specifier, base);
    if (!(expected instanceof RegExp)) return assertEquals(resolution, expected as Resolution);
    assertEquals(resolution.kind === "error" && expected.test(resolution.message), true, JSON.stringify(resolution));
  });
}

Deno.test("a relative path of any characters leads to that very file", () => {
  const name = fc.string({ minLength: 1, maxLength: 12, unit: "grapheme" })
    .filter((text) => !/[/\\\0\t\n\r]|^\.{1,2}$|^\s|\s$/.test(text) && !/^%2e/i.test(text));
  fc.assert(fc.property(fc.array(name, { minLength: 1, maxLength: 3 }), (names) => {
    const resolution = resolveSpecifier(`./${names.join("/")}`, "file:///folder/s.js");
    assertEquals(resolution.kind, "url");
    if (resolution.kind === "url") assertEquals(fromFileUrl(resolution.url), `/folder/${names.join("/")}`);
  }));
});
