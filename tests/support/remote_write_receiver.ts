/** A remote-write receiver for tests: strict about the protocol, scripted in its answers. */

import { decodeRequest, decodeRequestV2, type ReceivedMetadata, type ReceivedSeries } from "./write_request_decoder.ts";
import { closeConnection, isDisconnect } from "./connections.ts";

/** What the receiver does with a request: answer with a status (and headers, body), or misbehave. */
export type Answer =
  | number
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string }
  | "hang"
  | "garbage"
  | "reset";

/** What becomes of requests of version 2.0. */
export type V2Support = "understood" | "refused" | "misunderstood";

/** Listens on a free loopback port until it is disposed of. Answers 204 unless told otherwise. */
export class RemoteWriteReceiver implements AsyncDisposable {
  /** Accepted requests, in order; `violations` holds what was wrong with any request. */
  readonly accepted: ReceivedSeries[][] = [];
  readonly violations: string[] = [];
  /** What accepted requests said of metrics, in order. */
  readonly metadata: ReceivedMetadata[] = [];
  readonly headers: Headers[] = [];
  /**
   * How it takes requests of version 2.0: as it should, with status 415, or as old receivers do, which understand nothing of
   * them and answer 204.
   */
  readonly #v2: V2Support;
  /** Requests that hold a series of these are refused as a whole. */
  readonly #refuses: (series: ReceivedSeries) => boolean;
  /** Number of requests that came, whatever the answer. */
  requests = 0;
  readonly #answers: Answer[] = [];
  readonly #newest = new Map<string, number>();
  readonly #listener: Deno.Listener;
  readonly #connections = new Set<Deno.Conn>();
  readonly #serving: Promise<void>;
  readonly #waiting: { readonly requests: number; readonly resolve: () => void }[] = [];

  constructor({ v2 = "understood", refuses = () => false }: {
    readonly v2?: V2Support;
    readonly refuses?: (series: ReceivedSeries) => boolean;
  } = {}) {
    this.#v2 = v2;
    this.#refuses = refuses;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.#serving = this.#accept();
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#listener.addr as Deno.NetAddr).port}/api/v1/write`;
  }

  /** Number of connections that were opened. */
  connections = 0;

  /** The answers to the next requests, one each. */
  answer(...answers: Answer[]): void {
    this.#answers.push(...answers);
  }

