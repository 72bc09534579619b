/**
 * What elements of each tag have besides the methods of all: the accessors of their interfaces in WHATWG HTML, as
 * methods. Most show an attribute ("reflect" it).
 */

import { type Element as DomElement, isTag } from "domhandler";
import { Element, nodeOf, setElementClass, tokens, wrap, wrapAll } from "./element.ts";
import {
  controlOf,
  controlsOf,
  formOf,
  inputType,
  isDisabledOption,
  labelsOf,
  optionsOf,
  optionText,
  optionValue,
  selectedOptions,
  valueOf,
} from "./form.ts";
import { childElements, closestElement, elementsBelow, firstBelow, rootOf, textOf } from "./tree.ts";
import { splitUrl, type UrlParts } from "./url_parts.ts";

type Accessor = (element: DomElement) => unknown;
type Accessors = Readonly<Record<string, Accessor>>;

// Kinds of attributes.

/** Text; `missing` stands for an absent attribute. */
function text(attribute: string, missing = ""): Accessor {
  return ({ attribs }) => attribs[attribute] ?? missing;
}

/** A word of a few, in lower case; the first one stands for any other word, `missing` for an absent attribute. */
function word(attribute: string, known: readonly string[], missing = known[0]): Accessor {
  return ({ attribs }) => {
    const value = attribs[attribute]?.toLowerCase();
    return value === undefined ? missing : known.includes(value) ? value : known[0];
  };
}

/** Present or not. */
function flag(attribute: string): Accessor {
  return ({ attribs }) => attribute in attribs;
}

/** A whole number. */
function integer(attribute: string, missing: number): Accessor {
  return ({ attribs }) => {
    const value = Number.parseInt(attribs[attribute] ?? "", 10);
    return Number.isNaN(value) ? missing : value;
  };
}

function number(attribute: string, missing: number): Accessor {
  return (element) => numberOf(element, attribute) ?? missing;
}

function numberOf({ attribs }: DomElement, attribute: string): number | undefined {
  const value = Number.parseFloat(attribs[attribute] ?? "");
  return Number.isNaN(value) ? undefined : value;
}

/** A part of the URL in `href`. */
function urlPart(part: keyof UrlParts): Accessor {
  return ({ attribs }) => splitUrl(attribs.href ?? "")[part];
}

/** Several accessors of one kind, for attributes that are called as they are but in lower case. */
function each(kind: (attribute: string) => Accessor, names: string): Accessors {
  return Object.fromEntries(names.split(" ").map((name) => [name, kind(name.toLowerCase())]));
}

const texts = (names: string): Accessors => each(text, names);
const flags = (names: string): Accessors => each(flag, names);

const below = (...names: string[]): Accessor => (element) =>
  wrapAll(elementsBelow(element, ({ name }) => names.includes(name)));

const textContent: Accessor = (element) => textOf(element);
const constant = (value: unknown): Accessor => () => value;

// What several tags have.

const FORM: Accessors = { form: (element) => wrap(formOf(element)) };
const LABELS: Accessors = { labels: (element) => wrapAll(labelsOf(element)) };
const ENCTYPES = ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"];
const METHODS = ["get", "post", "dialog"];

const FORM_FIELD: Accessors = {
  ...FORM,
  ...LABELS,
  ...texts("name formTarget"),
  ...flags("formNoValidate"),
  formAction: text("formaction"),
  formEnctype: word("formenctype", ENCTYPES, ""),
  formMethod: word("formmethod", METHODS, ""),
};

const LINK_RELATIONS: Accessors = { relList: ({ attribs }) => tokens(attribs.rel) };

const HREF: Accessors = {
  ...texts("accessKey download href hrefLang referrerPolicy rel target type"),
  ...LINK_RELATIONS,
  ...Object.fromEntries(
    (["hash", "host", "hostname", "origin", "password", "pathname", "port", "protocol", "search", "username"] as const)
      .map((part) => [part, urlPart(part)]),
  ),
  text: textContent,
};

const SIZE: Accessors = { height: integer("height", 0), width: integer("width", 0) };

const MEDIA: Accessors = {
  ...texts("src crossOrigin mediaGroup"),
  ...flags("autoplay controls loop"),
  currentSrc: text("src"),
  defaultMuted: flag("muted"),
  muted: flag("muted"),
  preload: text("preload", "auto"),
  textTracks: below("track"),
};

const MOD: Accessors = { cite: text("cite"), dateTime: text("datetime") };
const QUOTE: Accessors = { cite: text("cite") };
const COLUMN: Accessors = { span: integer("span", 1) };
const SECTION: Accessors = { rows: (section) => wrapAll(rowsOf(section)) };

