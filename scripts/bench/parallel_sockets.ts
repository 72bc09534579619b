/**
 * `deno run -A scripts/bench/parallel_sockets.ts <url> <seconds>`: rounds of 20 requests on 20 sockets, by hand and with
 * nothing else; prints what `http.batch` is measured against as a line of JSON.
 */

/** What came of it. */
export interface ParallelSocketsResult {
  readonly requestsPerSecond: number;
}

const SOCKETS = 20;

if (import.meta.main) {
  const [url, seconds] = Deno.args as [string, string];
  // deno-lint-ignore no-console
  console.log(JSON.stringify(await run(new URL(url), Number(seconds))));
}

async function run({ hostname, port, host }: URL, seconds: number): Promise<ParallelSocketsResult> {
  const request = new TextEncoder().encode(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  const connect = () => Deno.connect({ hostname, port: Number(port) });
  const sockets = await Promise.all(Array.from({ length: SOCKETS }, connect));
  const buffer = new Uint8Array(65_536);
  const exchange = async (socket: Deno.TcpConn) => {
    await socket.write(request);
    // The answers of this target come whole.
    await socket.read(buffer);
  };
  const startedAt = performance.now();
  let requests = 0;
  while (performance.now() - startedAt < seconds * 1000) {
    await Promise.all(sockets.map(exchange));
    requests += SOCKETS;
  }
  const requestsPerSecond = requests / (performance.now() - startedAt) * 1000;
  for (const socket of sockets) socket.close();
  return { requestsPerSecond };
}
