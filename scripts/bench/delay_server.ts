/**
 * `deno run -A scripts/bench/delay_server.ts <port> <ms>`: answers every request exactly that long after it came. Keeps a
 * core busy for that: timers are too coarse. `/taken` says how long the answers since the last such request really took.
 */

const [port, delayMs] = Deno.args.map(Number) as [number, number];
const ANSWER = new TextEncoder().encode("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");

/** What `/taken` answers: milliseconds from the reading of a request to the writing of its answer. */
export interface AnswerTimes {
  readonly p50: number;
  readonly p99: number;
}

/** In the order of their time, as all wait equally long. */
const waiting: { readonly at: number; readonly connection: Deno.TcpConn }[] = [];
let takenMs: number[] = [];
let isPolling = false;

for await (const connection of Deno.listen({ hostname: "127.0.0.1", port })) serve(connection);

/** A client sends its next request after an answer: what is read at once is one request. */
async function serve(connection: Deno.TcpConn): Promise<void> {
  connection.setNoDelay();
  const buffer = new Uint8Array(4096);
  try {
    while (await connection.read(buffer) !== null) {
      if (buffer[5] === "t".charCodeAt(0)) await connection.write(report());
      else waiting.push({ at: performance.now() + delayMs, connection });
      if (!isPolling) poll();
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
  }
}

async function poll(): Promise<void> {
  isPolling = true;
  while (waiting.length > 0) {
    while (waiting.length > 0 && waiting[0]!.at <= performance.now()) {
      const { at, connection } = waiting.shift()!;
      takenMs.push(performance.now() - at + delayMs);
      answer(connection);
    }
    // Lets sockets be read, without the delay of a timer.
    await new Promise<void>((resolve) => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        resolve();
      };
      port2.postMessage(null);
    });
  }
  isPolling = false;
}

function answer(connection: Deno.TcpConn): void {
  connection.write(ANSWER).catch((error) => {
    if (!(error instanceof Deno.errors.BrokenPipe || error instanceof Deno.errors.ConnectionReset)) throw error;
  });
}

function report(): Uint8Array {
  const sorted = takenMs.sort((a, b) => a - b);
  const quantile = (part: number) => sorted[Math.floor(part * sorted.length)] ?? 0;
  const times: AnswerTimes = { p50: quantile(0.5), p99: quantile(0.99) };
  takenMs = [];
  const body = JSON.stringify(times);
  return new TextEncoder().encode(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
}