const CELL: Accessors = {
  cellIndex: (cell) => cell.parent === null ? -1 : cellsOf(cell.parent as DomElement).indexOf(cell),
  colSpan: integer("colspan", 1),
  rowSpan: integer("rowspan", 1),
  headers: text("headers"),
};

const CONTROL_SIZES: Accessors = { maxLength: integer("maxlength", -1), minLength: integer("minlength", -1) };

/** By tag. */
const TAGS: Readonly<Record<string, Accessors>> = {
  a: HREF,
  area: { ...HREF, ...texts("alt coords shape") },
  audio: MEDIA,
  base: texts("href target"),
  blockquote: QUOTE,
  button: {
    ...FORM_FIELD,
    ...texts("accessKey value"),
    ...flags("autofocus disabled"),
    type: word("type", ["submit", "reset", "button", "menu"]),
  },
  canvas: { height: integer("height", 150), width: integer("width", 300) },
  col: COLUMN,
  colgroup: COLUMN,
  data: texts("value"),
  datalist: { options: (list) => wrapAll(optionsOf(list)) },
  del: MOD,
  embed: { ...SIZE, ...texts("src type") },
  fieldset: {
    ...FORM,
    ...texts("name"),
    ...flags("disabled"),
    elements: below("button", "fieldset", "input", "keygen", "object", "output", "select", "textarea"),
    type: constant("fieldset"),
    validity: constant(undefined),
  },
  form: {
    ...texts("action name target"),
    ...flags("noValidate"),
    acceptCharset: text("accept-charset"),
    autocomplete: word("autocomplete", ["on", "off"]),
    elements: (form) => wrapAll(controlsOf(form)),
    encoding: word("enctype", ENCTYPES),
    enctype: word("enctype", ENCTYPES),
    length: (form) => controlsOf(form).length,
    method: word("method", METHODS),
  },
  iframe: { ...SIZE, ...texts("name src srcdoc referrerPolicy sandbox") },
  img: {
    ...SIZE,
    ...texts("alt crossOrigin name sizes src srcset useMap"),
    ...flags("isMap"),
    currentSrc: text("src"),
  },
  input: {
    ...FORM_FIELD,
    ...SIZE,
    ...CONTROL_SIZES,
    ...texts("accept accessKey alt autocomplete dirName max min pattern placeholder src step useMap"),
    ...flags("autofocus checked disabled multiple readOnly required"),
    defaultChecked: flag("checked"),
    defaultValue: text("value"),
    list: (input) => wrap(listOf(input)),
    size: integer("size", 20),
    type: inputType,
    value: valueOf,
  },
  ins: MOD,
  keygen: {
    ...FORM,
    ...LABELS,
    ...texts("challenge name"),
    ...flags("autofocus disabled"),
    keytype: text("keytype", "rsa"),
    type: constant("keygen"),
  },
  label: { ...FORM, control: (label) => wrap(controlOf(label)), htmlFor: text("for") },
  legend: { ...FORM, accessKey: text("accesskey") },
  li: { type: text("type"), value: integer("value", 0) },
  link: { ...texts("crossOrigin href hrefLang media referrerPolicy rel sizes target type"), ...LINK_RELATIONS },
  map: {
    ...texts("name"),
    areas: below("area"),
    images: (map) =>
      wrapAll(
        elementsBelow(rootOf(map), ({ name, attribs }) => name === "img" && attribs.usemap === `#${map.attribs.name}`),
      ),
  },
  meta: { ...texts("content name"), httpEquiv: text("http-equiv") },
  meter: {
    ...LABELS,
    high: (meter) => numberOf(meter, "high") ?? numberOf(meter, "max") ?? 1,
    low: (meter) => numberOf(meter, "low") ?? numberOf(meter, "min") ?? 0,
    max: number("max", 1),
    min: number("min", 0),
    optimum: (meter) =>
      numberOf(meter, "optimum") ?? ((numberOf(meter, "min") ?? 0) + (numberOf(meter, "max") ?? 1)) / 2,
    value: number("value", 0),
  },
  object: {
    ...FORM,
    ...SIZE,
    ...texts("data name type useMap"),
    ...flags("typeMustMatch"),
    tabIndex: integer("tabindex", 0),
  },
  ol: { reversed: flag("reversed"), start: integer("start", 1), type: text("type") },
  optgroup: { disabled: flag("disabled"), label: text("label") },
  option: {
    disabled: isDisabledOption,
    defaultSelected: flag("selected"),
    form: (option) => wrap(selectOf(option) && formOf(selectOf(option)!)),
    index: (option) => selectOf(option) === undefined ? 0 : optionsOf(selectOf(option)!).indexOf(option),
    label: (option) => option.attribs.label ?? optionText(option),
    selected: (option) => {
      const select = selectOf(option);
      return select === undefined ? "selected" in option.attribs : selectedOptions(select).includes(option);
    },
    text: optionText,
    value: optionValue,
  },
  output: {
    ...FORM,
    ...LABELS,
    ...texts("name"),
    htmlFor: text("for"),
    defaultValue: textContent,
    type: constant("output"),
    value: textContent,
  },
  param: texts("name value"),
  pre: texts("name value"),
  progress: {
    ...LABELS,
    max: number("max", 1),
    position: (progress) => {
      const value = numberOf(progress, "value");
      return value === undefined ? -1 : value / (numberOf(progress, "max") ?? 1);
    },
    value: number("value", 0),
  },
  q: QUOTE,
  script: { ...texts("charset crossOrigin src type"), ...flags("async defer noModule"), text: textContent },
  select: {
    ...FORM,
    ...LABELS,
    ...texts("name"),
    ...flags("autofocus disabled multiple required"),
    length: (select) => optionsOf(select).length,
    options: (select) => wrapAll(optionsOf(select)),
    selectedIndex: (select) => {
      const [first] = selectedOptions(select);
      return first === undefined ? -1 : optionsOf(select).indexOf(first);
    },
    selectedOptions: (select) => wrapAll(selectedOptions(select)),
    size: integer("size", 0),
    type: ({ attribs }) => "multiple" in attribs ? "select-multiple" : "select-one",
    value: (select) => selectedOptions(select).map(optionValue)[0] ?? "",
  },
  source: texts("keySystem media sizes src srcset type"),
  style: { media: text("media"), type: text("type", "text/css") },
  table: {
    caption: (table) => wrap(partsOf(table, "caption")[0]),
    rows: (table) => wrapAll(tableRows(table)),
    tBodies: (table) => wrapAll(partsOf(table, "tbody")),
    tFoot: (table) => wrap(partsOf(table, "tfoot")[0]),
    tHead: (table) => wrap(partsOf(table, "thead")[0]),
  },
  tbody: SECTION,
  td: CELL,
  textarea: {
    ...FORM,
    ...LABELS,
    ...CONTROL_SIZES,
    ...texts("accessKey autocomplete name placeholder wrap"),
    ...flags("autofocus disabled readOnly required"),
    cols: integer("cols", 20),
    rows: integer("rows", 2),
    defaultValue: textContent,
    length: (area) => textOf(area).length,
    type: constant("textarea"),
    value: textContent,
  },
  tfoot: SECTION,
  th: { ...CELL, ...texts("abbr scope"), sorted: flag("sorted") },
  thead: SECTION,
  time: { dateTime: text("datetime") },
  title: { text: textContent },
  tr: {
    cells: (row) => wrapAll(cellsOf(row)),
    rowIndex: (row) => {
      const table = closestElement(row, ({ name }) => name === "table");
      return table === undefined ? -1 : tableRows(table).indexOf(row);
    },
    sectionRowIndex: (row) => row.parent === null ? -1 : rowsOf(row.parent as DomElement).indexOf(row),
  },
  track: { ...texts("label src srcLang"), default: flag("default"), kind: text("kind", "subtitles") },
  ul: texts("type"),
  video: { ...MEDIA, ...SIZE, poster: text("poster") },
};

