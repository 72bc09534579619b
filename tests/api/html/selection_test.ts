import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { parseHTML } from "../../../src/api/html.ts";
import type { Element } from "../../../src/api/html/element.ts";
import type { Selection } from "../../../src/api/html/selection.ts";

const PAGE = `<!doctype html><html><head><title>T</title></head><body id="body">
<ul id="list" class="outer"><li id="a" class="x">a</li><li id="b">b</li><li id="c" class="x y">c</li><li id="d">d</li></ul>
<ol id="nest"><li id="n1">one<ul id="inner"><li id="n2">two</li></ul></li></ol>
<p id="p1">text<!-- note --><b id="bold">bold</b></p>
</body></html>`;

const page = parseHTML(PAGE);

/** The ids of the chosen elements. */
function ids(selection: Selection): string {
  return selection.toArray().map((one) => one.attr("id", "-")).join(" ");
}

/** What methods choose, starting from the elements that a selector finds. */
const CHOOSING: readonly [string, (start: Selection) => Selection, string][] = [
  ["#list li", (s) => s, "a b c d"],
  ["#list", (s) => s.children(), "a b c d"],
  ["#list", (s) => s.children(".x"), "a c"],
  ["#nest, #inner", (s) => s.find("li"), "n1 n2"],
  ["#nest", (s) => s.find("> li"), "n1"],
  ["#a, #c", (s) => s.find("+ li"), ""],
  ["ol", (s) => s.find("body li"), "n1 n2"],
  ["li", (s) => s.find("["), ""],
  ["#n2", (s) => s.closest("li"), "n2"],
  ["#n2", (s) => s.closest("ol"), "nest"],
  ["#n2, #a", (s) => s.closest("section"), ""],
  ["#list li", (s) => s.eq(1), "b"],
  ["#list li", (s) => s.eq(-1), "d"],
  ["#list li", (s) => s.eq(9), ""],
  ["#list li", (s) => s.first(), "a"],
  ["#list li", (s) => s.last(), "d"],
  ["#list li", (s) => s.slice(1, 3), "b c"],
  ["#list li", (s) => s.slice(-2), "c d"],
  ["#list li", (s) => s.filter(".x"), "a c"],
  ["#list li", (s) => s.filter((index: number) => index > 1), "c d"],
  ["#list li", (s) => s.filter(page.find("#b, #n2")), "b"],
  ["#list li", (s) => s.not(".x"), "b d"],
  ["#list li", (s) => s.not((_: number, one: Selection) => one.text() === "a"), "b c d"],
  ["#list li", (s) => s.not(page.find("#b")), "a c d"],
  ["#list li", (s) => s.not(page.find("#b").get(0)), "a c d"],
  ["ul, ol", (s) => s.has("#n2"), "nest inner"],
  ["ul, ol", (s) => s.has(page.find("#a")), "list"],
  ["#a, #c", (s) => s.next(), "b d"],
  ["#a, #c", (s) => s.next(".y"), ""],
  ["#b", (s) => s.nextAll(), "c d"],
  ["#a, #b", (s) => s.nextAll(), "b c d"],
  ["#a", (s) => s.nextUntil("#d"), "b c"],
  ["#a", (s) => s.nextUntil(page.find("#d")), "b c"],
  ["#a", (s) => s.nextUntil("#d", ".x"), "c"],
  ["#a", (s) => s.nextUntil(), "b c d"],
  ["#c", (s) => s.prev(), "b"],
  ["#d", (s) => s.prevAll(), "c b a"],
  ["#d", (s) => s.prevUntil("#a"), "c b"],
  ["#b", (s) => s.siblings(), "a c d"],
  ["#b", (s) => s.siblings(".y"), "c"],
  ["#n2", (s) => s.parent(), "inner"],
  ["#n2", (s) => s.parents(), "inner n1 nest body -"],
  ["#n2", (s) => s.parents("li, ol"), "n1 nest"],
  ["#n2", (s) => s.parentsUntil("#nest"), "inner n1"],
  ["html", (s) => s.parent(), ""],
  ["#a", (s) => s.add("#b"), "a b"],
  ["#a", (s) => s.add(page.find("#a, #d")), "a d"],
  ["#a", (s) => s.add(page.find("#d").get(0)), "a d"],
  ["#list", (s) => s.find("li").eq(1).end().end(), "list"],
  ["#list", (s) => s.single("li"), "a"],
  ["#list li:contains(b), #c", (s) => s, "b c"],
];

