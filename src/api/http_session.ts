/** What k6/http keeps for each virtual user, and for all of a worker. */

import { HttpClient } from "../net/http_client.ts";
import type { SampleRecorder } from "../metrics/sample_recorder.ts";
import type { Resumable } from "../script/suspension.ts";
import { BlockedOutcome, type HelperClient } from "../worker/blocked_thread.ts";
import type { WorkerRuntime } from "../worker/runtime.ts";
import type { UserHttp, VirtualUser } from "../worker/virtual_user.ts";
import type { CookieJar } from "./cookies.ts";
import { DEFAULT_EXPECTED_STATUSES, type ExpectedStatuses } from "./expected_statuses.ts";
import { HttpDebug } from "./http_debug.ts";
import { HttpCall } from "./http_call.ts";
import type { ScriptRequest } from "./http_request.ts";
import { HttpSeriesCache } from "./http_series.ts";

/** A virtual user's HTTP state. */
export class HttpSession implements UserHttp {
  readonly client: HttpClient;
  readonly call: HttpCall;
  /** Null, as nearly always: nothing is logged. */
  readonly debug: HttpDebug | null;
  readonly shared: SharedHttp;
  jar: CookieJar | null = null;
  callback: ExpectedStatuses | null = DEFAULT_EXPECTED_STATUSES;
  readonly #keepsCookies: boolean;
  readonly #user: VirtualUser;
  #helperClient: HelperClient | null = null;
  readonly #callClients: HelperClient[] = [];

  constructor(user: VirtualUser) {
    this.#keepsCookies = user.runtime.options.noCookiesReset;
    this.#user = user;
    this.shared = sharedHttp(user.runtime);
    this.client = new HttpClient(user.runtime.network, user.runtime.localAddresses?.of(user.id) ?? null);
    const { httpDebug } = user.runtime.options;
    this.debug = httpDebug === "" ? null : new HttpDebug(user, httpDebug);
    this.call = new HttpCall(this, user);
  }

  get bytesSent(): number {
    return this.client.bytesSent;
  }

  set bytesSent(value: number) {
    this.client.bytesSent = value;
  }

  get bytesReceived(): number {
    return this.client.bytesReceived;
  }

  set bytesReceived(value: number) {
    this.client.bytesReceived = value;
  }

  /** The client for requests that the whole thread waits for. */
  get helperClient(): HelperClient {
    return this.#helperClient ??= this.#user.runtime.blocked.createClient(this.client);
  }

  /** Another such client, for one call, which ends it with `closeCallClient`. */
  openCallClient(): HelperClient {
    const client = this.#user.runtime.blocked.createClient(this.client);
    this.#callClients.push(client);
    return client;
  }

  closeCallClient(client: HelperClient): void {
    this.#callClients.splice(this.#callClients.indexOf(client), 1);
    client.close();
  }

  /** Makes the whole thread wait for what `start` begins, with requests of `helperClient`; returns or throws its outcome. */
  block(start: (outcome: Resumable) => void): unknown {
    this.#user.requireRunning();
    const outcome = new BlockedOutcome();
    try {
      start(outcome);
      return this.#user.runtime.blocked.waitFor(this.#user, outcome);
    } finally {
      if (!outcome.isThere) this.#abortBlocked();
    }
  }

  #abortBlocked(): void {
    this.#helperClient?.abort();
    for (const client of this.#callClients) client.close();
    this.#callClients.length = 0;
  }

  /** Cookies don't outlive an iteration, unless the option `noCookiesReset` says so. */
  phaseBegins(): void {
    if (!this.#keepsCookies) this.jar = null;
  }

  closeIdle(): void {
    this.client.closeIdle();
    this.#helperClient?.closeIdle();
  }

  close(): void {
    this.client.close();
    this.#helperClient?.close();
  }
}

/** What all virtual users of a worker share. */
export interface SharedHttp {
  readonly series: HttpSeriesCache;
  readonly recorder: SampleRecorder;
  /** Requests without parameters or body, by method and URL. */
  readonly prepared: Map<string, Map<string, ScriptRequest>>;
}

let shared: SharedHttp | null = null;

function sharedHttp(runtime: WorkerRuntime): SharedHttp {
  return shared ??= { series: new HttpSeriesCache(runtime), recorder: runtime.recorder, prepared: new Map() };
}

/** The HTTP state of a virtual user. */
export function httpOf(user: VirtualUser): HttpSession {
  return (user.http ??= new HttpSession(user)) as HttpSession;
}
