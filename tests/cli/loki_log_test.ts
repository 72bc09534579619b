import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { UsageError } from "../../src/cli/args.ts";
import { LokiSink, readLokiSettings } from "../../src/cli/loki_log.ts";
import type { LogLine } from "../../src/output/log_line.ts";

/** A receiver that keeps what was pushed to it. */
class Receiver implements AsyncDisposable {
  readonly pushes: { headers: Headers; body: { streams: { stream: object; values: string[][] }[] } }[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  #arrived = Promise.withResolvers<void>();

  constructor(status = 204) {
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
      this.pushes.push({ headers: request.headers, body: await request.json() });
      this.#arrived.resolve();
      this.#arrived = Promise.withResolvers();
      return new Response(status === 204 ? null : "no room\n", { status });
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/loki/api/v1/push`;
  }

  arrival(): Promise<void> {
    return this.#arrived.promise;
  }

  /** The messages of all pushes. */
  get messages(): string[] {
    return this.pushes.flatMap(({ body }) => body.streams.flatMap(({ values }) => values.map(([, text]) => text!)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

function entry(message: string, fields: Record<string, string> = {}, level: LogLine["level"] = "info"): LogLine {
  return { level, message, fields: Object.entries(fields), atEpochMs: 1_700_000_000_123 };
}

Deno.test("without settings lines go to Loki on this machine, each second, with all fields as labels", () => {
  const { url, ...rest } = readLokiSettings("loki");
  assertEquals(url.href, "http://127.0.0.1:3100/loki/api/v1/push");
  assertEquals(rest, {
    allowedLabels: null,
    labels: {},
    headers: {},
    limit: 100,
    level: "debug",
    pushPeriodMs: 1000,
    maxMessageBytes: 1_048_576,
  });
});

Deno.test("every setting is read", () => {
  const settings = readLokiSettings(
    "loki=http://h:1/p,label.a=b,header.X-Scope-OrgID=me,limit=5,level=warning,pushPeriod=5s500ms,msgMaxSize=70,allowedLabels=[level,vu],profile",
  );
  assertEquals(settings.url.href, "http://h:1/p");
  assertEquals([settings.labels, settings.headers], [{ a: "b" }, { "X-Scope-OrgID": "me" }]);
  assertEquals([settings.limit, settings.level, settings.pushPeriodMs], [5, "warn", 5500]);
  assertEquals([settings.maxMessageBytes, settings.allowedLabels], [70, new Set(["level", "vu"])]);
  assertEquals(readLokiSettings("loki=limit=3").limit, 3);
});

for (
  const [output, message] of [
    ["loki=limits=3", `unknown setting "limits" in --log-output loki=limits=3; did you mean limit?`],
    ["loki=limit=many", "limit: expected a whole number"],
    ["loki=limit=0", "must be more than 0"],
    ["loki=http://u:topsecret@:x", "--log-output loki=http://***@:x: that is not a URL"],
    ["loki=level=loud", `unknown level "loud"`],
    ["loki=localhost:3100", `unknown setting "localhost:3100"`],
  ] as const
) {
  Deno.test(`refused: --log-output ${output}`, () => {
    assertStringIncludes(assertThrows(() => readLokiSettings(output), UsageError).message, message);
  });
}

Deno.test("lines are pushed while the test runs, and the last ones at its end", async () => {
  await using receiver = new Receiver();
  const sink = new LokiSink(readLokiSettings(`loki=${receiver.url},pushPeriod=1ms,header.X-A=b`), fail);
  sink.write(entry("first"));
  await receiver.arrival();
  sink.write(entry("last"));
  await sink.close();
  assertEquals(receiver.messages, ["first", "last"]);
  const { headers } = receiver.pushes[0]!;
  assertEquals([headers.get("content-type"), headers.get("x-a")], ["application/json", "b"]);
});

Deno.test("a receiver that refuses is told of once, without credentials", async () => {
  await using receiver = new Receiver(500);
  const complaints: string[] = [];
  const url = receiver.url.replace("http://", "http://user:topsecret@");
  const sink = new LokiSink(readLokiSettings(`loki=${url},pushPeriod=1ms`), (text) => complaints.push(text));
  sink.write(entry("a"));
  await receiver.arrival();
  sink.write(entry("b"));
  await sink.close();
  assertEquals(complaints, [`cannot push the log to Loki at ${receiver.url}: it answered 500: no room`]);
});

function fail(message: string): never {
  throw new Error(message);
}
