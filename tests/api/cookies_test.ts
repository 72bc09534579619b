import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { type CookieAttributes, CookieJar, parseSetCookie, responseCookies } from "../../src/api/cookies.ts";
import type { HttpUrl } from "../../src/net/types.ts";

const NOW = Date.UTC(2026, 0, 1);

function httpUrl(text: string): HttpUrl {
  const url = new URL(text);
  return {
    href: url.href,
    secure: url.protocol === "https:",
    hostname: url.hostname.replace(/^\[|\]$/g, ""),
    port: Number(url.port),
    host: url.host,
    target: url.pathname + url.search,
    username: url.username,
    password: url.password,
  };
}

/** A jar after answers: url, Set-Cookie value, url, … */
function jarWith(...answers: [url: string, setCookie: string][]): CookieJar {
  const jar = new CookieJar();
  for (const [url, setCookie] of answers) jar.setFromResponse(httpUrl(url), [setCookie], NOW);
  return jar;
}

const header = (jar: CookieJar, url: string, nowMs = NOW) => jar.headerFor(httpUrl(url), nowMs);

Deno.test("a cookie goes back to its host and path only", () => {
  const jar = jarWith(["http://a.test/dir/page?x=/y", "c=1"]);
  assertEquals(header(jar, "http://a.test/dir/other"), "c=1");
  assertEquals(header(jar, "http://a.test:8080/dir"), "c=1");
  for (const url of ["http://a.test/", "http://a.test/directory", "http://b.a.test/dir/", "http://test/dir/"]) {
    assertEquals(header(jar, url), "");
  }
});

Deno.test("a domain cookie goes to subdomains, a foreign or too wide domain is refused", () => {
  const jar = jarWith(["http://www.a.test/", "c=1; Domain=.A.test"]);
  assertEquals(header(jar, "http://a.test/"), "c=1");
  assertEquals(header(jar, "http://x.y.a.test/"), "c=1");
  assertEquals(header(jar, "http://ba.test/"), "");
  for (const domain of ["test", "b.test", "x.www.a.test", "..a.test", "a.test."]) {
    assertEquals(header(jarWith(["http://www.a.test/", `c=1; Domain=${domain}`]), "http://www.a.test/"), "");
  }
});

Deno.test("hosts of one label and IP addresses may name themselves as domain", () => {
  assertEquals(header(jarWith(["http://localhost/", "c=1; Domain=localhost"]), "http://localhost/"), "c=1");
  assertEquals(header(jarWith(["http://127.0.0.1/", "c=1; Domain=127.0.0.1"]), "http://127.0.0.1/"), "c=1");
  assertEquals(header(jarWith(["http://127.0.0.1/", "c=1; Domain=0.0.1"]), "http://127.0.0.1/"), "");
  assertEquals(header(jarWith(["http://[::1]/", "c=1"]), "http://[::1]/"), "c=1");
});

Deno.test("longer paths come first, then older cookies; setting again keeps the age", () => {
  const url = "http://a.test/deep/er";
  const jar = jarWith([url, "a=1; Path=/"], [url, "b=1; Path=/"], [url, "c=1; Path=/deep"], [url, "a=2; Path=/"]);
  assertEquals(header(jar, url), "c=1; a=2; b=1");
});

Deno.test("a secure cookie travels over TLS only", () => {
  const jar = jarWith(["http://a.test/", "c=1; Secure"]);
  assertEquals([header(jar, "http://a.test/"), header(jar, "https://a.test/")], ["", "c=1"]);
});

Deno.test("cookies expire; Max-Age goes before Expires; a past date deletes", () => {
  const url = "http://a.test/";
  const jar = jarWith([url, "c=1; Max-Age=10; Expires=Wed, 01 Jan 2000 00:00:00 GMT"], [
    url,
    "d=1; Expires=Thu, 01-Jan-2026 00:00:05 GMT",
  ]);
  assertEquals(header(jar, url, NOW + 4999), "c=1; d=1");
  assertEquals(header(jar, url, NOW + 5000), "c=1");
  assertEquals(header(jar, url, NOW + 10_000), "");
  for (const gone of ["Max-Age=0", "Max-Age=-5", "Expires=Wed, 01 Jan 2000 00:00:00 GMT"]) {
    assertEquals(header(jarWith([url, "c=1"], [url, `c=; ${gone}`]), url), "");
  }
  assertEquals(header(jarWith([url, "c=1; Expires=tomorrow; Max-Age=soon"]), url, NOW * 2), "c=1");
});

Deno.test("a request's own cookies come first; only replacing ones push out the jar's", () => {
  const url = "http://a.test/";
  const jar = jarWith([url, "plain=p"], [url, "full=v1"]);
  const send = (replace: boolean) => jar.headerFor(httpUrl(url), NOW, [{ name: "plain", value: "own", replace }]);
  assertEquals(send(false), "plain=own; plain=p; full=v1");
  assertEquals(send(true), "plain=own; full=v1");
  assertEquals(new CookieJar().headerFor(httpUrl(url), NOW), "");
});

