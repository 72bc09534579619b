import { assertEquals, assertThrows } from "@std/assert";
import { maskCredentials, parseHttpUrl, resolveReference, UrlError } from "../../src/net/url.ts";

function failure(run: () => unknown): [code: number, text: string] {
  try {
    run();
  } catch (error) {
    if (error instanceof UrlError) return [error.code, error.text];
    throw error;
  }
  throw new Error("it did not fail");
}

Deno.test("a URL is cut into what a request needs", () => {
  assertEquals(parseHttpUrl("https://user:p%40ss@Example.COM:8443/a/b?c=d#e"), {
    href: "https://user:p%40ss@Example.COM:8443/a/b?c=d#e",
    secure: true,
    hostname: "example.com",
    port: 8443,
    host: "Example.COM:8443",
    target: "/a/b?c=d",
    username: "user",
    password: "p@ss",
  });
});

const CUT: readonly [url: string, hostname: string, port: number, host: string, target: string][] = [
  ["http://h", "h", 80, "h", "/"],
  ["http://h?q", "h", 80, "h", "/?q"],
  ["https://h/", "h", 443, "h", "/"],
  ["http://h:80/x", "h", 80, "h", "/x"],
  ["http://h:443/x", "h", 443, "h:443", "/x"],
  ["http://h:/x", "h", 80, "h", "/x"],
  ["HTTP://h/x", "h", 80, "h", "/x"],
  ["http://[::1]:8080/x", "::1", 8080, "[::1]:8080", "/x"],
  ["http://[::1]/x", "::1", 80, "[::1]", "/x"],
  ["http://bücher.example/", "xn--bcher-kva.example", 80, "xn--bcher-kva.example", "/"],
];
for (const [url, hostname, port, host, target] of CUT) {
  Deno.test(`host, port and target of ${url}`, () => {
    const parsed = parseHttpUrl(url);
    assertEquals([parsed.hostname, parsed.port, parsed.host, parsed.target], [hostname, port, host, target]);
  });
}

const ESCAPED: readonly [written: string, sent: string][] = [
  ["/a%20b", "/a%20b"],
  ["/a b", "/a%20b"],
  ["/a/../b//c", "/a/../b//c"],
  ["/é?q=ü", "/%C3%A9?q=%C3%BC"],
  ["/?q=a b+c&x=[1]", "/?q=a%20b+c&x=[1]"],
  ["/?q=%zz", "/?q=%zz"],
  ["/a%2Fb;c=1,2:@!$'()*", "/a%2Fb;c=1,2:@!$'()*"],
  ['/"<>^`{|}\\', "/%22%3C%3E%5E%60%7B%7C%7D%5C"],
  ["/\ud800", "/%EF%BF%BD"],
];
for (const [written, sent] of ESCAPED) {
  Deno.test(`${JSON.stringify(written)} is sent as ${sent}`, () => {
    assertEquals(parseHttpUrl(`http://h${written}`).target, sent);
  });
}

const REFUSED: readonly [url: string, code: number, text: string][] = [
  ["127.0.0.1/x", 1000, 'unsupported protocol scheme ""'],
  ["", 1000, 'unsupported protocol scheme ""'],
  ["ftp://h/", 1000, 'unsupported protocol scheme "ftp"'],
  ["http:///x", 1000, "http: no Host in request URL"],
  ["http:x", 1000, "http: no Host in request URL"],
  ["127.0.0.1:80/x", 1020, 'invalid URL: parse "127.0.0.1:80/x": first path segment in URL cannot contain colon'],
  ["://h", 1020, 'invalid URL: parse "://h": missing protocol scheme'],
  ["http://h:x/", 1020, 'invalid URL: parse "http://h:x/": invalid port ":x" after host'],
  ["http://h:99999/", 1020, 'invalid URL: parse "http://h:99999/": invalid port ":99999" after host'],
  ["http://a b/", 1020, 'invalid URL: parse "http://a b/": invalid character " " in host name'],
  ["http://h/%zz", 1020, 'invalid URL: parse "http://h/%zz": invalid URL escape "%zz"'],
  ["http://h/\n", 1020, 'invalid URL: parse "http://h/\\n": invalid control character in URL'],
  ["http://%zz/", 1020, 'invalid URL: parse "http://%zz/": invalid character "%" in host name'],
  ["http://[::1/", 1020, "invalid URL: parse \"http://[::1/\": missing ']' in host"],
  ["http://u%zz@h/", 1020, 'invalid URL: parse "http://****:****@h/": invalid userinfo'],
];
for (const [url, code, text] of REFUSED) {
  Deno.test(`${JSON.stringify(url)} is refused`, () => assertEquals(failure(() => parseHttpUrl(url)), [code, text]));
}

for (
  const [location, reason] of [
    [":::", "missing protocol scheme"],
    ["1:x", "first path segment in URL cannot contain colon"],
  ] as const
) {
  Deno.test(`a Location of ${JSON.stringify(location)} is refused`, () => {
    const error = assertThrows(() => resolveReference(parseHttpUrl("http://h/"), location), UrlError);
    assertEquals(error.message, `invalid URL: parse "${location}": ${reason}`);
  });
}

const REFERENCES: readonly [location: string, href: string][] = [
  ["https://other/x", "https://other/x"],
  ["//other/x", "http://other/x"],
  ["/x?y#z", "http://u@h:81/x?y#z"],
  ["x", "http://u@h:81/a/x"],
  ["./x", "http://u@h:81/a/x"],
  ["../x", "http://u@h:81/x"],
  ["../../../x/.", "http://u@h:81/x/"],
  ["?q", "http://u@h:81/a/b?q"],
  ["#f", "http://u@h:81/a/b?c=d#f"],
  ["", "http://u@h:81/a/b?c=d"],
];
for (const [location, href] of REFERENCES) {
  Deno.test(`a Location of ${JSON.stringify(location)} is resolved against the URL that it answers`, () => {
    assertEquals(resolveReference(parseHttpUrl("http://u@h:81/a/b?c=d"), location).href, href);
  });
}

Deno.test("what is shown of a URL has no user and password, also where it is no valid URL", () => {
  const shown = "****:****@";
  const cases = [
    ["http://ann:pa@ss@a.test/x@y", `http://${shown}a.test/x@y`],
    ["//ann:pass@a.test/", `//${shown}a.test/`],
    ["ann:pass@a.test/", `${shown}a.test/`],
    ["http:ann:pass@a.test/", `${shown}a.test/`],
    ["http://ann:pa/ss@a.test/", `http://${shown}a.test/`],
    ["http://ann:pa#ss@a.test/", `http://${shown}a.test/`],
    ["http://ann:pa?ss@a.test/", `http://${shown}a.test/`],
    ["http://a.test/x@y", "http://a.test/x@y"],
    ["http://a.test:80/b:c@d", "http://a.test:80/b:c@d"],
    ["http://[::1]:80/x@y", "http://[::1]:80/x@y"],
    ["http://a.test?u=b:c@d", "http://a.test?u=b:c@d"],
  ] as const;
  for (const [url, expected] of cases) assertEquals(maskCredentials(url), expected);
  const error = assertThrows(() => parseHttpUrl("http://ann:pass@a test/"), UrlError);
  assertEquals(error.message, `invalid URL: parse "http://${shown}a test/": invalid character " " in host name`);
});
