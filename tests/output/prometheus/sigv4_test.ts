import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { amzDate, sha256Hex, type SignableRequest, sigV4Authorization } from "../../../src/output/prometheus/sigv4.ts";

const scope = {
  accessKey: "AKIDEXAMPLE",
  secretKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
  region: "us-east-1",
  service: "service",
};
const date = "20150830T123600Z";
const unreserved = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const sessionToken =
  "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqT" +
  "flfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8Y" +
  "QcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";

interface Case {
  readonly name: string;
  /** Path and query exactly as they stand in the suite's request. */
  readonly target?: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: string;
  readonly signedHeaders?: string;
  readonly signature: string;
}

const vanillaGet = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
const vanillaPost = "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b";
const form = "application/x-www-form-urlencoded";

/** AWS's published test suite (aws-sig-v4-test-suite): names, requests and signatures. The method is the name's first word. */
const suite: readonly Case[] = [
  { name: "get-vanilla", signature: vanillaGet },
  {
    name: "get-header-key-duplicate",
    headers: [["My-Header1", "value2"], ["My-Header1", "value2"], ["My-Header1", "value1"]],
    signedHeaders: "host;my-header1;x-amz-date",
    signature: "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
  },
  {
    name: "get-header-value-order",
    headers: ["value4", "value1", "value3", "value2"].map((value) => ["My-Header1", value] as const),
    signedHeaders: "host;my-header1;x-amz-date",
    signature: "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01",
  },
  {
    name: "get-header-value-trim",
    headers: [["My-Header1", " value1"], ["My-Header2", ' "a   b   c"']],
    signedHeaders: "host;my-header1;my-header2;x-amz-date",
    signature: "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
  },
  {
    name: "get-unreserved",
    target: `/${unreserved}`,
    signature: "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
  },
  {
    name: "get-utf8",
    target: "/ሴ",
    signature: "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85",
  },
  {
    name: "get-vanilla-empty-query-key",
    target: "/?Param1=value1",
    signature: "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb",
  },
  { name: "get-vanilla-query", signature: vanillaGet },
  {
    name: "get-vanilla-query-order-key",
    target: "/?Param1=value2&Param1=Value1",
    signature: "eedbc4e291e521cf13422ffca22be7d2eb8146eecf653089df300a15b2382bd1",
  },
  {
    name: "get-vanilla-query-order-key-case",
    target: "/?Param2=value2&Param1=value1",
    signature: "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
  },
  {
    name: "get-vanilla-query-order-value",
    target: "/?Param1=value2&Param1=value1",
    signature: "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694",
  },
  {
    name: "get-vanilla-query-order-encoded",
    target: "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
    signature: "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac",
  },
  {
    name: "get-vanilla-query-unreserved",
    target: `/?${unreserved}=${unreserved}`,
    signature: "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
  },
  {
    name: "get-vanilla-utf8-query",
    target: "/?ሴ=bar",
    signature: "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
  },
  { name: "get-relative", target: "/example/..", signature: vanillaGet },
  { name: "get-relative-relative", target: "/example1/example2/../..", signature: vanillaGet },
  { name: "get-slash", target: "//", signature: vanillaGet },
  { name: "get-slash-dot-slash", target: "/./", signature: vanillaGet },
  {
    name: "get-slash-pointless-dot",
    target: "/./example",
    signature: "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5",
  },
  {
    name: "get-slashes",
    target: "//example//",
    signature: "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84",
  },
  {
    name: "get-space",
    target: "/example space/",
    signature: "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741",
  },
  { name: "post-vanilla", signature: vanillaPost },
  { name: "post-header-key-case", signature: vanillaPost },
  {
    name: "post-header-key-sort",
    headers: [["My-Header1", "value1"]],
    signedHeaders: "host;my-header1;x-amz-date",
    signature: "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
  },
  {
    name: "post-header-value-case",
    headers: [["My-Header1", "VALUE1"]],
    signedHeaders: "host;my-header1;x-amz-date",
    signature: "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
  },
  {
    name: "post-sts-header-before",
    headers: [["X-Amz-Security-Token", sessionToken]],
    signedHeaders: "host;x-amz-date;x-amz-security-token",
    signature: "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
  },
  {
    name: "post-vanilla-empty-query-value",
    target: "/?Param1=value1",
    signature: "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11",
  },
  {
    name: "post-x-www-form-urlencoded",
    headers: [["Content-Type", form]],
    body: "Param1=value1",
    signedHeaders: "content-type;host;x-amz-date",
    signature: "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
  },
  {
    name: "post-x-www-form-urlencoded-parameters",
    headers: [["Content-Type", `${form}; charset=utf8`]],
    body: "Param1=value1",
    signedHeaders: "content-type;host;x-amz-date",
    signature: "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe",
  },
];

for (const { name, target = "/", headers = [], body = "", signedHeaders = "host;x-amz-date", signature } of suite) {
  Deno.test(`a signature equals that of AWS's published example (${name})`, () => {
    const [path, query = ""] = target.split("?");
    const request = {
      method: name.startsWith("get") ? "GET" : "POST",
      path: path!,
      query,
      headers: [["Host", "example.amazonaws.com"] as const, ...headers, ["X-Amz-Date", date] as const],
      payloadHash: sha256Hex(body),
    };
    assertEquals(
      sigV4Authorization(request, scope, date),
      "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, " +
        `SignedHeaders=${signedHeaders}, Signature=${signature}`,
    );
  });
}

function sign(changes: Partial<SignableRequest>): string {
  const request = {
    method: "POST",
    path: "/w",
    query: "",
    headers: [["Host", "h"]] as const,
    payloadHash: sha256Hex(""),
  };
  return sigV4Authorization({ ...request, ...changes }, scope, date);
}

Deno.test("Authorization and User-Agent are not signed, blanks in values count once", () => {
  const withHeader = (name: string, value: string) => sign({ headers: [["Host", "h"], [name, value]] });
  assertEquals(withHeader("Authorization", "x"), sign({}));
  assertEquals(withHeader("User-Agent", "k6d/1"), sign({}));
  assertEquals(withHeader("X-Scope", "  a   b "), withHeader("x-scope", "a b"));
});

Deno.test("the order of parameters and of headers, and redundant parts of a path, change no signature", () => {
  const text = fc.stringMatching(/^[A-Za-z0-9 +%&=.\/ü-]{0,6}$/);
  fc.assert(fc.property(
    fc.array(fc.tuple(text, text)),
    fc.array(fc.constantFrom("a", "b", "c d", "ü")),
    (parameters, segments) => {
      const query = new URLSearchParams(parameters).toString();
      const path = `/${segments.join("/")}`;
      const signature = sign({ query, path });
      assertEquals(sign({ query: new URLSearchParams(parameters.toReversed()).toString(), path }), signature);
      assertEquals(sign({ query, path: `/x/..//.${path}` }), signature);
    },
  ));
  const [one, two] = [["A", "1"], ["B", "2"]] as const;
  assertEquals(sign({ headers: [["Host", "h"], one, two] }), sign({ headers: [two, one, ["Host", "h"]] }));
});

Deno.test("dates have the form of X-Amz-Date", () => {
  assertEquals(amzDate(Date.UTC(2015, 7, 30, 12, 36, 0, 999)), date);
});
