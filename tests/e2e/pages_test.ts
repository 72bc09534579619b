/** Pages in a script: `k6/html`, `Response.html()`, `submitForm()` and `clickLink()`, against a real server. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { runK6d } from "./support/k6d.ts";

const PAGE = `<!doctype html><title>Shop</title>
<form id="search" action="find?lang=en"><input name="q" value="two words"><input type="submit" name="go" value="Go"></form>
<form id="order" action="../orders" method="post">
  <input name="user" value="ann"><input type="hidden" name="token" value="t&amp;1"><input value="nameless">
  <input type="checkbox" name="news" checked="checked"><input type="checkbox" name="spam" value="yes">
  <input type="radio" name="size" value="s"><input type="radio" name="size" value="m" checked="checked">
  <select name="color"><option>Red</option><option value="g" selected>Green</option></select>
  <select name="many" multiple><option value="1" selected>1</option><option value="2" selected>2</option></select>
  <select name="first"><option value="1st">First</option><option>Second</option></select>
  <textarea name="note">line</textarea><input type="file" name="upload"><input type="reset" name="reset" value="r">
  <button type="submit" name="save" value="1">Save</button><button name="drop" value="2">Drop</button>
</form>
<form id="bare"><input name="a" value="b"></form>
<form id="put" method="put" action="/orders/1"><input name="a" value="b"></form>
<a name="top">no link</a><a href="next/">next</a><a id="absolute" href="/other?a=1#there">other</a><a id="mail" href="mailto:a@b.test">mail</a>`;

/** Serves the page under `/shop/`, and elsewhere what it was asked, one line. */
function startShop() {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { pathname, search } = new URL(request.url);
    if (pathname === "/moved") return Response.redirect(new URL("/shop/", request.url), 302);
    if (pathname === "/shop/" && search === "") {
      return new Response(PAGE, { headers: { "content-type": "text/html" } });
    }
    const type = request.headers.get("content-type") ?? "";
    return new Response(`${request.method} ${pathname}${search} ${type} ${await request.text()}`.trim());
  });
}

/** Runs a script whose function has `page`, the response with the page; returns its console lines. */
async function run(body: string, head = ""): Promise<string[]> {
  await using shop = startShop();
  const { code, stderr } = await runK6d({
    files: `
import http from "k6/http";
${head}
export default function () {
  const page = http.get(__ENV.SHOP + "/moved");
  const show = (response) => console.log(response.status, response.body);
  ${body}
}`,
    args: ["run", "--quiet", "--log-format=raw", "-e", `SHOP=http://127.0.0.1:${shop.addr.port}`, "script.js"],
  });
  assertEquals(code, 0, stderr);
  return stderr.trim().replaceAll(`:${shop.addr.port}`, "").split("\n");
}

const FORM = "application/x-www-form-urlencoded";
const ORDER = "color=g&first=1st&many=%5B1+2%5D&news=on&note=line";

Deno.test("forms are sent with what the page holds, changed fields and the chosen button", async () => {
  const lines = await run(`
  show(page.submitForm({ formSelector: "#search" }));
  show(page.submitForm({ formSelector: "#search", fields: { q: "x&y", page: 2 } }));
  show(page.submitForm({ formSelector: "#order" }));
  show(page.submitForm({ formSelector: "#order", submitSelector: '[name="drop"]', fields: { user: "bob", token: null, list: [1, 2] } }));
  show(page.submitForm({ formSelector: "#bare" }));
  show(page.submitForm({ formSelector: "#put" }));
  const sent = page.submitForm({ formSelector: "#order", params: { headers: { "Content-Type": "text/plain" } } });
  console.log(sent.body.split(" ")[2]);`);
  assertEquals(lines, [
    "200 GET /shop/find?go=Go&q=two+words",
    "200 GET /shop/find?go=Go&page=2&q=x%26y",
    `200 POST /orders ${FORM} ${ORDER}&save=1&size=m&token=t%261&user=ann`,
    `200 POST /orders ${FORM} color=g&drop=2&first=1st&list=1&list=2&many=%5B1+2%5D&news=on&note=line&size=m&token=&user=bob`,
    "200 GET /shop/?a=b",
    `200 PUT /orders/1 ${FORM} a=b`,
    "text/plain",
  ]);
});

Deno.test("links are followed from where the page was in the end", async () => {
  const lines = await run(`
  show(page.clickLink());
  show(page.clickLink({ selector: "#absolute", params: { headers: { a: "b" } } }));
  console.log(page.html("title").text(), page.html().find("a").size(), page.html() === page.html());`);
  assertEquals(lines, ["200 GET /shop/next/", "200 GET /other?a=1", "Shop 4 true"]);
});

