/** What a script does with a response as a page: `html()`, `submitForm()` and `clickLink()`. */

import { NetError } from "../net/errors.ts";
import { parseHttpUrl, resolveReference } from "../net/url.ts";
import { runBlocking } from "../script/blocking_twin.ts";
import { type Coroutine, setSuspendingForm } from "../script/suspension.ts";
import { queryEscape } from "./form_body.ts";
import type { Selection } from "./html/selection.ts";
import { request } from "./http.ts";
import { requestMethod } from "./http_request.ts";
import { Response } from "./http_response.ts";
import { loadedModule } from "./lazy_modules.ts";
import { decodeText } from "./response_body.ts";

/** Arguments of `submitForm()`. */
interface FormOptions {
  readonly formSelector?: unknown;
  readonly submitSelector?: unknown;
  /** Values that win over those of the page. */
  readonly fields?: Readonly<Record<string, unknown>> | null;
  readonly params?: unknown;
}

/** Arguments of `clickLink()`. */
interface LinkOptions {
  readonly selector?: unknown;
  readonly params?: unknown;
}

/** Gives responses these methods. Once a worker, before the script's first line. */
export function addPageMethods(): void {
  const methods = {
    html(this: Response, selector?: unknown): Selection {
      const page = pageOf(this);
      return selector === undefined || selector === null ? page : page.find(selector);
    },
    submitForm(this: Response, options?: FormOptions | null): unknown {
      return runBlocking(submitForm(this, options ?? {}), methods.submitForm, "Response.submitForm()");
    },
    clickLink(this: Response, options?: LinkOptions | null): unknown {
      return runBlocking(clickLink(this, options ?? {}), methods.clickLink, "Response.clickLink()");
    },
  };
  setSuspendingForm(methods.submitForm, function (this: Response, options?: FormOptions | null) {
    return submitForm(this, options ?? {});
  });
  setSuspendingForm(methods.clickLink, function (this: Response, options?: LinkOptions | null) {
    return clickLink(this, options ?? {});
  });
  for (const [name, value] of Object.entries(methods)) {
    Object.defineProperty(Response.prototype, name, { value, writable: true, configurable: true });
  }
}

/** Parsed once; beside the responses, so that those that nobody parses are not larger for it. */
const pages = new WeakMap<Response, Selection>();

function pageOf(response: Response): Selection {
  let page = pages.get(response);
  if (page === undefined) {
    const html = loadedModule("k6/html");
    if (html === undefined) {
      throw new Error(`k6d could not tell that this script reads pages; let it import "k6/html"`);
    }
    page = html.parseHTML(textOf(response));
    pages.set(response, page);
  }
  return page;
}

function textOf({ body }: Response): string {
  if (typeof body === "string") return body;
  if (body instanceof ArrayBuffer) return decodeText(new Uint8Array(body));
  throw new Error(
    "the body is null so we can't transform it to HTML - this likely was because of a request error getting the response",
  );
}

function submitForm(response: Response, { formSelector, submitSelector, fields, params }: FormOptions): Coroutine {
  const selector = String(formSelector ?? "form");
  // As in k6, action and method are those of the first form that the selector finds, and the fields those of all.
  const form = pageOf(response).find(selector);
  if (form.size() === 0) throw new Error(`no form found for selector '${selector}' in response '${response.url}'`);
  const values: Record<string, unknown> = form.serializeObject();
  const submit = form.find(String(submitSelector ?? '[type="submit"]')).first();
  const name = submit.attr("name");
  if (typeof name === "string" && name !== "") values[name] = submit.val();
  const method = requestMethod(form.attr("method", "GET")).toUpperCase();
  const url = resolve(response, form.attr("action", "") as string);
  if (method === "GET") return request(method, withQuery(url, { ...values, ...fields }), null, params);
  return request(method, url, { ...goTexts(values), ...fields }, params);
}

function clickLink(response: Response, { selector, params }: LinkOptions): Coroutine {
  const wanted = String(selector ?? "a[href]");
  const link = pageOf(response).find(wanted).first();
  if (link.size() === 0) throw new Error(`no element found for selector '${wanted}' in response '${response.url}'`);
  const href = link.attr("href");
  if (typeof href !== "string") {
    throw new Error(`no href attribute at the element for selector '${wanted}' in response '${response.url}'`);
  }
  return request("GET", resolve(response, href), null, params);
}

/** The URL that a page means. What is none is requested as it is, which fails in k6's way. */
function resolve(response: Response, reference: string): string {
  try {
    return resolveReference(parseHttpUrl(response.url), reference.trim()).href;
  } catch (error) {
    if (error instanceof NetError) return reference;
    throw error;
  }
}

/** A URL with fields as its query, in place of the one that it has; several values are joined, as in k6. */
function withQuery(url: string, fields: Readonly<Record<string, unknown>>): string {
  const pairs = Object.keys(fields).sort().map((name) => `${queryEscape(name)}=${queryEscape(String(fields[name]))}`);
  return `${url.replace(/[?#].*$/s, "")}?${pairs.join("&")}`;
}

/** The values of a list that allows several, as k6 puts them into a body: `[1 3]`. */
function goTexts(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, Array.isArray(value) ? `[${value.join(" ")}]` : value]),
  );
}