for (const [index, [selector, choose, expected]] of CHOOSING.entries()) {
  const what = String(choose).replace(/^\([^)]*\) => /, "").replace(/\s+/g, " ");
  Deno.test(`choosing ${index + 1}: ${selector}: ${what}`, () =>
    assertEquals(ids(choose(page.find(selector))), expected));
}

Deno.test("contents() has text and comments, too", () => {
  const contents = page.find("#p1").contents();
  assertEquals(contents.size(), 3);
  assertEquals(contents.get().toString(), "[object #text],[object #comment],[object b]");
  // Only elements match selectors.
  assertEquals(contents.filter("*").size(), 1);
});

Deno.test("each() hands out elements, map() selections", () => {
  const seen: string[] = [];
  page.find("#list li").each((index: number, element: { id(): string }) => seen.push(`${index}${element.id()}`));
  assertEquals(seen, ["0a", "1b", "2c", "3d"]);
  assertEquals(page.find("#list li").map((index: number, one: Selection) => `${index}${one.text()}`), seen);
  assertThrows(() => page.find("li").each("no function"), TypeError, "each() failed: it needs a function");
});

Deno.test("is(), index(), size() and get()", () => {
  const items = page.find("#list li");
  assertEquals([items.is(".y"), items.is(".z"), items.is((index: number) => index === 3)], [true, false, true]);
  assertEquals(items.is(page.find("#b")), true);
  assertEquals([items.index(), items.eq(2).index(), page.find(".none").index()], [0, 2, -1]);
  assertEquals([items.index(page.find("#c")), items.index(page.find("#n2")), page.find("#c").index("li")], [2, -1, 2]);
  assertEquals([items.size(), items.get().toString()], [4, "[object li],[object li],[object li],[object li]"]);
  assertEquals([items.get(-1), items.get(9)].map((one) => one === undefined ? "" : ids(items.filter(one))), ["d", ""]);
});

Deno.test("text, markup and attributes", () => {
  assertEquals(page.find("#p1").text(), "textbold");
  assertEquals(page.find("#p1").html(), 'text<!-- note --><b id="bold">bold</b>');
  assertEquals([page.find(".none").text(), page.find(".none").html(), page.find(".none").val()], ["", "", undefined]);
  assertEquals([page.find("li").attr("id"), page.find("li").attr("none"), page.find("li").attr("none", "d")], [
    "a",
    undefined,
    "d",
  ]);
  assertEquals(page.find("li").attr("constructor"), undefined);
  assertEquals(parseHTML("<p __proto__=1 constructor=2>").find("p").attr("__proto__"), "1");
});

Deno.test("data() reads what attributes look like", () => {
  const one = parseHTML(
    `<p data-n=1 data-f=1.5 data-t=true data-z=null data-long="1.0" data-hex=0x1 data-big=1e999 data-json='{"a":[1]}'
      data-list='[1,2]' data-bad='{a}' data-page-id=x data-e="">`,
  ).find("p");
  const all = {
    ...{ n: 1, f: 1.5, t: true, z: null, long: "1.0", hex: "0x1", big: "1e999", json: { a: [1] } },
    ...{ list: [1, 2], bad: "{a}", pageId: "x", e: "" },
  };
  assertEquals(one.data() as unknown, all);
  assertEquals([one.data("page-id"), one.data("pageId"), one.data("none")], ["x", "x", undefined]);
});

Deno.test("markup is written as Go writes it", () => {
  const html = (text: string): string => parseHTML(text).find("body").html();
  assertEquals(
    html(`<p title='"&amp;'>it's &lt; "x" &nbsp;</p>`),
    `<p title="&#34;&amp;">it&#39;s &lt; &#34;x&#34; \u00a0</p>`,
  );
  assertEquals(
    html("<br><img src=x><script>a < b && 'c'</script>"),
    `<br/><img src="x"/><script>a < b && 'c'</script>`,
  );
  assertEquals(html("<pre>\n\nx</pre><textarea>\n\ny</textarea>"), "<pre>\n\nx</pre><textarea>\n\ny</textarea>");
  assertEquals(html("<p><template><i>in</i></template>"), "<p><template><i>in</i></template></p>");
  assertEquals(parseHTML("<!doctype html>x").html(), "<!DOCTYPE html><html><head></head><body>x</body></html>");
});

const markup = fc.array(
  fc.oneof(
    fc.constantFrom(
      "<p>",
      "</p>",
      "<b>",
      "</b>",
      "<table>",
      "<tr>",
      "<td>",
      "</table>",
      "<ul><li>",
      "<br>",
      "<!-- c -->",
    ),
    fc.constantFrom("<select>", "<option selected>", "</select>", "<a href='/x'>", "<form>", "<input name=n value=v>"),
    fc.string({ maxLength: 8 }),
  ),
  { maxLength: 30 },
).map((parts) => parts.join(""));

