/** The outcome of an exchange. What a script rarely asks for is decoded when it is asked for. */

import type { Failure } from "./errors.ts";
import type { Connection } from "./exchange.ts";
import { statusTextOf } from "./status_texts.ts";
import type { HttpResult } from "./types.ts";

/** The six timings of an exchange and the moment of its end, in milliseconds. */
export class ExchangeTimes {
  blocked = 0;
  connecting = 0;
  tlsHandshaking = 0;
  sending = 0;
  waiting = 0;
  receiving = 0;
  endedAtEpochMs = 0;
}

/** Hot: one object per request, always of the same shape. */
export class ExchangeResult implements HttpResult {
  readonly blocked: number;
  readonly connecting: number;
  readonly tlsHandshaking: number;
  readonly sending: number;
  readonly waiting: number;
  readonly receiving: number;
  readonly endedAtEpochMs: number;
  readonly status: number;
  readonly proto: string;
  readonly hasSetCookie: boolean;
  readonly hasContentEncoding: boolean;
  readonly body: Uint8Array | null;
  readonly remoteIp: string;
  readonly remotePort: number;
  readonly tlsVersion: string;
  readonly tlsCipherSuite: string;
  readonly errorCode: number;
  readonly error: string;
  readonly #head: Uint8Array | readonly string[];

  /** `head` is that of HTTP/1.x as it came, or the headers alone: name, value, name, value, … */
  constructor(
    times: Readonly<ExchangeTimes>,
    status: number,
    proto: string,
    head: Uint8Array | readonly string[],
    hasSetCookie: boolean,
    hasContentEncoding: boolean,
    body: Uint8Array | null,
    remoteIp: string,
    remotePort: number,
    tlsVersion: string,
    tlsCipherSuite: string,
    errorCode: number,
    error: string,
  ) {
    this.blocked = times.blocked;
    this.connecting = times.connecting;
    this.tlsHandshaking = times.tlsHandshaking;
    this.sending = times.sending;
    this.waiting = times.waiting;
    this.receiving = times.receiving;
    this.endedAtEpochMs = times.endedAtEpochMs;
    this.status = status;
    this.proto = proto;
    this.#head = head;
    this.hasSetCookie = hasSetCookie;
    this.hasContentEncoding = hasContentEncoding;
    this.body = body;
    this.remoteIp = remoteIp;
    this.remotePort = remotePort;
    this.tlsVersion = tlsVersion;
    this.tlsCipherSuite = tlsCipherSuite;
    this.errorCode = errorCode;
    this.error = error;
  }

  get statusText(): string {
    const head = this.#head;
    return head instanceof Uint8Array ? sentStatusText(decoder.decode(head)) : statusTextOf(this.status);
  }

  get rawHeaders(): readonly string[] {
    const head = this.#head;
    return head instanceof Uint8Array ? headersOf(decoder.decode(head)) : head;
  }
}

/** A result as plain data, which can cross to another thread, with some fields changed. */
export function copyResult(result: HttpResult, changes: Partial<HttpResult>): HttpResult {
  const { blocked, connecting, tlsHandshaking, sending, waiting, receiving, endedAtEpochMs } = result;
  const { status, statusText, proto, rawHeaders, hasSetCookie, hasContentEncoding, body } = result;
  const { remoteIp, remotePort, tlsVersion, tlsCipherSuite, errorCode, error } = result;
  return {
    ...{ blocked, connecting, tlsHandshaking, sending, waiting, receiving, endedAtEpochMs },
    ...{ status, statusText, proto, rawHeaders, hasSetCookie, hasContentEncoding, body },
    ...{ remoteIp, remotePort, tlsVersion, tlsCipherSuite, errorCode, error },
    ...changes,
  };
}

const decoder = new TextDecoder();

function sentStatusText(head: string): string {
  const lineEnd = head.indexOf("\n");
  return /^\S+ +\S+ ?(.*?)\r?$/.exec(head.slice(0, Math.max(lineEnd, 0)))?.[1] ?? "";
}

/** Names and values in order, flat; a folded line is joined to its value with a space. */
function headersOf(head: string): string[] {
  const headers: string[] = [];
  for (const line of head.split("\n").slice(1)) {
    const folded = line.startsWith(" ") || line.startsWith("\t");
    const colon = line.indexOf(":");
    if (folded) {
      if (headers.length > 0) headers[headers.length - 1] = `${headers[headers.length - 1]} ${line.trim()}`.trim();
    } else if (colon > 0) {
      headers.push(line.slice(0, colon), line.slice(colon + 1).trim());
    }
  }
  return headers;
}

/** The result of a request that failed before there was a connection to send it on. */
export function unsentResult({ code: errorCode, text: error }: Failure, endedAtEpochMs: number): HttpResult {
  return { ...NOTHING_SENT, errorCode, error, endedAtEpochMs };
}

const NOTHING_SENT = {
  ...{ blocked: 0, connecting: 0, tlsHandshaking: 0, sending: 0, waiting: 0, receiving: 0 },
  ...{ status: 0, statusText: "", proto: "", rawHeaders: [], hasSetCookie: false, hasContentEncoding: false },
  ...{ body: null, remoteIp: "", remotePort: 0, tlsVersion: "", tlsCipherSuite: "" },
};

/** The result of a request that got no answer. */
export function failedResult(
  times: Readonly<ExchangeTimes>,
  connection: Connection | null,
  failure: Failure,
): ExchangeResult {
  return new ExchangeResult(
    times,
    0,
    "",
    NO_HEAD,
    false,
    false,
    null,
    connection?.remoteIp ?? "",
    connection?.remotePort ?? 0,
    connection?.tlsVersion ?? "",
    connection?.tlsCipherSuite ?? "",
    failure.code,
    failure.text,
  );
}

const NO_HEAD = new Uint8Array(0);
