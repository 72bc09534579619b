import { assertEquals, assertThrows } from "@std/assert";
import { parseHTML } from "../../../src/api/html.ts";
import type { Attribute, Element } from "../../../src/api/html/element.ts";

/** An element with the methods of its tag. */
type TypedElement = Element & Record<string, () => unknown>;

/** The first element that a selector finds. */
function element(page: string, selector: string): TypedElement {
  return parseHTML(page).find(selector).get(0) as TypedElement;
}

function name(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(name).join();
  return typeof value === "object" && value !== null && "nodeName" in value
    ? (value as Element).id() || (value as Element).nodeName()
    : value;
}

const TREE =
  `<!doctype html><div id=top class="one  two" lang=en>text<p id=p class=two>par</p><!-- c --><b id=b>bold</b></div>`;

/** What the methods that all elements have give for `#top`; nodes by id or name. */
const COMMON: readonly [string, (top: TypedElement) => unknown, unknown][] = [
  ["attributes", (top) => Object.keys(top.attributes()).join(), "id,class,lang"],
  ["childElementCount", (top) => top.childElementCount(), 2],
  ["childNodes", (top) => top.childNodes(), "#text,p,#comment,b"],
  ["children", (top) => top.children(), "p,b"],
  ["classList", (top) => top.classList().join(), "one,two"],
  ["className", (top) => top.className(), "one  two"],
  ["contains", (top) => [top.contains(top), top.contains(top.firstChild()), top.contains(5)].join(), "true,true,false"],
  ["firstChild", (top) => top.firstChild(), "#text"],
  ["lastChild", (top) => top.lastChild(), "b"],
  ["firstElementChild", (top) => top.firstElementChild(), "p"],
  ["lastElementChild", (top) => top.lastElementChild(), "b"],
  ["getAttribute", (top) => [top.getAttribute("LANG"), top.getAttribute("none")].join(), "en,"],
  ["getElementsByClassName", (top) => top.parentElement()!.getElementsByClassName("two"), "top,p"],
  ["getElementsByClassName of several", (top) => top.parentElement()!.getElementsByClassName("two one"), "top"],
  ["getElementsByTagName", (top) => top.getElementsByTagName("P"), "p"],
  ["hasAttribute", (top) => [top.hasAttribute("id"), top.hasAttribute("toString")].join(), "true,false"],
  ["hasAttributes", (top) => top.hasAttributes(), true],
  ["hasChildNodes", (top) => [top.hasChildNodes(), top.firstChild()!.hasChildNodes()].join(), "true,false"],
  ["innerHTML", (top) => top.lastElementChild()!.innerHTML(), "bold"],
  ["innerHTML of text", (top) => top.firstChild()!.innerHTML(), undefined],
  ["isDefaultNamespace", (top) => top.isDefaultNamespace(), true],
  ["isEqualNode", (top) => top.isEqualNode(element(TREE, "#top")), true],
  [
    "isSameNode",
    (top) => [top.isSameNode(top.firstChild()!.parentNode()), top.isSameNode(element(TREE, "#top"))].join(),
    "true,false",
  ],
  ["lang", (top) => [top.lang(), top.firstElementChild()!.lang()].join(), "en,"],
  ["matches", (top) => [top.matches("div.one"), top.matches("p")].join(), "true,false"],
  ["namespaceURI", (top) => top.namespaceURI(), "http://www.w3.org/1999/xhtml"],
  ["nextSibling", (top) => top.firstElementChild()!.nextSibling(), "#comment"],
  ["nextElementSibling", (top) => top.firstElementChild()!.nextElementSibling(), "b"],
  ["previousSibling", (top) => top.lastElementChild()!.previousSibling(), "#comment"],
  ["previousElementSibling", (top) => top.lastElementChild()!.previousElementSibling(), "p"],
  [
    "nodeType",
    (top) => top.childNodes().map((node) => node.nodeType()).join(),
    "3,1,8,1",
  ],
  ["nodeValue", (top) => top.childNodes().map((node) => node.nodeValue()).join(), "text,, c ,"],
  ["ownerDocument", (top) => top.ownerDocument(), "#document"],
  [
    "ownerDocument's children",
    (top) => top.ownerDocument()!.childNodes().map((node) => `${node.nodeName()}${node.nodeType()}`).join(),
    "html10,html1",
  ],
  ["parentElement", (top) => top.parentElement(), "body"],
  ["parentNode of the root", (top) => top.parentElement()!.parentElement()!.parentNode(), "#document"],
  ["parentElement of the root", (top) => top.parentElement()!.parentElement()!.parentElement(), undefined],
  ["querySelector", (top) => [top.querySelector("b"), top.querySelector("i")].map((one) => name(one)).join(), "b,"],
  ["querySelectorAll", (top) => top.querySelectorAll("p, b"), "p,b"],
  ["selection", (top) => top.selection().find("b").text(), "bold"],
  ["textContent", (top) => top.textContent(), "textparbold"],
  ["toString", (top) => String(top), "[object div]"],
];

