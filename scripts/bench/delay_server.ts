/** `deno run -A scripts/bench/delay_server.ts <port> <ms>`: answers every request that long after it came. */

const [port, delayMs] = Deno.args.map(Number) as [number, number];
const ANSWER = new TextEncoder().encode("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");

for await (const connection of Deno.listen({ hostname: "127.0.0.1", port })) serve(connection);

/** A client sends its next request after an answer: what is read at once is one request. */
async function serve(connection: Deno.TcpConn): Promise<void> {
  connection.setNoDelay();
  const buffer = new Uint8Array(4096);
  try {
    while (await connection.read(buffer) !== null) setTimeout(answer, delayMs, connection);
  } catch (error) {
    if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
  }
}

function answer(connection: Deno.TcpConn): void {
  connection.write(ANSWER).catch((error) => {
    if (!(error instanceof Deno.errors.BrokenPipe || error instanceof Deno.errors.ConnectionReset)) throw error;
  });
}
