import { assertEquals, assertStringIncludes } from "@std/assert";
import { WORKER_PERMISSIONS } from "../../src/worker/permissions.ts";
import type { BareWorkerTask } from "./bare_worker.ts";
import { makeCertificate } from "./certificate.ts";
import { startFixedServer } from "./raw_server.ts";

Deno.test("a worker needs no permission but the network: names, addresses, TLS with and without own roots", async () => {
  await using plain = startFixedServer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  const { certificate: cert, key } = await makeCertificate("localhost", "DNS:localhost");
  const secure = Deno.serve({ hostname: "127.0.0.1", port: 0, cert, key, onListen() {} }, () => new Response("secure"));
  const urls = [
    plain.url,
    `http://localhost:${plain.port}/`,
    `https://localhost:${secure.addr.port}/`,
    `http://${"a".repeat(64)}.test/`,
  ];
  assertEquals(await runInBareWorker({ urls, caCerts: [cert] }), ["200 ", "200 ", "200 ", "0 lookup: no such host"]);
  assertEquals((await runInBareWorker({ urls, caCerts: [] }))[2], "0 x509: unknown authority");
  await secure.shutdown();
});

Deno.test("too many open files is an error of the request", async () => {
  const script = `
    const { HttpClient, HttpNetwork } = await import(${
    JSON.stringify(import.meta.resolve("../../src/net/http_client.ts"))
  });
    const { parseHttpUrl } = await import(${JSON.stringify(import.meta.resolve("../../src/net/url.ts"))});
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const settings = { insecureSkipTlsVerify: false, noConnectionReuse: false, caCerts: [], dialTimeoutMs: 30000 };
    const network = new HttpNetwork(settings);
    const url = parseHttpUrl("http://127.0.0.1:" + listener.addr.port);
    const request = { method: "GET", url, headers: "Host: x\\r\\n", body: null, timeoutMs: 10000, discardBody: false };
    const httpDone = ({ errorCode, error }) => {
      console.log(errorCode, error);
      Deno.exit();
    };
    for (let i = 0; i < 200; i++) new HttpClient(network).send(request, { httpDone });`;
  const config = new URL("../../deno.json", import.meta.url).pathname;
  const { stdout, stderr } = await new Deno.Command("/bin/sh", {
    args: [
      "-c",
      `ulimit -n 120; exec "$0" run -A --config "$1" --ext=ts "$2"`,
      Deno.execPath(),
      config,
      `data:text/typescript,${encodeURIComponent(script)}`,
    ],
  }).output();
  assertStringIncludes(
    new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr),
    "1213 dial: too many open files",
  );
});

async function runInBareWorker(task: BareWorkerTask): Promise<string[]> {
  const worker = new Worker(import.meta.resolve("./bare_worker.ts"), {
    type: "module",
    deno: { permissions: WORKER_PERMISSIONS },
  });
  try {
    return await new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = (event) => reject(new Error(event.message));
      worker.postMessage(task);
    });
  } finally {
    worker.terminate();
  }
}
