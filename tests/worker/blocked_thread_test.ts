import { assertEquals, assertThrows } from "@std/assert";
import { parseHttpUrl } from "../../src/net/url.ts";
import type { HttpRequest } from "../../src/net/types.ts";
import { BlockedOutcome } from "../../src/worker/blocked_thread.ts";
import type { FromWorker } from "../../src/worker/messages.ts";
import { PhaseDropped } from "../../src/worker/virtual_user.ts";
import { TestRuntime } from "./test_runtime.ts";

/** A runtime whose requests for the helper thread are granted, as the main thread does it. */
class BlockableRuntime extends TestRuntime implements Disposable {
  #helper: Worker | null = null;

  constructor() {
    super({ iterations: 1 });
    Object.defineProperty(this.runtime, "post", {
      value: (message: FromWorker, transfer: Transferable[]) => {
        if (message.type !== "open-helper") return;
        const { port, worker, gates, settings } = message;
        this.#helper = new Worker(new URL("../../src/worker/blocking_helper.ts", import.meta.url), { type: "module" });
        this.#helper.postMessage({ port, worker, gates, settings }, transfer);
      },
    });
  }

  [Symbol.dispose](): void {
    this.#helper?.terminate();
  }
}

function get(url: string): HttpRequest {
  const parsed = parseHttpUrl(url);
  const headers = `Host: ${parsed.host}\r\n`;
  return { method: "GET", url: parsed, headers, body: null, timeoutMs: 5000, discardBody: false, http1Only: false };
}

Deno.test("several exchanges are under way in one blocking wait", async () => {
  const server = new Worker(new URL("./pairing_server.ts", import.meta.url), { type: "module" });
  const port = await new Promise<number>((resolve) => server.onmessage = ({ data }) => resolve(data));
  using test = new BlockableRuntime();
  const user = test.user(1, {});
  const counters = { localIp: null, bytesSent: 0, bytesReceived: 0 };
  const client = test.runtime.blocked.createClient(counters);
  const outcome = new BlockedOutcome();
  const bodies: string[] = [];
  const completion = {
    httpDone({ body }: { body: Uint8Array | null }) {
      bodies.push(new TextDecoder().decode(body!));
      if (bodies.length === 2) outcome.resume(bodies.sort());
    },
  };
  client.send(get(`http://127.0.0.1:${port}/a`), completion);
  client.send(get(`http://127.0.0.1:${port}/b`), completion);
  assertEquals(test.runtime.blocked.waitFor(user, outcome), ["/a", "/b"]);
  assertEquals(counters.bytesSent > 0 && counters.bytesReceived > 0, true);
  server.terminate();
});

Deno.test("a deadline that comes due while the thread is blocked ends the wait of the user that it drops", () => {
  using test = new BlockableRuntime();
  const { timers, blocked } = test.runtime;
  const [dropped, other] = [test.user(1, {}), test.user(2, {})];
  const due: string[] = [];
  const entry = (name: string, isDeadline: boolean, timerDue: () => void) => ({
    ...{ dueAtMs: 0, heapIndex: -1, isDeadline },
    timerDue() {
      due.push(name);
      timerDue();
    },
  });
  const now = performance.now();
  const plain = entry("plain", false, () => {});
  timers.add(plain, now);
  timers.add(entry("deadline", true, () => dropped.drop()), now + 5);
  const later = entry("later", true, () => {});
  timers.add(later, now + 60_000);
  blocked.sleepUntil(other, now + 10);
  assertEquals(due, ["deadline"]);
  assertThrows(() => blocked.sleepUntil(dropped, now + 60_000), PhaseDropped);
  timers.remove(plain);
  timers.remove(later);
});
