/** Large files that scripts send: each by every way, whole, and from one memory. */

import { assertEquals } from "@std/assert";
import { encodeHex } from "@std/encoding/hex";
import { makeCertificate } from "../net/certificate.ts";
import { createHttp2Server } from "../support/http2_server.ts";
import { consoleMessages, runSuccessfully } from "./support/k6d.ts";

const FILE = new Uint8Array(3_000_000).map((_, i) => i * 7 % 251);

/** What arrived: how long it is, and whether the file is in it. */
function seen(body: Uint8Array): string {
  const start = body.length === FILE.length ? 0 : indexOfFile(body);
  const found = start >= 0 && FILE.every((byte, i) => body[start + i] === byte);
  return `${body.length - FILE.length} ${found}`;
}

/** Behind the part's head. */
function indexOfFile(body: Uint8Array): number {
  const at = new TextDecoder("latin1").decode(body.subarray(0, 1000)).indexOf("octet-stream\r\n\r\n");
  return at < 0 ? -1 : at + "octet-stream\r\n\r\n".length;
}

const SCRIPT = `import http from "k6/http";
import crypto from "k6/crypto";
import encoding from "k6/encoding";
const file = open("file.bin", "b");
export const options = { insecureSkipTLSVerify: true };
export default async function () {
  for (const url of [__ENV.PLAIN, __ENV.TLS, __ENV.HTTP2]) {
    console.log(http.post(url, file).body);
    console.log(http.post(url, { kind: "x", file: http.file(file, "f.bin") }).body);
    console.log(http.batch([["POST", url, file], ["POST", url, { file: http.file(file, "f.bin") }]]).map((r) => r.body).join());
    const sent = [http.asyncRequest("POST", url, file), http.asyncRequest("PUT", url, { file: http.file(file, "f.bin") })];
    console.log((await Promise.all(sent)).map((response) => response.body).join());
    console.log(({ get response() { return http.post(url, { file: http.file(file, "f.bin") }); } }).response.body);
    console.log(http.post(url, file, { compression: "gzip" }).request.body.length);
  }
  const hex = (bytes) => crypto.hexEncode(bytes);
  console.log(crypto.sha256(file, "hex"), hex(await globalThis.crypto.subtle.digest("SHA-256", file)));
  console.log(encoding.b64encode(file).length, file.slice(0, 2).byteLength, file.byteLength);
  __EXTRA__
}`;

/** Alone, and with what a form adds. */
const SEEN = ["0 true", "351 true", "0 true,237 true", "0 true,237 true", "237 true", "3000000"];

for (
  const [what, extra] of Object.entries({
    "that the script can't write to": "",
    "that the script may write to": "console.log(new Uint8Array(file)[1]);",
  })
) {
  Deno.test(`a file ${what} is sent whole by every way`, async () => {
    const { certificate, key } = await makeCertificate("localhost", "IP:127.0.0.1");
    const respond = async (request: Request) => {
      const body = new Uint8Array(await request.arrayBuffer());
      return new Response(request.headers.has("content-encoding") ? "" : seen(body));
    };
    const options = { port: 0, hostname: "127.0.0.1", onListen: () => {} };
    await using plain = Deno.serve(options, respond);
    await using tls = Deno.serve({ ...options, cert: certificate, key }, respond);
    const http2 = createHttp2Server({ cert: certificate, key }, ({ body, headers }) => {
      const text = headers["content-encoding"] === undefined ? seen(body) : "";
      return { headers: { ":status": "200" }, body: new TextEncoder().encode(text) };
    });
    await new Promise<void>((listening) => http2.listen(0, "127.0.0.1", listening));
    try {
      const result = await runSuccessfully({
        files: { "script.js": SCRIPT.replace("__EXTRA__", extra), "file.bin": FILE },
        env: {
          PLAIN: `http://127.0.0.1:${plain.addr.port}`,
          TLS: `https://127.0.0.1:${tls.addr.port}`,
          HTTP2: `https://127.0.0.1:${(http2.address() as { port: number }).port}`,
        },
      });
      const digest = encodeHex(await crypto.subtle.digest("SHA-256", FILE));
      const messages = consoleMessages(result);
      assertEquals(messages.slice(0, 18), [SEEN, SEEN, SEEN].flat());
      assertEquals(messages.slice(18, 20), [`${digest} ${digest}`, `4000000 2 3000000`]);
    } finally {
      http2.close();
    }
  });
}
