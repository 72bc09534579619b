/** Forms: their controls, what these hold, and what is sent of them. */

import { type AnyNode, type Element, isTag } from "domhandler";
import { closestElement, elementsBelow, firstBelow, isWithin, rootOf, textOf } from "./tree.ts";

/** What a control holds: text, or the chosen texts of a list that allows several. */
export type ControlValue = string | string[];

/** A control's name and value. */
export interface FormValue {
  readonly name: string;
  readonly value: ControlValue;
}

const LISTED = new Set("button fieldset input keygen object output select textarea".split(" "));
const LABELABLE = new Set("button input keygen meter output progress select textarea".split(" "));
const SENT = new Set("input keygen select textarea".split(" "));
/** Types of `input` that are sent only by being clicked, or not as text. */
const NOT_SENT_BY_ITSELF = new Set("button file image reset submit".split(" "));

/** The controls of a form (WHATWG HTML, section 4.10.3): those in it and those elsewhere that name it. */
export function controlsOf(form: Element): readonly Element[] {
  return controlsByForm(rootOf(form)).get(form)!;
}

/** The form that an element belongs to. */
export function formOf(element: Element): Element | undefined {
  return ownerOf(element, (id) => firstBelow(rootOf(element), (other) => isForm(other) && other.attribs.id === id));
}

/** The labels of a control. */
export function labelsOf(control: Element): Element[] {
  const root = rootOf(control);
  const { id } = control.attribs;
  const isNamed = id !== undefined && labelableById(root, id) === control;
  return elementsBelow(root, (element) => {
    if (element.name !== "label") return false;
    const wanted = element.attribs.for;
    return wanted === undefined
      ? isWithin(element, control) && controlOf(element) === control
      : isNamed && wanted === id;
  });
}

/** The control that a label is for. */
export function controlOf(label: Element): Element | undefined {
  const id = label.attribs.for;
  return id === undefined ? firstBelow(label, isLabelable) : labelableById(rootOf(label), id);
}

/** The options of a `select` or `datalist`. */
export function optionsOf(list: Element): Element[] {
  return elementsBelow(list, ({ name }) => name === "option");
}

/** The options of a `select` that are chosen: where nothing says so, the first that can be. */
export function selectedOptions(select: Element): Element[] {
  const options = optionsOf(select);
  const chosen = options.filter(({ attribs }) => "selected" in attribs);
  if ("multiple" in select.attribs) return chosen;
  if (chosen.length > 0) return chosen.slice(-1);
  const first = options.find((option) => !isDisabledOption(option));
  return first === undefined ? [] : [first];
}

/** Whether an option can't be chosen. */
export function isDisabledOption(option: Element): boolean {
  const { parent } = option;
  return "disabled" in option.attribs ||
    parent !== null && isTag(parent) && parent.name === "optgroup" && "disabled" in parent.attribs;
}

/** What an option stands for. */
export function optionValue(option: Element): string {
  return option.attribs.value ?? optionText(option);
}

/** What an option shows. */
export function optionText(option: Element): string {
  return textOf(option).replace(/[\t\n\f\r ]+/g, " ").trim();
}

/** What a control or another element with a value holds; undefined when there is nothing. */
export function valueOf(node: AnyNode): ControlValue | undefined {
  if (!isTag(node)) return undefined;
  const { name, attribs } = node;
  switch (name) {
    case "select": {
      const values = selectedOptions(node).map(optionValue);
      return "multiple" in attribs ? values : values[0];
    }
    case "option":
      return optionValue(node);
    case "textarea":
      return textOf(node);
    case "input":
      return attribs.value ?? (isCheckable(node) ? "on" : "");
    case "button":
      return attribs.value ?? "";
    default:
      return attribs.value;
  }
}

/** What is sent of forms and controls among `nodes`, in the order of the page. */
export function formValues(nodes: readonly AnyNode[]): FormValue[] {
  const values: FormValue[] = [];
  for (const control of sentControls(nodes)) {
    const { name } = control.attribs;
    const value = valueOf(control);
    if (name === undefined || name === "" || value === undefined || !isSent(control)) continue;
    if (value.length > 0 || !Array.isArray(value)) values.push({ name, value });
  }
  return values;
}

/** The type of an `input`, in lower case; "" for other elements. */
export function inputType({ name, attribs }: Element): string {
  return name === "input" ? (attribs.type ?? "text").toLowerCase() : "";
}

/** Of all forms of a page in one walk, as there may be thousands. */
function controlsByForm(root: AnyNode): Map<Element, Element[]> {
  const listed = elementsBelow(root, (element) => isForm(element) || LISTED.has(element.name));
  const controls = new Map<Element, Element[]>();
  const forms = new Map<string, Element>();
  for (const form of listed.filter(isForm)) {
    controls.set(form, []);
    const { id } = form.attribs;
    if (id !== undefined && !forms.has(id)) forms.set(id, form);
  }
  for (const element of listed) {
    if (isForm(element) || inputType(element) === "image") continue;
    const form = ownerOf(element, (id) => forms.get(id));
    if (form !== undefined) controls.get(form)?.push(element);
  }
  return controls;
}

function ownerOf(element: Element, formById: (id: string) => Element | undefined): Element | undefined {
  const id = element.attribs.form;
  return id === undefined ? closestElement(element, isForm) : formById(id);
}

function labelableById(root: AnyNode, id: string): Element | undefined {
  return firstBelow(root, (element) => isLabelable(element) && element.attribs.id === id);
}

const isLabelable = ({ name }: Element): boolean => LABELABLE.has(name);
const isForm = ({ name }: Element): boolean => name === "form";

function sentControls(nodes: readonly AnyNode[]): Set<Element> {
  const found = new Set<Element>();
  let controls = new Map<Element, Element[]>();
  for (const node of nodes.filter(isTag)) {
    if (SENT.has(node.name)) found.add(node);
    if (!isForm(node)) continue;
    // The next page, where a script has added one's nodes to another's.
    if (!controls.has(node)) controls = controlsByForm(rootOf(node));
    for (const control of controls.get(node)!) if (SENT.has(control.name)) found.add(control);
  }
  return found;
}

/** As in k6 disabled controls count, and a box is checked only where its attribute has a value: `checked="checked"`. */
function isSent(control: Element): boolean {
  if (NOT_SENT_BY_ITSELF.has(inputType(control))) return false;
  return !isCheckable(control) || Boolean(control.attribs.checked);
}

function isCheckable(element: Element): boolean {
  const type = inputType(element);
  return type === "checkbox" || type === "radio";
}