Deno.test("what can't be found is named", async () => {
  const lines = await run(`
  const attempts = [
    () => page.submitForm({ formSelector: "#none" }),
    () => page.clickLink({ selector: "#none" }),
    () => page.clickLink({ selector: "a[name]" }),
    () => http.get(__ENV.SHOP + "/moved", { responseType: "none" }).html(),
  ];
  for (const attempt of attempts) {
    try {
      attempt();
    } catch (error) {
      console.log(error.message);
    }
  }
  console.log(page.clickLink({ selector: "#mail" }).error);`);
  assertEquals(lines.slice(0, 4), [
    "no form found for selector '#none' in response 'http://127.0.0.1/shop/'",
    "no element found for selector '#none' in response 'http://127.0.0.1/shop/'",
    "no href attribute at the element for selector 'a[name]' in response 'http://127.0.0.1/shop/'",
    "the body is null so we can't transform it to HTML - this likely was because of a request error getting the response",
  ]);
  assertStringIncludes(lines.at(-1)!, 'unsupported protocol scheme "mailto"');
});

Deno.test("callbacks may block: others run meanwhile, and nothing blocks the thread", async () => {
  const lines = await run(
    `
  const items = parseHTML("<ul><li>a<li>b</ul>").find("li");
  items.each((index, item) => show(http.get(__ENV.SHOP + "/" + item.textContent() + index)));
  console.log(items.map((index, item) => http.get(__ENV.SHOP + "/" + item.text()).status).join());
  console.log(items.filter((index) => http.get(__ENV.SHOP + "/").status === 200 && index > 0).text());
  console.log(items.not((index) => http.get(__ENV.SHOP + "/").status === 200 && index > 0).text());
  console.log(items.is((index) => http.get(__ENV.SHOP + "/").status === 404));`,
    `import { parseHTML } from "k6/html";`,
  );
  assertEquals(lines, ["200 GET /a0", "200 GET /b1", "200,200", "b", "a", "false"]);
});

Deno.test("forms and links block where JavaScript can't suspend, with a warning that names them", async () => {
  const lines = await run(`
  const holder = { get linked() { return page.clickLink().body; }, get sent() { return page.submitForm({ formSelector: "#bare" }).body; } };
  console.log(holder.linked);
  console.log(holder.sent);`);
  assertEquals(lines.filter((line) => line.startsWith("GET")), ["GET /shop/next/", "GET /shop/?a=b"]);
  assert(
    lines.some((line) => line.includes("script.js:8:47: Response.clickLink() blocks its whole thread")),
    lines.join("\n"),
  );
  assert(lines.some((line) => line.includes("Response.submitForm() blocks its whole thread")));
});

Deno.test("pages are parsed for scripts that hide the method's name only with the module", async () => {
  const hidden = `const method = ["ht", "ml"].join("");`;
  const attempt = `
  try {
    console.log(page[method]().find("title").text());
  } catch (error) {
    console.log(error.message);
  }`;
  assertEquals(await run(attempt, hidden), [
    'k6d could not tell that this script reads pages; let it import "k6/html"',
  ]);
  assertEquals(await run(attempt, `${hidden} import "k6/html";`), ["Shop"]);
});

Deno.test("pages are parsed when a script replaces what the parser is made of", async () => {
  const lines = await run(
    `console.log(page.html().find("#order input").size(), parseHTML("<b>x").find("b").map((_, b) => b.text())[0]);`,
    `
import { parseHTML } from "k6/html";
Array.prototype.push = function () { throw new Error("push of the script"); };
Array.prototype.map = () => ["map of the script"];
Array.prototype[Symbol.iterator] = function () { throw new Error("iterator of the script"); };
String.prototype.charCodeAt = () => { throw new Error("charCodeAt of the script"); };
Map.prototype.get = () => "map of the script";
Object.prototype.name = "name of the script";`,
  );
  assertEquals(lines, ["9 x"]);
});

Deno.test("a script can't change a page's classes for others", async () => {
  const lines = await run(
    `
  const page1 = parseHTML("<a href=x>t</a>");
  const link = page1.find("a").get(0);
  for (const object of [page1, link, link.getAttributeNode("href")]) {
    for (let at = Object.getPrototypeOf(object); at !== Object.prototype; at = Object.getPrototypeOf(at)) {
      console.log(Object.isFrozen(at), Object.isFrozen(at.constructor), Reflect.ownKeys(object).filter((key) => typeof key === "symbol").length);
    }
  }`,
    `import { parseHTML } from "k6/html";`,
  );
  assertEquals(new Set(lines), new Set(["true true 0"]));
});
