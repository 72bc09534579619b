import { assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { connect } from "node:net";
import type { LogLine } from "../../src/hub/store.ts";
import { ServerWebSocket } from "../../src/hub/web_socket.ts";
import { ACCOUNT, ContractServer } from "../support/cloud/contract_server.ts";
import { CloudClient, newKey } from "./cloud_client.ts";

Deno.test("a tail tells the lines from its start on, and then each as it comes", async () => {
  await using server = await ContractServer.start();
  const id = await new CloudClient(server).create();
  await server.store.addLogLines(id, [line(1n, "before"), line(2n, "at"), line(3n, "after")]);
  using tail = new Tail(server, id, "2");
  assertEquals(await tail.next(), {
    streams: [{ stream: { level: "info" }, values: [["2", "at"], ["3", "after"]] }],
  });
  await server.store.addLogLines(id, [line(4n, "a"), { ...line(5n, "b"), labels: { level: "error" } }]);
  assertEquals(await tail.next(), {
    streams: [
      { stream: { level: "info" }, values: [["4", "a"]] },
      { stream: { level: "error" }, values: [["5", "b"]] },
    ],
  });
  const long = "x".repeat(70_000);
  await server.store.addLogLines(id, [line(6n, long)]);
  assertEquals(await tail.next(), { streams: [{ stream: { level: "info" }, values: [["6", long]] }] });
  assertEquals(server.violations, []);
  assertEquals(server.calls.at(-1)?.status, 101);
});

Deno.test("a tail that is dropped is opened again", async () => {
  await using server = await ContractServer.start();
  const id = await new CloudClient(server).create();
  using first = new Tail(server, id, "0");
  await server.store.addLogLines(id, [line(1n, "a")]);
  await first.next();
  server.dropTails();
  await first.closed;
  using second = new Tail(server, id, "2");
  await server.called("logs.tail", 2);
  await server.store.addLogLines(id, [line(2n, "b")]);
  assertEquals(await second.next(), { streams: [{ stream: { level: "info" }, values: [["2", "b"]] }] });
});

Deno.test("a tail may be the test's, which says what it likes", async () => {
  await using server = await ContractServer.start();
  const id = await new CloudClient(server).create();
  server.fault("logs.tail", {
    takeOver: (request, connection) => {
      const socket = ServerWebSocket.accept(request, connection);
      socket.send(`{"streams":[],"dropped_entries":[{"labels":{},"timestamp":"7"}]}`);
      socket.close(1011);
    },
  });
  using tail = new Tail(server, id, "0");
  assertEquals(await tail.next(), { streams: [], dropped_entries: [{ labels: {}, timestamp: "7" }] });
  assertEquals(await tail.closed, 1011);
});

Deno.test("a client's pings are answered, and its goodbye", async () => {
  await using server = await ContractServer.start();
  const id = await new CloudClient(server).create();
  const socket = connect(Number(new URL(server.origin).port), "127.0.0.1");
  const chunks: Uint8Array[] = [];
  const ended = new Promise((resolve) => socket.on("close", resolve));
  socket.on("data", (chunk) => chunks.push(chunk));
  const path = `/api/v1/tail?query=${encodeURIComponent(`{test_run_id="${id}"}`)}`;
  socket.write(
    `GET ${path} HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: websocket\r\nuser-agent: k6d/1\r\n` +
      `sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n` +
      `authorization: token ${ACCOUNT.token}\r\nx-k6testrun-id: ${id}\r\n\r\n`,
  );
  const masked = (opcode: number, payload: string) => {
    const bytes = Uint8Array.fromHex(payload).map((byte, index) => byte ^ (index + 1));
    return [0x80 | opcode, 0x80 | bytes.length, 1, 2, 3, 4, ...bytes];
  };
  await server.succeeded("logs.tail");
  socket.write(Uint8Array.from([...masked(9, "6869"), ...masked(8, "03e9")]));
  await ended;
  const answer = Buffer.concat(chunks);
  const body = answer.indexOf("\r\n\r\n") + 4;
  assertEquals(answer.includes("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), true);
  assertEquals(answer.subarray(body).toString("hex"), "8a026869" + "880203e9");
  assertEquals(server.violations, []);
});

const refusals:
  readonly (readonly [what: string, headers: Readonly<Record<string, string>>, run: string | null, status: number])[] =
    [
      ["no token", { authorization: "" }, null, 401],
      ["a token in another form", { authorization: `Token ${ACCOUNT.token}` }, null, 401],
      ["an unknown run", {}, "9", 404],
      ["no WebSocket", {}, null, 426],
    ];

for (const [what, headers, otherRun, status] of refusals) {
  Deno.test(`a tail is refused: ${what}`, async () => {
    await using server = await ContractServer.start();
    const client = new CloudClient(server);
    const id = otherRun ?? await client.create();
    const path = `/api/v1/tail?query=${encodeURIComponent(`{test_run_id="${id}"}`)}`;
    const answer = await client.v1(path, null, {
      method: "GET",
      headers: {
        authorization: `token ${ACCOUNT.token}`,
        "x-k6testrun-id": id,
        "k6-idempotency-key": newKey(),
        ...headers,
      },
    });
    assertEquals(answer.status, status);
  });
}

/** A client that reads a run's log. */
class Tail implements Disposable {
  /** The code with which it was closed. */
  readonly closed: Promise<number>;
  readonly #socket: WebSocket;
  readonly #messages: unknown[] = [];
  #waiting: ((message: unknown) => void) | null = null;

  constructor(server: ContractServer, id: string, start: string) {
    const query = new URLSearchParams({ query: `{test_run_id="${id}"}`, start });
    this.#socket = new WebSocket(`${server.tailUrl}?${query}`, {
      headers: { authorization: `token ${ACCOUNT.token}`, "x-k6testrun-id": id, "user-agent": "k6cloud/2.2.0" },
    });
    this.#socket.addEventListener("message", ({ data }) => {
      const message = JSON.parse(data);
      if (this.#waiting === null) this.#messages.push(message);
      else this.#waiting(message);
      this.#waiting = null;
    });
    this.closed = new Promise((resolve) => this.#socket.addEventListener("close", ({ code }) => resolve(code)));
  }

  async next(): Promise<unknown> {
    return this.#messages.shift() ?? await new Promise((resolve) => this.#waiting = resolve);
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}

function line(atEpochNs: bigint, message: string): LogLine {
  return { atEpochNs, message, labels: { level: "info" } };
}