/** The classes of all these elements. */
export const typedElements: readonly unknown[] = Object.entries(TAGS).map(([tag, accessors]) => {
  const type = class extends Element {};
  for (const [name, accessor] of Object.entries(accessors)) {
    const method = {
      [name](this: Element): unknown {
        const node = nodeOf(this);
        if (node !== undefined && isTag(node)) return accessor(node);
        throw new TypeError(`${name}() is a method of <${tag}> elements`);
      },
    }[name]!;
    Object.defineProperty(type.prototype, name, { value: method, writable: true, configurable: true });
  }
  setElementClass(tag, type);
  return type;
});

function listOf(input: DomElement): DomElement | undefined {
  const id = input.attribs.list;
  if (id === undefined) return undefined;
  return firstBelow(rootOf(input), ({ name, attribs }) => name === "datalist" && attribs.id === id);
}

function selectOf(option: DomElement): DomElement | undefined {
  return closestElement(option, ({ name }) => name === "select");
}

function partsOf(element: DomElement, ...names: string[]): DomElement[] {
  return childElements(element).filter(({ name }) => names.includes(name));
}

const rowsOf = (section: DomElement): DomElement[] => partsOf(section, "tr");
const cellsOf = (row: DomElement): DomElement[] => partsOf(row, "td", "th");

/** Those of its head first, those of its foot last. */
function tableRows(table: DomElement): DomElement[] {
  const middle = partsOf(table, "tbody", "tr").flatMap((part) => part.name === "tr" ? [part] : rowsOf(part));
  return [
    ...partsOf(table, "thead").flatMap(rowsOf),
    ...middle,
    ...partsOf(table, "tfoot").flatMap(rowsOf),
  ];
}
