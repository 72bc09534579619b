/**
 * What the HTTP client costs by itself: closed-loop clients against nginx on loopback, in one thread.
 *
 *     deno run -A scripts/bench/http_client.ts [clients] [seconds] [body bytes] [http|https|http2]
 *
 * Prints requests/s and this process's CPU time per request.
 */

import { cpuUsage } from "node:process";
import { HttpClient, HttpNetwork } from "../../src/net/http_client.ts";
import type { HttpCompletion, HttpRequest, HttpResult } from "../../src/net/types.ts";
import { parseHttpUrl } from "../../src/net/url.ts";
import { startNginx } from "../../tests/net/nginx.ts";

const clients = Number(Deno.args[0] ?? 50);
const seconds = Number(Deno.args[1] ?? 4);
const bodyBytes = Number(Deno.args[2] ?? 13);
const protocol = Deno.args[3] ?? "http";

/** One client that sends its next request as soon as the last one is answered. */
class Loop implements HttpCompletion {
  static stopAt = 0;
  static requests = 0;
  static failures = 0;
  readonly client: HttpClient;
  readonly request: HttpRequest;
  readonly ended: () => void;

  constructor(network: HttpNetwork, request: HttpRequest, ended: () => void) {
    this.client = new HttpClient(network);
    this.request = request;
    this.ended = ended;
  }

  httpDone(result: HttpResult): void {
    Loop.requests++;
    if (result.status !== 200) Loop.failures++;
    if (performance.now() < Loop.stopAt) this.client.send(this.request, this);
    else this.ended();
  }
}

async function run(network: HttpNetwork, request: HttpRequest, durationMs: number): Promise<void> {
  Loop.requests = 0;
  Loop.failures = 0;
  Loop.stopAt = performance.now() + durationMs;
  const loops: Loop[] = [];
  await new Promise<void>((done) => {
    let running = clients;
    const ended = () => --running === 0 && done();
    for (let i = 0; i < clients; i++) {
      const loop = new Loop(network, request, ended);
      loops.push(loop);
      loop.client.send(request, loop);
    }
  });
  for (const loop of loops) loop.client.close();
}

await using server = await startNginx({ "/bench": "x".repeat(bodyBytes) });
const origins: Readonly<Record<string, string>> = {
  http: server.httpUrl,
  https: server.httpsUrl,
  http2: server.http2Url,
};
const url = parseHttpUrl(`${origins[protocol]}/bench`);
const headers = `Host: ${url.host}\r\nUser-Agent: k6d\r\n`;
const request: HttpRequest = {
  method: "GET",
  url,
  headers,
  body: null,
  timeoutMs: 60_000,
  discardBody: false,
  http1Only: false,
};
const network = new HttpNetwork({
  insecureSkipTlsVerify: true,
  noConnectionReuse: false,
  caCerts: [],
  dialTimeoutMs: 30_000,
});

await run(network, request, 500);
const before = cpuUsage();
const startedAt = performance.now();
await run(network, request, seconds * 1000);
const elapsed = (performance.now() - startedAt) / 1000;
const { user, system } = cpuUsage(before);
network.close();

const perRequest = (microseconds: number) => (microseconds / Loop.requests).toFixed(2);
const line = `${clients} clients, ${bodyBytes} bytes, ${protocol}: ` +
  `${Math.round(Loop.requests / elapsed)} req/s, ${perRequest(user + system)} µs CPU a request ` +
  `(user ${perRequest(user)}, system ${perRequest(system)}), ${Loop.failures} failures\n`;
await Deno.stdout.write(new TextEncoder().encode(line));
