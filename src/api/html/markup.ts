/** Nodes back to HTML, in the way that Go writes it, and so k6. */

import { type AnyNode, type Element, isComment, isDirective, isTag, isText } from "domhandler";
import { childrenOf } from "./tree.ts";

/** Elements without an end tag. */
const VOID = new Set(
  "area base br col embed hr img input keygen link meta param source track wbr".split(" "),
);

/** Elements whose text is no markup. */
const RAW_TEXT = new Set("iframe noembed noframes noscript plaintext script style xmp".split(" "));

/** Elements whose first line end the parser leaves out. */
const SWALLOWS_LINE_END = new Set(["pre", "listing", "textarea"]);

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "'": "&#39;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&#34;",
  "\r": "&#13;",
};

/** What stands between a node's tags. */
export function innerHtml(node: AnyNode): string {
  return childrenOf(node).map(outerHtml).join("");
}

/** A node with its tags. */
export function outerHtml(root: AnyNode): string {
  let html = "";
  for (let node = root;;) {
    html += opening(node);
    const children = childrenOf(node);
    if (children.length > 0) {
      node = children[0]!;
      continue;
    }
    while (node !== root && node.next === null) {
      html += closing(node);
      node = node.parent!;
    }
    html += closing(node);
    if (node === root) return html;
    node = node.next!;
  }
}

function opening(node: AnyNode): string {
  if (isText(node)) {
    const { parent } = node;
    return parent !== null && isTag(parent) && RAW_TEXT.has(parent.name) ? node.data : escape(node.data);
  }
  if (isComment(node)) return `<!--${node.data}-->`;
  if (isDirective(node)) return `<${node.data}>`;
  return isTag(node) ? startTag(node) : "";
}

function startTag(element: Element): string {
  let tag = `<${element.name}`;
  for (const [name, value] of Object.entries(element.attribs)) tag += ` ${name}="${escape(value)}"`;
  if (VOID.has(element.name)) return `${tag}/>`;
  const first = element.children[0];
  const startsLine = first !== undefined && isText(first) && first.data.startsWith("\n");
  return startsLine && SWALLOWS_LINE_END.has(element.name) ? `${tag}>\n` : `${tag}>`;
}

function closing(node: AnyNode): string {
  return isTag(node) && !VOID.has(node.name) ? `</${node.name}>` : "";
}

function escape(text: string): string {
  return text.replace(/[&'<>"\r]/g, (character) => ESCAPES[character]!);
}
