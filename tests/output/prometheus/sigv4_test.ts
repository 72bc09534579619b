import { assertEquals } from "@std/assert";
import { amzDate, sha256Hex, sigV4Authorization } from "../../../src/output/prometheus/sigv4.ts";

const scope = {
  accessKey: "AKIDEXAMPLE",
  secretKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
  region: "us-east-1",
  service: "service",
};
const date = "20150830T123600Z";

Deno.test("a signature equals that of AWS's published example (get-vanilla)", () => {
  const request = {
    method: "GET",
    url: new URL("https://example.amazonaws.com/"),
    headers: [["Host", "example.amazonaws.com"], ["X-Amz-Date", date]] as const,
    payloadHash: sha256Hex(""),
  };
  assertEquals(
    sigV4Authorization(request, scope, date),
    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, " +
      "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
  );
});

Deno.test("Authorization and User-Agent are not signed, blanks in values count once", () => {
  const sign = (headers: [string, string][]) =>
    sigV4Authorization(
      { method: "POST", url: new URL("https://h/w"), headers: [["Host", "h"], ...headers], payloadHash: sha256Hex("") },
      scope,
      date,
    );
  assertEquals(sign([["Authorization", "x"], ["User-Agent", "k6d/1"]]), sign([]));
  assertEquals(sign([["X-Scope", "  a   b "]]), sign([["x-scope", "a b"]]));
});

Deno.test("dates have the form of X-Amz-Date", () => {
  assertEquals(amzDate(Date.UTC(2015, 7, 30, 12, 36, 0, 999)), date);
});
