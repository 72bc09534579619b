/**
 * A small HTTP target on loopback for the quick start, the tests and (where nginx is missing) the benchmarks.
 * Run by itself it prints its address and serves until its standard input ends: `deno run -A scripts/target.ts [port]`.
 *
 *   /              plain text                         /delay/:ms   answers after that many milliseconds
 *   /json          a small JSON object                /bytes/:n    n bytes, at most 64 MiB
 *   /status/:code  that status, 200 to 599            /echo        the request as JSON
 */

import { printError } from "./repository.ts";

/** A running target; disposing it closes its listener and every connection. */
export interface Target extends AsyncDisposable {
  /** `http://127.0.0.1:<port>`, without a slash at its end. */
  readonly url: string;
  readonly port: number;
}

/** Starts a target on 127.0.0.1; port 0 takes a free one. */
export function startTarget(port = 0): Target {
  const stop = new AbortController();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port, signal: stop.signal, onListen() {} },
    (request) => answer(request, stop.signal),
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    port: server.addr.port,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await server.finished;
    },
  };
}

const MAX_BYTES = 64 * 1024 * 1024;
const STATUSES_WITHOUT_BODY = new Set([204, 205, 304]);

function answer(request: Request, stopped: AbortSignal): Response | Promise<Response> {
  const { pathname } = new URL(request.url);
  const [, route = "", parameter = ""] = pathname.split("/");
  switch (route) {
    case "":
      return new Response("Hello from the k6d target\n");
    case "json":
      return Response.json({ name: "k6d", items: [1, 2, 3], nested: { ok: true } });
    case "status":
      return withNumber(parameter, 200, 599, (code) => new Response(statusBody(code), { status: code }));
    case "delay":
      return withNumber(parameter, 0, 600_000, (ms) => delayed(ms, stopped));
    case "bytes":
      return withNumber(parameter, 0, MAX_BYTES, (n) => new Response(new Uint8Array(n).fill(120)));
    case "echo":
      return echo(request);
    default:
      return new Response(`no route ${pathname}\n`, { status: 404 });
  }
}

function withNumber<T>(text: string, min: number, max: number, make: (value: number) => T): T | Response {
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (value >= min && value <= max) return make(value);
  return new Response(`expected a number from ${min} to ${max}, got "${text}"\n`, { status: 400 });
}

function statusBody(code: number): string | null {
  return STATUSES_WITHOUT_BODY.has(code) ? null : `status ${code}\n`;
}

function delayed(ms: number, stopped: AbortSignal): Promise<Response> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      stopped.removeEventListener("abort", done);
      resolve(new Response(`after ${ms} ms\n`));
    };
    const timer = setTimeout(done, ms);
    // A waiting answer must not keep the target from stopping.
    stopped.addEventListener("abort", done);
  });
}

async function echo(request: Request): Promise<Response> {
  const body = await request.text();
  return Response.json({
    method: request.method,
    url: request.url,
    headers: Object.fromEntries(request.headers),
    body,
  });
}

function startAt(port: number): Target {
  try {
    return startTarget(port);
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    printError(`port ${port} is taken: name another one`);
    Deno.exit(1);
  }
}

if (import.meta.main) {
  await using target = startAt(Number(Deno.args[0] ?? 0));
  await Deno.stdout.write(new TextEncoder().encode(`${target.url}\n`));
  for await (const _ of Deno.stdin.readable);
}