for (const [what, read, expected] of COMMON) {
  Deno.test(`elements: ${what}`, () => assertEquals(name(read(element(TREE, "#top"))), expected));
}

Deno.test("attributes know their element", () => {
  const svg = element(`<svg><a xlink:href="#x" id=i></a></svg>`, "a");
  const { "xlink:href": link, id } = svg.attributes() as Record<string, Attribute>;
  assertEquals([link!.name, link!.prefix(), link!.localName(), link!.value], ["xlink:href", "xlink", "href", "#x"]);
  assertEquals([id!.prefix(), id!.localName(), id!.namespaceURI()], ["", "id", ""]);
  assertEquals([id!.owner_element.id(), svg.getAttributeNode("id")!.ownerElement.id()], ["i", "i"]);
  assertEquals(svg.getAttributeNode("none"), undefined);
});

const FORM = `<form id=f action=/go method=POST enctype=multipart/form-data novalidate>
<fieldset id=fs disabled><legend id=lg>L</legend><input id=text name=t value=v maxlength=5 list=dl required></fieldset>
<label id=l1 for=text>one</label><label id=l2><input id=box type=checkbox checked></label><input id=img type=image>
<select id=one><option id=o1>A b<optgroup disabled label=G><option id=o2 value=2></optgroup></select>
<select id=many multiple size=3><option value=x selected>X<option value=y>Y<option value=z selected>Z</select>
<textarea id=area rows=9>long text</textarea><button id=btn name=b value=1 formmethod=dialog>go</button>
<output id=out for="a b">42</output><progress id=bar max=4 value=1></progress><meter id=m min=2 max=6 value=3></meter>
</form><input id=far form=f><datalist id=dl><option value=1></datalist>
<table id=tb><caption id=cap>c</caption><tbody id=b1><tr id=r2><th id=h scope=row><td id=d colspan=2></tbody>
<thead id=th><tr id=r1></tr></thead><tfoot id=tf><tr id=r3></tr></tfoot></table>
<img id=pic usemap="#map" width=7 ismap><map id=mp name=map><area id=ar href=/x></map>
<video id=v width=3 controls><track id=tr srclang=pl default></video><ol id=ol start=5 reversed><li id=li value=3></ol>
<time id=t datetime=now></time><script id=s async>code()</script><link id=ln rel="a b" href=x><object id=ob data=d></object>
<canvas id=cv></canvas><td><meta id=me http-equiv=refresh content=5><q id=q cite=c></q><ins id=in datetime=d></ins>`;

