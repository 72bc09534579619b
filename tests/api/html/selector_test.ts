/** Selectors: ours remember what they have found out, css-select's own are the measure. */

import { assert, assertEquals } from "@std/assert";
import { compile } from "css-select";
import { type AnyNode, type Element, isTag } from "domhandler";
import fc from "fast-check";
import { parseHTML } from "../../../src/api/html.ts";
import { findAll, selectorTest } from "../../../src/api/html/selector.ts";
import { elementsBelow, parsePage } from "../../../src/api/html/tree.ts";

const page = fc.array(
  fc.constantFrom(
    ..."<ul>|<li>|<li class=x>|<b>|<b id=i>|<i class='x y'>|text|<!-- c -->|</li>|</ul>|</b>|</i>|<p>|</p>".split("|"),
  ),
  { maxLength: 60 },
).map((parts) => parts.join(""));

/** Without `n`, of which css-select leaves out the root. */
const formula = fc.constantFrom("1", "2", "odd", "even", "3n", "2n+1", "-n+3", "20");
const place = fc.tuple(fc.constantFrom("child", "last-child", "of-type", "last-of-type"), formula)
  .map(([what, formula]) => `:nth-${what}(${formula})`);
const compound = fc.oneof(
  place,
  formula.map((text) => `:nth-child(${text} of .x)`),
  formula.map((text) => `b:nth-last-child(${text} of b, .y)`),
  fc.constantFrom(
    ..."li|b|.x|*|#i|:not(ul li)|:has(> b)|:first-child|:last-child|:only-child|:first-of-type|:last-of-type".split(
      "|",
    ),
    ":only-of-type",
    "i:not(:nth-child(2))",
    ":is(ul, li) ",
  ),
);
const complex = fc.tuple(compound, fc.array(fc.tuple(fc.constantFrom(" ", " > ", " + ", " ~ "), compound)))
  .map(([first, rest]) => first + rest.flat().join(""));
const selector = fc.array(complex, { minLength: 1, maxLength: 2 }).map((parts) => parts.join(", "));

Deno.test("whatever the page and the selector, the same elements are found as by css-select's own functions", () => {
  fc.assert(
    fc.property(page, selector, (html, text) => {
      const root = parsePage(html);
      const all = elementsBelow(root, () => true);
      const wanted = all.filter(compile<AnyNode, Element>(text, { relativeSelector: false }));
      const found = findAll([root], text);
      assert(found.length === wanted.length && found.every((element, i) => element === wanted[i]), text);
      // From the last one on, when nothing of the way up is known yet.
      const others = elementsBelow(parsePage(html), () => true);
      assertEquals(others.reverse().filter(selectorTest(text)).length, wanted.length, text);
    }),
    { numRuns: 500 },
  );
});

Deno.test("a selector that can't be read finds nothing, not even by its negation", () => {
  const html = parseHTML("<ul><li>a</ul>");
  const unreadable = [
    ..."li:nth-child(foo)|li:not(:nth-child(foo))|li:nth-child|li:nth-of-type(1 of li)|:nth-child(1 of [)|li >".split(
      "|",
    ),
    ..."> li:nth-child(foo)|ul < li|li::before|[|li,|:none|a:not(".split("|"),
    ...["ul || li", ""],
  ];
  for (const text of unreadable) assertEquals([text, html.find(text).size()], [text, 0]);
  assertEquals(html.find("ul").filter("> li").size(), 0);
});

Deno.test("nodes that are no elements match nothing", () => {
  const nodes = parseHTML("<p>text<!-- c --></p>").find("p").contents();
  assertEquals([nodes.filter("*").size(), nodes.filter(":nth-child(n)").size(), nodes.size()], [0, 0, 2]);
  assertEquals(isTag(parsePage("x")), false);
});

Deno.test(":empty is what has neither elements nor text, white space included", () => {
  const html = parseHTML("<p id=a></p><p id=b> </p><p id=c><!-- c --></p><p id=d>x</p><p id=e><br></p>");
  assertEquals(html.find("p:empty").toArray().map((one) => one.attr("id")), ["a", "c"]);
  assertEquals(html.find("p:not(:empty)").size(), 3);
});

/** These took minutes: n² in long lists, more in deep nesting. */
const LONG_LIST = parseHTML("<ul>" + "<li class=x>a</li><!-- c -->".repeat(50_000) + "</ul>");
const DEEP = "<ol><li>".repeat(250) + "<a>x</a>".repeat(20_000);

for (
  const [text, found] of Object.entries({
    "li:nth-child(2n)": 25_000,
    "li:nth-last-of-type(3)": 1,
    "li:nth-child(2 of .x)": 1,
    "h1 ~ li": 0,
    "li.none ~ li, li + li": 49_999,
    "li:last-child": 1,
    "li:only-of-type": 0,
  })
) {
  Deno.test(`${text} takes no n² in a list of 50,000`, () => assertEquals(LONG_LIST.find(text).size(), found));
}

Deno.test("descendants of what is not there are not sought again for each element", () => {
  assertEquals(parseHTML(DEEP).find("ul li a, ol li ol li b li a").size(), 0);
});
