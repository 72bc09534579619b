/** `http.batch`: several requests at once, as many as the options `batch` and `batchPerHost` allow. */

import type { Resumable, Suspension } from "../script/suspension.ts";
import { requireUser, type VirtualUser } from "../worker/virtual_user.ts";
import { HttpCall } from "./http_call.ts";
import { prepareRequest } from "./http_prepare.ts";
import { requestMethod, type ScriptRequest } from "./http_request.ts";
import { Response } from "./http_response.ts";
import { httpOf, type HttpSession } from "./http_session.ts";
import { UrlTemplate } from "./url_template.ts";

/**
 * Sends all `requests`, an array or an object of URLs, `[method, url, body, params]` and `{ method, url, body, params }`;
 * returns their responses under the same indexes or names. Wrong arguments throw before anything is sent; a failure
 * throws where the script asked for that, once all requests have come to their end.
 */
export function* batch(requests?: unknown): Generator<Suspension, unknown, unknown> {
  const user = requireUser("Using batch");
  if (typeof requests !== "object" || requests === null) {
    throw new TypeError(`http.batch() takes an array or an object of requests, not ${describe(requests)}`);
  }
  const entries: [name: string, entry: unknown][] = Array.isArray(requests)
    ? Array.from(requests, (entry, i) => [String(i), entry])
    : Object.entries(requests);
  const run = new BatchRun(user, entries.map(([name, entry]) => prepareEntry(user, entry, name)));
  if (!run.isDone) {
    try {
      yield run;
    } catch (error) {
      // Only now is the script's own code on the stack.
      if (error instanceof Error) Error.captureStackTrace(error);
      throw error;
    }
  }
  const { responses } = run;
  return Array.isArray(requests) ? responses : Object.fromEntries(entries.map(([name], i) => [name, responses[i]]));
}

function prepareEntry(user: VirtualUser, entry: unknown, name: string): ScriptRequest | Response {
  const http = httpOf(user);
  if (typeof entry === "string" || entry instanceof UrlTemplate) {
    return prepareRequest(user, http, "GET", entry, null, null);
  }
  if (Array.isArray(entry)) {
    const [method, url, body, params] = entry as readonly unknown[];
    return prepareRequest(user, http, requestMethod(method), url, body, params);
  }
  if (typeof entry === "object" && entry !== null) {
    const { method: given, url, body, params } = entry as Readonly<Record<string, unknown>>;
    const method = requestMethod(given ?? "GET");
    return prepareRequest(user, http, method, url, method === "GET" || method === "HEAD" ? null : body, params);
  }
  throw new TypeError(`request ${name} of http.batch() must be a URL, an array or an object, not ${describe(entry)}`);
}

function describe(value: unknown): string {
  return value === null || value === undefined ? String(value) : `a ${typeof value}`;
}

/** Requests to one host. */
interface HostQueue {
  active: number;
  /** What has to wait for one that is active. */
  readonly waiting: Member[];
}

/** All requests of one call. */
class BatchRun implements Suspension {
  /** By place; complete when the run is done. */
  readonly responses: Response[] = [];
  readonly #user: VirtualUser;
  readonly #http: HttpSession;
  readonly #members: Member[] = [];
  readonly #hosts = new Map<string, HostQueue>();
  readonly #limit: number;
  readonly #limitPerHost: number;
  /** How many of `#members` have been started or wait for their host. */
  #begun = 0;
  #active = 0;
  #done = 0;
  /** The first failure that throws. */
  #failure: { readonly error: unknown } | null = null;
  #coroutine: Resumable | null = null;
  #blocks = false;

  constructor(user: VirtualUser, prepared: readonly (ScriptRequest | Response)[]) {
    this.#user = user;
    this.#http = httpOf(user);
    const { batch, batchPerHost } = user.runtime.options;
    this.#limit = batch > 0 ? batch : Infinity;
    this.#limitPerHost = batchPerHost > 0 ? batchPerHost : Infinity;
    for (const [place, request] of prepared.entries()) {
      if (request instanceof Response) this.responses[place] = request;
      else this.#members.push(new Member(this, place, request, this.#hostQueue(request.wire.url.host)));
    }
  }

  get isDone(): boolean {
    return this.#done === this.#members.length;
  }

  begin(coroutine: Resumable): void {
    this.#start(coroutine, false);
  }

  cancel(): void {
    this.#http.client.abort();
  }

  block(): unknown {
    return this.#http.block((outcome) => this.#start(outcome, true));
  }

  /** A member came to its end. */
  ended({ host, place }: Member, response: Response | null, failure: { readonly error: unknown } | null): void {
    if (response !== null) this.responses[place] = response;
    this.#failure ??= failure;
    this.#done++;
    this.#active--;
    host.active--;
    const next = host.waiting.shift();
    if (next !== undefined) this.#send(next);
    this.#fill();
    if (!this.isDone) return;
    if (this.#failure === null) this.#coroutine!.resume(undefined);
    else this.#coroutine!.resumeWithError(this.#failure.error);
  }

  #start(coroutine: Resumable, blocks: boolean): void {
    this.#coroutine = coroutine;
    this.#blocks = blocks;
    this.#fill();
  }

  /** Sends as many as may be under way, in order; those whose host is busy wait aside. */
  #fill(): void {
    while (this.#active < this.#limit && this.#begun < this.#members.length) {
      const member = this.#members[this.#begun++]!;
      if (member.host.active < this.#limitPerHost) this.#send(member);
      else member.host.waiting.push(member);
    }
  }

  #send(member: Member): void {
    this.#active++;
    member.host.active++;
    new HttpCall(this.#http, this.#user).send(member.request).start(member, this.#blocks);
  }

  #hostQueue(host: string): HostQueue {
    let queue = this.#hosts.get(host);
    if (queue === undefined) this.#hosts.set(host, queue = { active: 0, waiting: [] });
    return queue;
  }
}

/** One request of a batch. */
class Member implements Resumable {
  readonly place: number;
  readonly request: ScriptRequest;
  readonly host: HostQueue;
  readonly #run: BatchRun;

  constructor(run: BatchRun, place: number, request: ScriptRequest, host: HostQueue) {
    this.#run = run;
    this.place = place;
    this.request = request;
    this.host = host;
  }

  resume(response: unknown): void {
    this.#run.ended(this, response as Response, null);
  }

  resumeWithError(error: unknown): void {
    this.#run.ended(this, null, { error });
  }
}