/** Methods of single tags: an element by id, the method, and what it gives; nodes by id. */
const TYPED: readonly [string, Readonly<Record<string, unknown>>][] = [
  ["f", {
    ...{ action: "/go", method: "post", enctype: "multipart/form-data", encoding: "multipart/form-data" },
    ...{ noValidate: true, autocomplete: "on", target: "", name: "", acceptCharset: "", length: 9 },
    elements: "fs,text,box,one,many,area,btn,out,far",
  }],
  ["fs", { disabled: true, elements: "text", form: "f", type: "fieldset", validity: undefined, name: "" }],
  ["text", {
    ...{ form: "f", labels: "l1", list: "dl", maxLength: 5, minLength: -1, name: "t", required: true, size: 20 },
    ...{ type: "text", value: "v", defaultValue: "v", formMethod: "", checked: false, step: "", width: 0 },
  }],
  ["box", { labels: "l2", checked: true, defaultChecked: true, type: "checkbox", value: "on", defaultValue: "" }],
  ["far", { form: "f" }],
  ["l1", { control: "text", htmlFor: "text", form: "f" }],
  ["l2", { control: "box", htmlFor: "" }],
  ["lg", { form: "f" }],
  ["one", { length: 2, options: "o1,o2", selectedIndex: 0, selectedOptions: "o1", type: "select-one", value: "A b" }],
  ["many", { type: "select-multiple", multiple: true, value: "x", size: 3, selectedIndex: 0, form: "f" }],
  ["o1", { text: "A b", label: "A b", value: "A b", index: 0, selected: true, defaultSelected: false, form: "f" }],
  ["o2", { disabled: true, index: 1, value: "2", selected: false }],
  ["area", { value: "long text", defaultValue: "long text", length: 9, rows: 9, cols: 20, type: "textarea" }],
  ["btn", { type: "submit", value: "1", name: "b", formMethod: "dialog", formAction: "", disabled: false }],
  ["out", { value: "42", defaultValue: "42", htmlFor: "a b", type: "output", form: "f" }],
  ["bar", { max: 4, value: 1, position: 0.25 }],
  ["m", { min: 2, max: 6, low: 2, high: 6, optimum: 4, value: 3 }],
  ["dl", { options: "option" }],
  ["tb", { caption: "cap", tHead: "th", tFoot: "tf", tBodies: "b1", rows: "r1,r2,r3" }],
  ["b1", { rows: "r2" }],
  ["r2", { cells: "h,d", rowIndex: 1, sectionRowIndex: 0 }],
  ["d", { cellIndex: 1, colSpan: 2, rowSpan: 1 }],
  ["h", { scope: "row", abbr: "", cellIndex: 0 }],
  ["pic", { useMap: "#map", width: 7, height: 0, isMap: true, alt: "" }],
  ["mp", { areas: "ar", images: "pic", name: "map" }],
  ["v", { controls: true, width: 3, textTracks: "tr", preload: "auto", loop: false }],
  ["tr", { srcLang: "pl", default: true, kind: "subtitles" }],
  ["ol", { start: 5, reversed: true }],
  ["li", { value: 3 }],
  ["t", { dateTime: "now" }],
  ["s", { async: true, defer: false, text: "code()" }],
  ["ln", { relList: "a,b", href: "x", rel: "a b" }],
  ["ob", { data: "d", form: undefined, tabIndex: 0 }],
  ["cv", { height: 150, width: 300 }],
  ["me", { httpEquiv: "refresh", content: "5" }],
  ["q", { cite: "c" }],
  ["in", { dateTime: "d", cite: "" }],
];

for (const [id, expected] of TYPED) {
  Deno.test(`typed elements: #${id}`, () => {
    const one = element(FORM, `#${id}`);
    assertEquals(
      Object.fromEntries(Object.keys(expected).map((method) => [method, name(one[method]!())])),
      expected,
    );
  });
}

/** Parts of a link's URL, in the order of `PARTS`. */
const LINKS: Readonly<Record<string, string>> = {
  "http://u:p@host.test:81/p/a?q=1#h": "http|u|p|host.test:81|host.test|81|http://host.test:81|/p/a|?q=1|#h",
  "HTTPS://host.test": "https|||host.test|host.test||https://host.test|||",
  "/get?a=b?c#d?e": "|||||||/get|?a=b?c|#d?e",
  "//cdn.test/x": "|||cdn.test|cdn.test||://cdn.test|/x||",
  "http://[::1]:8080/": "http|||[::1]:8080|[::1]|8080|http://[::1]:8080|/||",
  "mailto:me@x.test": "mailto|||||||me@x.test||",
  "": "|||||||||",
};
const PARTS = "protocol username password host hostname port origin pathname search hash".split(" ");

for (const [href, expected] of Object.entries(LINKS)) {
  Deno.test(`parts of the link ${href}`, () => {
    const link = element(`<a href="${href}">t</a>`, "a");
    assertEquals(PARTS.map((part) => link[part]!()).join("|"), expected);
    assertEquals([link.href!(), link.text!()], [href, "t"]);
  });
}

Deno.test("a method of one tag refuses another's element", () => {
  const { text } = Object.getPrototypeOf(element("<title>x</title>", "title")) as { text: () => string };
  assertThrows(() => Reflect.apply(text, {}, []), TypeError, "text() is a method of <title> elements");
});
