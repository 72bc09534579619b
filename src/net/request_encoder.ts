/** Requests to bytes. */

import type { HttpProxy } from "./proxies.ts";
import { BodyParts, partsOf, type RequestBody } from "./request_body.ts";
import type { HttpRequest } from "./types.ts";

/** Bodies up to here go out in one write with their head. */
const JOINED_BODY_BYTES = 64 * 1024;
const CACHED_HEADS = 1024;

interface EncodedHead {
  readonly method: string;
  readonly headers: string;
  readonly bytes: Uint8Array;
  readonly closesConnection: boolean;
}

/** Whether headers ask for the end of their request's connection, whatever the answer says about it. */
export function closesConnection(headers: string): boolean {
  return /^connection:(?:.*,)?[ \t]*close[ \t]*(?:,|$)/im.test(headers);
}

/** Encodes request heads; remembers the last one of each target, because virtual users repeat themselves and each other. */
export class RequestEncoder {
  /** Whether the request that was encoded last asks for the end of its connection. */
  closesConnection = false;
  readonly #encoder = new TextEncoder();
  readonly #heads = new Map<string, EncodedHead>();
  readonly #connectionHeader: string;

  constructor(closesConnections: boolean) {
    this.#connectionHeader = closesConnections ? "Connection: close\r\n" : "";
  }

  /** The same for a proxy that passes the request on: it gets the whole URL (RFC 9112, section 3.2.2), and to know who asks. */
  encodeForProxy(request: HttpRequest, { authorization }: HttpProxy): Uint8Array {
    const { method, url, headers, body } = request;
    this.closesConnection = closesConnection(headers);
    const head = this.#encoder.encode(
      `${method} http://${url.host}${url.target} HTTP/1.1\r\n${headers}${authorization}${this.#connectionHeader}\r\n`,
    );
    return body !== null && isShort(body) ? join(head, body) : head;
  }

  /** What to write first: the head, with the body unless that is long (`partsAfterHead`). Hot; the bytes may be shared. */
  encode(request: HttpRequest): Uint8Array {
    const head = this.#head(request);
    this.closesConnection = head.closesConnection;
    const body = request.body;
    return body !== null && isShort(body) ? join(head.bytes, body) : head.bytes;
  }

  /** How many parts of the body have to be written after the head. */
  partsAfterHead({ body }: HttpRequest): number {
    return body === null || isShort(body) ? 0 : partsOf(body).length;
  }

  #head(request: HttpRequest): EncodedHead {
    const target = request.url.target;
    const known = this.#heads.get(target);
    if (known !== undefined && known.headers === request.headers && known.method === request.method) return known;
    const bytes = this.#encoder.encode(
      `${request.method} ${target} HTTP/1.1\r\n${request.headers}${this.#connectionHeader}\r\n`,
    );
    if (this.#heads.size >= CACHED_HEADS) this.#heads.clear();
    const { method, headers } = request;
    const head = { method, headers, bytes, closesConnection: closesConnection(headers) };
    this.#heads.set(target, head);
    return head;
  }
}

function isShort(body: RequestBody): body is Uint8Array {
  return !(body instanceof BodyParts) && body.length <= JOINED_BODY_BYTES;
}

function join(head: Uint8Array, body: Uint8Array): Uint8Array {
  const joined = new Uint8Array(head.length + body.length);
  joined.set(head);
  joined.set(body, head.length);
  return joined;
}