Deno.test("whatever is parsed, every method answers, and the order of find() is that of the page", () => {
  fc.assert(fc.property(markup, (text) => {
    const parsed = parseHTML(text);
    const all = parsed.find("*");
    assert(all.size() >= 3);
    assertEquals(all.text().length >= parsed.text().length, true);
    assertEquals(parsed.find("body").parents().size(), 1);
    const order = all.toArray().map((one) => one.parents().size());
    assertEquals(order[0], 0);
    for (const form of parsed.find("form").toArray()) assertEquals(typeof form.serialize(), "string");
    // Each one is found again from above, and knows its way up.
    for (const one of all.slice(0, 10).toArray()) {
      assertEquals(parsed.find("*").filter(one).size(), 1);
      assertEquals(one.parents().has(one).size(), one.parents().size());
    }
  }));
});

Deno.test("a page that is a thousand kilobytes of mistakes is refused, or parsed in bounded time", () => {
  const MEGABYTE = 1 << 20;
  for (const tag of ["<div>", "<b><p>", "<p>", "<!--", "<x a="]) {
    try {
      const hostile = parseHTML(tag.repeat(MEGABYTE / tag.length));
      assert(hostile.find("*").size() > 0 && hostile.html().length > 0);
    } catch (error) {
      assert(error instanceof Error && error.message.startsWith("the page can't be parsed"), String(error));
    }
  }
  let rising = "";
  for (let i = 0; i < 500; i++) rising += `<p><b a=${i}></p>`;
  assertThrows(() => parseHTML(rising + "<p>x</p>".repeat(20_000)), Error, "unfolds to far more elements");
  assertThrows(() => parseHTML("<div>".repeat(10_000)), Error, "nest more than 512 levels deep");
  assertEquals(parseHTML("<div>".repeat(500)).find("div div").size(), 499);
  assertEquals(
    parseHTML(`<p ${Array.from({ length: 50_000 }, (_, i) => `a${i}`).join(" ")}>`).find("p").attr("a9"),
    "",
  );
});

Deno.test("a page of 20,000 of something is walked in bounded time", () => {
  const list = parseHTML("<ul>" + "<li>a</li>".repeat(20_000) + "</ul>").find("li");
  assertEquals([list.nextAll().size(), list.prevAll().size(), list.siblings().size()], [19_999, 19_999, 20_000]);
  assertEquals([list.nextUntil("b").size(), list.parents().size(), list.find(list).size()], [19_999, 3, 0]);
  assertEquals(
    parseHTML("<form><input name=a value=b></form>".repeat(20_000)).find("form").serialize().length,
    79_999,
  );
  const fields = Array.from({ length: 10_000 }, (_, i) => `<label for=i${i}>x</label><input id=i${i} form=f name=a>`);
  const form = parseHTML(`${fields.join("")}<form id=f>`).find("#f");
  assertEquals(form.serializeArray().length, 10_000);
  const last = parseHTML(fields.join("")).find("input").get(-1) as Element & { labels(): Element[] };
  assertEquals(last.labels().length, 1);
  const tags = Array.from({ length: 10_000 }, (_, i) => `<html a${i}=${i}>`).join("");
  assertEquals(parseHTML(tags).find("html").attr("a9999"), "9999");
});

Deno.test("later tags of <html> and <body> add attributes, but change none", () => {
  const page = parseHTML("<html><body a=1><html lang=en><body a=2 b=3 a=4><html lang=pl>");
  assertEquals([page.find("html").attr("lang"), page.find("body").attr("a"), page.find("body").attr("b")], [
    ...["en", "1", "3"],
  ]);
  assertEquals(page.find("head").get(0)!.hasAttributes(), false);
});

Deno.test("walks of several nodes meet, and give each node once", () => {
  const all = page.find("#a, #c");
  assertEquals([ids(all.nextAll()), ids(all.prevAll()), ids(all.nextUntil("#c"))], ["b c d", "b a", "b d"]);
  assertEquals([ids(all.siblings()), ids(page.find("#b, #n2").parentsUntil("body"))], [
    "b c d a",
    "list inner n1 nest",
  ]);
});

Deno.test("what is no text is turned into it", () => {
  assertEquals([null, 5, "<b>x</b>"].map((value) => parseHTML(value).text()), ["null", "5", "x"]);
});
