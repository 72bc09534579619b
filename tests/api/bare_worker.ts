// Runs the pure parts of the API as user code's thread does: permissions cut to the network, host globals deleted.

import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { decompressBody, DecompressionError } from "../../src/api/compression.ts";
import { formatConsole } from "../../src/api/console_format.ts";
import { CookieJar, responseCookies } from "../../src/api/cookies.ts";
import { encodeForm } from "../../src/api/form_body.ts";
import { requestHeaderPairs } from "../../src/api/headers.ts";
import { parseJsonBody, selectJson } from "../../src/api/json_selector.ts";
import { encodeMultipart, file } from "../../src/api/multipart.ts";
import { decodeText } from "../../src/api/response_body.ts";
import { encodeSharedArray, viewSharedArray } from "../../src/api/shared_array.ts";

const send = postMessage;
const text = new TextEncoder().encode("text");
const url = {
  href: "http://a.test/",
  secure: false,
  hostname: "a.test",
  port: 80,
  host: "a.test",
  target: "/",
  username: "",
  password: "",
};
const bodies = {
  gzip: gzipSync(text),
  deflate: deflateSync(text),
  br: brotliCompressSync(text),
  zstd: zstdCompressSync(text),
};

for (const name of ["Deno", "process", "Buffer", "URL", "TextDecoder", "TextEncoder", "crypto", "postMessage"]) {
  Reflect.deleteProperty(globalThis, name);
}

function failureOf(coding: string): unknown {
  try {
    return decompressBody(coding, text);
  } catch (error) {
    return error instanceof DecompressionError ? error.code : String(error);
  }
}

const jar = new CookieJar();
jar.setFromResponse(url, ["a=1; Max-Age=5"], 0);
send({
  globals: ["Deno" in globalThis, "process" in globalThis],
  bodies: Object.entries(bodies).map(([coding, body]) => decodeText(decompressBody(coding, body))),
  failures: ["gzip", "deflate", "zstd"].map(failureOf),
  console: formatConsole(["a", { b: new Uint8Array(1), c: new Date(0) }]),
  cookie: jar.headerFor(url, 1),
  cookies: responseCookies(["a=1"]).a?.length,
  form: encodeForm({ a: ["ż"] }).body,
  headers: requestHeaderPairs({ "x-a": 1 }),
  json: selectJson(parseJsonBody('{"a":[{"b":1}]}'), "a.#(b==1).b"),
  multipart: encodeMultipart({ f: file("x") }).body.length > 0,
  invalid: decodeText(Uint8Array.of(0xff)),
  shared: viewSharedArray(encodeSharedArray([{ a: "ż" }]))[0],
});