  /** Resolves when that many requests have come. */
  received(requests: number): Promise<void> {
    if (this.requests >= requests) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ requests, resolve }));
  }

  /** All accepted samples of a metric, in order. */
  samples(name: string): { value: number; bits: bigint; atEpochMs: number; labels: Record<string, string> }[] {
    return this.accepted.flat().filter((series) => series.name === name)
      .flatMap(({ labels, samples }) => samples.map((sample) => ({ ...sample, labels })));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#connections) closeConnection(connection);
    await this.#serving;
  }

  async #accept(): Promise<void> {
    const served: Promise<void>[] = [];
    for await (const connection of this.#listener) {
      this.connections++;
      this.#connections.add(connection);
      served.push(this.#serve(connection));
    }
    await Promise.all(served);
  }

  async #serve(connection: Deno.Conn): Promise<void> {
    const input = new ByteReader(connection);
    try {
      for (;;) {
        const head = await input.until("\r\n\r\n");
        if (head === null) break;
        const [requestLine, ...lines] = head.trimEnd().split("\r\n");
        const headers = new Headers(lines.map((line) => {
          const colon = line.indexOf(":");
          return [line.slice(0, colon), line.slice(colon + 1).trim()] as [string, string];
        }));
        const body = await input.bytes(Number(headers.get("content-length")));
        const answer = this.#answers.shift() ?? (isV2(headers) && this.#v2 === "refused" ? 415 : 204);
        if (body === null || !await this.#answer(connection, answer, requestLine ?? "", headers, body)) break;
      }
    } catch (error) {
      if (!isDisconnect(error)) throw error;
    } finally {
      this.#connections.delete(connection);
      closeConnection(connection);
    }
  }

  /** False when the connection is not to be used any longer. */
  async #answer(
    connection: Deno.Conn,
    answer: Answer,
    requestLine: string,
    headers: Headers,
    body: Uint8Array,
  ): Promise<boolean> {
    if (!isV2(headers) && decodeRequest(body).series.some(this.#refuses)) answer = { status: 400, body: "bad series" };
    const accepted = typeof answer === "number" && answer < 300;
    const written = this.#check(requestLine, headers, body, accepted);
    this.headers.push(headers);
    this.requests++;
    for (const { requests, resolve } of this.#waiting) if (this.requests >= requests) resolve();
    if (answer === "reset") return false;
    if (answer === "hang") return true;
    if (answer === "garbage") {
      await connection.write(new TextEncoder().encode("\x00\x01 this is no HTTP\r\n\r\n"));
      return false;
    }
    const { status, headers: extra = {}, body: text = "" } = typeof answer === "number" ? { status: answer } : answer;
    const extraLines = Object.entries({ ...written, ...extra }).map(([name, value]) => `${name}: ${value}\r\n`).join(
      "",
    );
    const length = status === 204 ? "" : `content-length: ${new TextEncoder().encode(text).length}\r\n`;
    await connection.write(new TextEncoder().encode(`HTTP/1.1 ${status} Status\r\n${length}${extraLines}\r\n${text}`));
    return true;
  }

  /** Checks a request and keeps what is accepted; returns the headers that say how much was written. */
  #check(requestLine: string, headers: Headers, body: Uint8Array, accepted: boolean): Record<string, string> {
    try {
      if (requestLine !== "POST /api/v1/write HTTP/1.1") throw new Error(`request line ${requestLine}`);
      assertHeader(headers, "content-encoding", /^snappy$/);
      assertHeader(headers, "user-agent", /^k6d\/\S+$/);
      if (isV2(headers)) {
        assertHeader(headers, "x-prometheus-remote-write-version", /^2\.0\.0$/);
        return this.#keep(decodeRequestV2(body), accepted && this.#v2 === "understood");
      }
      assertHeader(headers, "content-type", /^application\/x-protobuf$/);
      assertHeader(headers, "x-prometheus-remote-write-version", /^0\.1\.0$/);
      const { series, metadata } = decodeRequest(body);
      if (accepted) this.metadata.push(...metadata);
      this.#keep(series, accepted);
    } catch (error) {
      this.violations.push(error instanceof Error ? error.message : String(error));
    }
    return {};
  }

  #keep(series: readonly ReceivedSeries[], accepted: boolean): Record<string, string> {
    if (!accepted) return {};
    this.accepted.push([...series]);
    for (const each of series) this.#checkTimestamps(each);
    const count = (elements: (series: ReceivedSeries) => readonly unknown[] | undefined) =>
      String(series.reduce((sum, each) => sum + (elements(each)?.length ?? 0), 0));
    return {
      "x-prometheus-remote-write-samples-written": count(({ samples }) => samples),
      "x-prometheus-remote-write-histograms-written": count(({ histograms }) => histograms),
      "x-prometheus-remote-write-exemplars-written": count(({ exemplars }) => exemplars),
    };
  }

  #checkTimestamps({ name, labels, samples, histograms = [] }: ReceivedSeries): void {
    const key = name + JSON.stringify(labels);
    for (const { atEpochMs } of [...samples, ...histograms]) {
      const newest = this.#newest.get(key) ?? 0;
      if (atEpochMs <= newest) throw new Error(`${key}: timestamp ${atEpochMs} after ${newest}`);
      this.#newest.set(key, atEpochMs);
    }
  }
}

function isV2(headers: Headers): boolean {
  return headers.get("content-type") === "application/x-protobuf;proto=io.prometheus.write.v2.Request";
}

function assertHeader(headers: Headers, name: string, pattern: RegExp): void {
  const value = headers.get(name) ?? "";
  if (!pattern.test(value)) throw new Error(`header ${name}: ${value}`);
}

/** Reads a connection by pieces. */
class ByteReader {
  readonly #connection: Deno.Conn;
  #buffer = new Uint8Array(0);

  constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  /** The text up to and with the mark; null at the end of the connection. */
  async until(mark: string): Promise<string | null> {
    for (;;) {
      const text = new TextDecoder("latin1").decode(this.#buffer);
      const end = text.indexOf(mark);
      if (end !== -1) {
        this.#buffer = this.#buffer.slice(end + mark.length);
        return text.slice(0, end + mark.length);
      }
      if (!await this.#more()) return null;
    }
  }

  async bytes(length: number): Promise<Uint8Array | null> {
    while (this.#buffer.length < length) if (!await this.#more()) return null;
    const bytes = this.#buffer.slice(0, length);
    this.#buffer = this.#buffer.slice(length);
    return bytes;
  }

  async #more(): Promise<boolean> {
    const chunk = new Uint8Array(65_536);
    const read = await this.#connection.read(chunk);
    if (read === null) return false;
    const joined = new Uint8Array(this.#buffer.length + read);
    joined.set(this.#buffer);
    joined.set(chunk.subarray(0, read), this.#buffer.length);
    this.#buffer = joined;
    return true;
  }
}
