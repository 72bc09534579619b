/**
 * `deno run -A scripts/bench/parallel_sockets.ts <url> <seconds>`: rounds of 20 requests on 20 sockets, by hand, as one writes
 * it who needs nothing else: each answer is read to its end, with its status, headers, body and time. Prints what
 * `http.batch` is measured against as a line of JSON.
 */

/** What came of it. */
export interface ParallelSocketsResult {
  readonly requestsPerSecond: number;
  /** The same when whatever one read brings is taken for the answer, and nobody looks at it or at the clock. */
  readonly bareRequestsPerSecond: number;
}

/** An answer. */
interface Answer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
  readonly durationMs: number;
}

const SOCKETS = 20;

const decoder = new TextDecoder();

async function run({ hostname, port, host }: URL, seconds: number): Promise<ParallelSocketsResult> {
  const request = new TextEncoder().encode(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  const connect = () => Deno.connect({ hostname, port: Number(port) });
  const sockets = await Promise.all(Array.from({ length: SOCKETS }, connect));
  const connections = sockets.map((socket) => new HandmadeConnection(socket));
  const buffer = new Uint8Array(65_536);
  const bare = async (socket: Deno.TcpConn) => {
    await socket.write(request);
    await socket.read(buffer);
  };
  const result = {
    requestsPerSecond: await requestsPerSecond(seconds / 2, async () => {
      const answers = await Promise.all(connections.map((connection) => connection.exchange(request)));
      if (!answers.every(({ status }) => status === 200)) throw new Error("a request failed");
    }),
    bareRequestsPerSecond: await requestsPerSecond(seconds / 2, () => Promise.all(sockets.map(bare))),
  };
  for (const socket of sockets) socket.close();
  return result;
}

async function requestsPerSecond(seconds: number, round: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  let requests = 0;
  while (performance.now() - startedAt < seconds * 1000) {
    await round();
    requests += SOCKETS;
  }
  return requests / (performance.now() - startedAt) * 1000;
}

/** One connection, whose answers have a Content-Length. */
class HandmadeConnection {
  readonly #socket: Deno.TcpConn;
  readonly #buffer = new Uint8Array(65_536);

  constructor(socket: Deno.TcpConn) {
    this.#socket = socket;
  }

  async exchange(request: Uint8Array): Promise<Answer> {
    const startedAt = performance.now();
    for (let sent = 0; sent < request.length;) sent += await this.#socket.write(request.subarray(sent));
    let received = 0;
    let headEnd = -1;
    while (headEnd < 0) {
      received += await this.#read(received);
      headEnd = endOfHead(this.#buffer, received);
    }
    const [statusLine, ...lines] = decoder.decode(this.#buffer.subarray(0, headEnd - 4)).split("\r\n");
    const headers = new Map<string, string>();
    for (const line of lines) {
      const colon = line.indexOf(":");
      headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
    }
    const end = headEnd + Number(headers.get("content-length"));
    while (received < end) received += await this.#read(received);
    return {
      status: Number(statusLine!.split(" ")[1]),
      headers,
      body: decoder.decode(this.#buffer.subarray(headEnd, end)),
      durationMs: performance.now() - startedAt,
    };
  }

  async #read(at: number): Promise<number> {
    const count = await this.#socket.read(this.#buffer.subarray(at));
    if (count === null) throw new Error("the server closed the connection");
    return count;
  }
}

/** Behind the blank line; -1 while it is not there. */
function endOfHead(bytes: Uint8Array, length: number): number {
  for (let i = 3; i < length; i++) {
    if (bytes[i] === 10 && bytes[i - 1] === 13 && bytes[i - 2] === 10 && bytes[i - 3] === 13) return i + 1;
  }
  return -1;
}

if (import.meta.main) {
  const [url, seconds] = Deno.args as [string, string];
  // deno-lint-ignore no-console
  console.log(JSON.stringify(await run(new URL(url), Number(seconds))));
}
