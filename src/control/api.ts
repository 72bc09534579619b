/** k6's REST API: requests to a run, and their JSON:API answers. Knows no sockets; see `server.ts`. */

import { ControlError, type ControlledRun } from "./controlled_run.ts";
import { groupResources, metricResources, type Resource, setupResource, statusResource } from "./resources.ts";

/** Answers one request; never rejects. */
export async function answer(request: Request, run: ControlledRun): Promise<Response> {
  try {
    return await route(request, run);
  } catch (error) {
    if (error instanceof ApiError) return errorResponse(error);
    if (error instanceof ControlError) return errorResponse(new ApiError(409, "Conflict", error.message));
    throw error;
  }
}

/** A request that gets no answer but an error. */
class ApiError extends Error {
  readonly status: number;
  readonly title: string;

  constructor(status: number, title: string, detail: string) {
    super(detail);
    this.status = status;
    this.title = title;
  }
}

type Handler = (run: ControlledRun, request: Request, id: string) => Response | Promise<Response>;

/** By path, `*` being an id, then by method. */
const ROUTES: Readonly<Record<string, Readonly<Record<string, Handler>>>> = {
  "/": { GET: plainOk },
  "/ping": { GET: plainOk },
  "/v1/status": { GET: getStatus, PATCH: patchStatus },
  "/v1/metrics": { GET: (run) => data(metricResources(run)) },
  "/v1/metrics/*": { GET: (run, _request, id) => one(metricResources(run), id, "metric") },
  "/v1/groups": { GET: (run) => data(groupResources(run.rootGroup)) },
  "/v1/groups/*": { GET: (run, _request, id) => one(groupResources(run.rootGroup), id, "group") },
  "/v1/setup": { GET: getSetup, PUT: putSetup, POST: postSetup },
  "/v1/teardown": { POST: postTeardown },
};

async function route(request: Request, run: ControlledRun): Promise<Response> {
  // Browsers name the page that asks: no page has a say in a test.
  if (request.headers.has("origin")) {
    throw new ApiError(403, "Forbidden", "requests of web pages are not answered");
  }
  const { pathname } = new URL(request.url);
  const [, collection, id] = /^(\/v1\/(?:metrics|groups))\/(.+)$/.exec(pathname) ?? [];
  const methods = ROUTES[collection === undefined ? pathname : `${collection}/*`];
  if (methods === undefined) throw new ApiError(404, "Not Found", `there is nothing at ${pathname}`);
  const handler = Object.hasOwn(methods, request.method) ? methods[request.method] : undefined;
  if (handler === undefined) {
    const allowed = Object.keys(methods).join(", ");
    const response = errorResponse(
      new ApiError(405, "Method Not Allowed", `${request.method} is not for ${pathname}; use ${allowed}`),
    );
    response.headers.set("allow", allowed);
    return response;
  }
  return await handler(run, request, id === undefined ? "" : decodeId(id));
}

function decodeId(id: string): string {
  try {
    return decodeURIComponent(id);
  } catch {
    throw new ApiError(400, "Bad Request", `"${id}" is not a well-formed part of a URL`);
  }
}

function plainOk(): Response {
  return new Response("ok");
}

function getStatus(run: ControlledRun): Response {
  return data(statusResource(run));
}

/** `stopped`, `paused`, `vus` and `vus-max` may be asked for; all of the request is checked before any of it is done. */
async function patchStatus(run: ControlledRun, request: Request): Promise<Response> {
  const attributes = await readAttributes(request);
  const stopped = optionalBoolean(attributes, "stopped");
  const paused = optionalBoolean(attributes, "paused");
  const vus = optionalNumber(attributes, "vus");
  const maxVus = optionalNumber(attributes, "vus-max");
  if (stopped === true) {
    run.stop();
    return data(statusResource(run));
  }
  if (vus !== undefined || maxVus !== undefined) {
    run.scale({ ...(vus === undefined ? {} : { vus }), ...(maxVus === undefined ? {} : { maxVus }) });
  }
  if (paused === true) run.pause();
  if (paused === false) run.resume();
  return data(statusResource(run));
}

function getSetup(run: ControlledRun): Response {
  return data(setupResource(run));
}

/** The body's `data.attributes.data` takes the place of what `setup()` returned. */
async function putSetup(run: ControlledRun, request: Request): Promise<Response> {
  const attributes = await readAttributes(request);
  run.replaceSetupData(JSON.stringify(attributes["data"] ?? null));
  return getSetup(run);
}

async function postSetup(run: ControlledRun): Promise<Response> {
  await run.callSetup();
  return getSetup(run);
}

async function postTeardown(run: ControlledRun): Promise<Response> {
  await run.callTeardown();
  return new Response(null, { status: 200 });
}

/** The `data.attributes` of a JSON:API body. */
async function readAttributes(request: Request): Promise<Attributes> {
  const text = await readBody(request);
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    throw new ApiError(400, "Bad Request", `the body is not JSON: ${(error as Error).message}`);
  }
  const attributes = field(field(body, "data"), "attributes");
  if (typeof attributes !== "object" || attributes === null || Array.isArray(attributes)) {
    throw new ApiError(400, "Bad Request", `the body must be like {"data":{"attributes":{…}}}`);
  }
  return attributes as Attributes;
}

async function readBody(request: Request): Promise<string> {
  try {
    return await request.text();
  } catch (error) {
    // The client went away, or the test is over and its server closes.
    throw new ApiError(400, "Bad Request", `the body can't be read: ${(error as Error).message}`);
  }
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

type Attributes = Readonly<Record<string, unknown>>;

/** An attribute that may be missing or null, as all of these may. */
function optionalBoolean(attributes: Attributes, name: string): boolean | undefined {
  const value = attributes[name] ?? undefined;
  if (value === undefined || typeof value === "boolean") return value;
  throw wrongType(name, "true or false", value);
}

function optionalNumber(attributes: Attributes, name: string): number | undefined {
  const value = attributes[name] ?? undefined;
  if (value === undefined || typeof value === "number") return value;
  throw wrongType(name, "a number", value);
}

function wrongType(name: string, wanted: string, value: unknown): ApiError {
  return new ApiError(400, "Bad Request", `"${name}" must be ${wanted}, got ${JSON.stringify(value)}`);
}

function one(resources: readonly Resource[], id: string, what: string): Response {
  const found = resources.find((resource) => resource.id === id);
  if (found === undefined) throw new ApiError(404, "Not Found", `No ${what} with that ID was found`);
  return data(found);
}

function data(resource: Resource | readonly Resource[]): Response {
  return Response.json({ data: resource });
}

function errorResponse({ status, title, message }: ApiError): Response {
  return Response.json({ errors: [{ status: String(status), title, detail: message }] }, { status });
}
