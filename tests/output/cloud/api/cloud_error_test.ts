import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { CloudApi } from "../../../../src/output/cloud/api/cloud_client.ts";
import { refusal } from "../../../../src/output/cloud/api/cloud_error.ts";

const TOKEN = "a-token-of-some-length";

const API: CloudApi = {
  address: "http://127.0.0.1:1",
  addressSource: "K6_CLOUD_HOST",
  authorization: { scheme: "Token", token: TOKEN, of: "user" },
  repeats: { attempts: 1, after429: false },
};

function errorOf(content: Uint8Array, status = 400) {
  const call = { purpose: "do it", method: "GET", path: "" } as const;
  const text = new TextDecoder().decode(content);
  return refusal(call, { status, headers: {}, retryAfterMs: null, content, text }, API);
}

Deno.test("whatever a service says, the error is one bounded line without control characters and token", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom(TOKEN, `x${TOKEN}y`, "\r\n\x1b[0m", "x".repeat(299) + TOKEN),
  );
  const value = fc.oneof(text, fc.jsonValue({ maxDepth: 1 }), fc.array(text), fc.dictionary(text, text));
  const error = fc.record({ code: value, message: value, details: value, field_errors: value, errors: value }, {
    requiredKeys: [],
  });
  fc.assert(fc.property(fc.oneof(error.map((error) => ({ error })), fc.jsonValue({ maxDepth: 1 })), (body) => {
    const { message, kind, code } = errorOf(new TextEncoder().encode(JSON.stringify(body)));
    assertEquals(kind, "refused");
    assert(message.startsWith("cannot do it: (400"), message);
    // It stands in the log by itself, too, where failed pushes are counted.
    assert(code === null || code.length <= 300 && !/[\p{Cc}\n]/u.test(code) && !code.includes(TOKEN), code ?? "");
    assert(message.length < 800 && !/[\p{Cc}\n]/u.test(message) && !message.includes(TOKEN), message);
  }));
});

Deno.test("bytes that are no text are an answer all the same", () => {
  assertEquals(
    errorOf(new Uint8Array([0xff, 0x00, 0xfe])).message,
    "cannot do it: (400) unexpected answer: \ufffd \ufffd",
  );
});
