/** A stand-in for InfluxDB's HTTP API, scripted in its answers. */

import { type ParsedLine, parseLines } from "./line_parser.ts";

/** What the server does with a request. */
export type Answer = number | { readonly status: number; readonly body?: string; readonly headers?: HeadersInit };

/** A request as it came. */
export interface ReceivedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Headers;
  readonly body: string;
}

/** Listens on a free loopback port until it is disposed of. Answers 204 to writes and 200 to the rest unless told otherwise. */
export class InfluxServer implements AsyncDisposable {
  readonly requests: ReceivedRequest[] = [];
  /** Accepted writes. */
  readonly bodies: string[] = [];
  /** Number of lines in them. */
  acceptedLines = 0;
  /** Most writes that were under way at once. */
  mostAtOnce = 0;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #answers: Answer[] = [];
  #underWay = 0;
  #held: Promise<void> = Promise.resolve();
  #waiting: (() => void)[] = [];

  constructor(options: { readonly port?: number; readonly cert?: string; readonly key?: string } = {}) {
    const { port = 0, ...tls } = options;
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port, onListen() {}, ...tls as { cert: string; key: string } },
      (request) => this.#serve(request),
    );
  }

  get port(): number {
    return this.#server.addr.port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get writes(): ReceivedRequest[] {
    return this.requests.filter(({ path }) => path.endsWith("/write"));
  }

  /** The lines of accepted writes; throws where the protocol isn't kept. */
  get lines(): ParsedLine[] {
    return this.bodies.flatMap(parseLines);
  }

  /** The answers to the next writes, one each. */
  answer(...answers: Answer[]): void {
    this.#answers.push(...answers);
  }

  /** Answers no write until the function that it returns is called. */
  hold(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#held = promise;
    return resolve;
  }

  /** Resolves once a request for that path has come. */
  async asked(path: string): Promise<void> {
    while (!this.requests.some((request) => request.path === path)) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Resolves once that many writes have come. */
  async received(writes: number): Promise<void> {
    while (this.writes.length < writes) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Resolves once that many lines were accepted. */
  async accepted(lines: number): Promise<void> {
    while (this.acceptedLines < lines) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  async #serve(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const body = new TextDecoder("utf-8", { fatal: true }).decode(await request.bytes());
    const { method, headers } = request;
    this.requests.push({ method, path: pathname, query: Object.fromEntries(searchParams), headers, body });
    this.#wake();
    if (!pathname.endsWith("/write")) return Response.json({ results: [{ statement_id: 0 }] });
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#underWay);
    await this.#held;
    this.#underWay--;
    const answer = this.#answers.shift() ?? 204;
    const { status, body: text = null, headers: extra = {} } = typeof answer === "number" ? { status: answer } : answer;
    if (status === 204) {
      this.bodies.push(body);
      this.acceptedLines += body.split("\n").length - 1;
    }
    this.#wake();
    return new Response(text, { status, headers: extra });
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }
}