Deno.test("a script can set, read, delete and clear cookies", () => {
  const jar = new CookieJar();
  const url = httpUrl("http://a.test/x/y");
  const set = (name: string, value: string, attributes: CookieAttributes = {}) =>
    assertEquals(jar.set(url, name, value, attributes, NOW), true);
  set("a", "1");
  set("a", "2", { path: "/" });
  set("b", "3", { max_age: 5, domain: "a.test", http_only: true });
  set("old", "4", { expires: "Wed, 01 Jan 2000 00:00:00 GMT" });
  assertEquals(jar.cookiesForUrl(url, NOW), { a: ["1", "2"], b: ["3"] });
  assertThrows(() => set("c", "1", { expires: "soon" }), Error, 'invalid "expires" of cookie "c"');
  jar.delete(url, "a", NOW);
  assertEquals(jar.headerFor(url, NOW), "b=3");
  jar.set(httpUrl("http://b.test/"), "other", "1", {}, NOW);
  jar.clear(url, NOW);
  assertEquals(jar.headerFor(url, NOW), "");
  assertEquals(header(jar, "http://b.test/"), "other=1");
});

Deno.test("a cookie may have any name, those of an object's own properties among them", () => {
  const names = ["__proto__", "constructor", "toString"];
  const jar = jarWith(...names.map((name) => ["http://a.test/", `${name}=1`] as [string, string]));
  const values = jar.cookiesForUrl(httpUrl("http://a.test/"), NOW);
  assertEquals(Object.entries(values), names.map((name) => [name, ["1"]]));
  const cookies = responseCookies(names.flatMap((name) => [`${name}=1`, `${name}=2`]));
  assertEquals(Object.entries(cookies).map(([name, list]) => [name, list.length]), names.map((name) => [name, 2]));
});

Deno.test("a script's cookie can't break the header", () => {
  const jar = new CookieJar();
  const url = httpUrl("http://a.test/");
  jar.set(url, "a\r\nb", 'x\r\n"y";\\ż', {}, NOW);
  jar.set(url, "s", "two words", {}, NOW);
  assertEquals(jar.headerFor(url, NOW), 'a--b=xy; s="two words"');
});

Deno.test("Set-Cookie values are parsed as Go parses them", () => {
  assertEquals(parseSetCookie('a = "v, w" ;Path=/p;SECURE; httponly; unknown=1; Max-Age=60; Domain=.x.test'), {
    name: "a",
    value: "v, w",
    domain: ".x.test",
    path: "/p",
    secure: true,
    httpOnly: true,
    maxAge: 60,
    expiresAtMs: undefined,
  });
  for (const bad of ["", "novalue", "=v", "a b=1", 'a="', "a=ż", "a=b\\c"]) {
    assertEquals(parseSetCookie(bad), undefined);
  }
});

Deno.test("Response.cookies has the fields that scripts read", () => {
  assertEquals(
    responseCookies([
      "full=v1; Path=/cookies; Expires=Wed, 01 Jan 2070 00:00:00 GMT; Max-Age=3600; HttpOnly",
      "full=v2",
      "broken",
    ]),
    {
      full: [{
        name: "full",
        value: "v1",
        domain: "",
        path: "/cookies",
        http_only: true,
        secure: false,
        max_age: 3600,
        expires: 3155760000000,
      }, {
        name: "full",
        value: "v2",
        domain: "",
        path: "",
        http_only: false,
        secure: false,
        max_age: 0,
        expires: -6795364578871,
      }],
    },
  );
});

Deno.test("no answer and no script can put a line break into the Cookie header", () => {
  const text = fc.string({ unit: "binary" });
  fc.assert(fc.property(text, text, text, (setCookie, name, value) => {
    const jar = jarWith(["http://a.test/", setCookie]);
    jar.set(httpUrl("http://a.test/"), name, value, {}, NOW);
    assertEquals(/[\r\n]/.test(header(jar, "http://a.test/")), false);
  }));
});

Deno.test("no cookie is for all names under a public suffix, which may have cookies of its own", () => {
  assertEquals(header(jarWith(["http://shop.co.uk/", "c=1; Domain=co.uk"]), "http://shop.co.uk/"), "");
  assertEquals(header(jarWith(["http://me.github.io/", "c=1; Domain=.github.io"]), "http://you.github.io/"), "");
  const own = jarWith(["http://github.io/", "c=1; Domain=github.io"]);
  assertEquals([header(own, "http://github.io/"), header(own, "http://you.github.io/")], ["c=1", ""]);
  assertEquals(header(jarWith(["http://a.shop.co.uk/", "c=1; Domain=shop.co.uk"]), "http://b.shop.co.uk/"), "c=1");
  assertEquals(
    header(jarWith(["http://a.corp.internal/", "c=1; Domain=corp.internal"]), "http://b.corp.internal/"),
    "c=1",
  );
});
