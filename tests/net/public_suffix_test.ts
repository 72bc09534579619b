import { assertEquals } from "@std/assert";
import { isPublicSuffix } from "../../src/net/public_suffix.ts";

Deno.test("rules, wildcards and exceptions of the public suffix list", () => {
  const yes = ["com", "co.uk", "github.io", "any.ck", "x.kawasaki.jp", "xn--55qx5d.cn"];
  const no = [
    "example.com",
    "www.ck",
    "city.kawasaki.jp",
    "a.any.ck",
    "a.co.uk",
    "corp.internal",
    "localhost",
    "",
    ",",
    "*",
  ];
  assertEquals(yes.filter((domain) => !isPublicSuffix(domain)), []);
  assertEquals(no.filter(isPublicSuffix), []);
});
