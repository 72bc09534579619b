import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { exports } from "../../src/api/x509.ts";

type Read = (pem?: unknown) => Record<string, unknown>;
const { parse, getAltNames, getIssuer, getSubject } = exports as unknown as Record<string, Read>;

/** Self-signed, with an RSA key and all kinds of names. */
const RSA = `-----BEGIN CERTIFICATE-----
MIIDbTCCAtagAwIBAgIUdar/zKCFY+ETIsa8GSOxL4WYid0wDQYJKoZIhvcNAQEL
BQAwgacxCzAJBgNVBAYTAlpaMQ4wDAYDVQQIDAVTdGF0ZTENMAsGA1UEBwwEVG93
bjEPMA0GA1UECQwGUm9hZCAxMQ4wDAYDVQQRDAU5OTk5OTENMAsGA1UECgwERmly
bTEPMA0GA1UECwwGVW5pdCAxMQ8wDQYDVQQLDAZVbml0IDIxEzARBgNVBAMMCmZp
cnN0LnRlc3QxEjAQBgNVBAMMCWxhc3QudGVzdDAeFw0yNjExMjExNDIzMzZaFw0z
NjExMTgxNDIzMzZaMIGnMQswCQYDVQQGEwJaWjEOMAwGA1UECAwFU3RhdGUxDTAL
BgNVBAcMBFRvd24xDzANBgNVBAkMBlJvYWQgMTEOMAwGA1UEEQwFOTk5OTkxDTAL
BgNVBAoMBEZpcm0xDzANBgNVBAsMBlVuaXQgMTEPMA0GA1UECwwGVW5pdCAyMRMw
EQYDVQQDDApmaXJzdC50ZXN0MRIwEAYDVQQDDAlsYXN0LnRlc3QwgZ8wDQYJKoZI
hvcNAQEBBQADgY0AMIGJAoGBANuj6/ClsWAM2VfI/f+g75+gKvqyJhECr5CQQDba
ABN0QzJXoHfJj9F7y6iujkQn3L/XQ3bm0yN8NhjQG5nD1/swNfLbW8zIEFO/i3b4
3WMViSG76CGVO6FQ58PWHOukFTtLMTtoYqrQVlt+XFAiZQ0dYLyq89JQhTvbpJfN
ds3zAgMBAAGjgZMwgZAwHQYDVR0OBBYEFJdCu/QVYmL7SQktKxXi9DmwvTPaMB8G
A1UdIwQYMBaAFJdCu/QVYmL7SQktKxXi9DmwvTPaMA8GA1UdEwEB/wQFMAMBAf8w
PQYDVR0RBDYwNIcEfwAAAYIGYS50ZXN0hhBodHRwczovL2EudGVzdC94gQh4QHku
dGVzdIIIKi5iLnRlc3QwDQYJKoZIhvcNAQELBQADgYEARDPyqJZuyZ5uUMjuIM/A
vtXMihi0/5MjrwMBltyI1LSkZ/mZQkuc7zjLWuMPhdzJG9MYbNSzChiIiRdoq0Qu
gcu5wDNyZ2nq61xTJIqZDkZOc379biAWAHo+NRRRvnTgdscErkf9yplo6tzoDzv0
zUYam+yDcfROyzk4dTAjFYw=
-----END CERTIFICATE-----`;

/** With a key on the curve P-256, and little more. */
const EC = `-----BEGIN CERTIFICATE-----
MIIBeDCCAR+gAwIBAgIUVY5kHhL9slMXWKWqphfcP/bfYvowCgYIKoZIzj0EAwIw
EjEQMA4GA1UEAwwHxbzDs8WCdzAeFw0yNjExMjExNDIzMzZaFw0zNjExMTgxNDIz
MzZaMBIxEDAOBgNVBAMMB8W8w7PFgncwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
AATZSh9P3cMMR/sZY7ZDadZpUFtcWVhRZGMS7SjCj2YyW6QQ0UgwVkruvtpbH+md
5i+MPn/stWCcR7Q/xfRMnkcFo1MwUTAdBgNVHQ4EFgQUIAA/numQjS7dTw9NjFv4
ooCAa28wHwYDVR0jBBgwFoAUIAA/numQjS7dTw9NjFv4ooCAa28wDwYDVR0TAQH/
BAUwAwEB/zAKBggqhkjOPQQDAgNHADBEAiAmupUJL0qZtSIOmEpYew4e8B8AhWlA
1kX1ca9QbXWGMQIgNrrXLOQxeCIesi1rtxoPe+WQHPefOpUq4D6XkdaWmjI=
-----END CERTIFICATE-----`;

const names = [
  ["2.5.4.6", "ZZ"],
  ["2.5.4.8", "State"],
  ["2.5.4.7", "Town"],
  ["2.5.4.9", "Road 1"],
  ["2.5.4.17", "99999"],
  ["2.5.4.10", "Firm"],
  ["2.5.4.11", "Unit 1"],
  ["2.5.4.11", "Unit 2"],
  ["2.5.4.3", "first.test"],
  ["2.5.4.3", "last.test"],
].map(([type, value]) => ({ type, value }));
const issuer = {
  ...{ commonName: "last.test", country: "ZZ", stateOrProvinceName: "State", localityName: "Town" },
  ...{ organizationName: "Firm", names },
};
const subject = {
  ...issuer,
  ...{ postalCode: "99999", streetAddress: "Road 1", organizationalUnitName: ["Unit 1", "Unit 2"] },
};
const altNames = ["a.test", "*.b.test", "x@y.test", "127.0.0.1", "https://a.test/x"];

Deno.test("parse() gives all parts of a certificate", () => {
  const { publicKey, fingerPrint, ...rest } = parse!(`text before\n${RSA}\ntext behind`);
  assertEquals(rest, {
    ...{ subject, issuer, altNames, signatureAlgorithm: "SHA256-RSA" },
    ...{ notBefore: "2026-11-21T14:23:36Z", notAfter: "2036-11-18T14:23:36Z" },
  });
  assertEquals(Uint8Array.from(fingerPrint as number[]).toHex(), "8d82b01978f054f14dee77b9705093f97ac35ac7");
  const { algorithm, key } = publicKey as { algorithm: string; key: { n: string; e: number } };
  assertEquals([algorithm, key.e, BigInt(key.n).toString(16)], [
    "RSA",
    65537,
    "dba3ebf0a5b1600cd957c8fdffa0ef9fa02afab2261102af90904036da001374433257a077c98fd17bcba8ae8e4427dcbfd74376e6d3237c3618d01b99c3d7fb3035f2db5bccc81053bf8b76f8dd63158921bbe821953ba150e7c3d61ceba4153b4b313b6862aad0565b7e5c5022650d1d60bcaaf3d250853bdba497cd76cdf3",
  ]);
});

Deno.test("getAltNames(), getIssuer() and getSubject() give one part", () => {
  assertEquals(getAltNames!(RSA) as unknown, altNames);
  assertEquals(getIssuer!(RSA), issuer);
  assertEquals(getSubject!(RSA), subject);
});

Deno.test("what a certificate lacks is empty", () => {
  const empty = { country: "", stateOrProvinceName: "", localityName: "", organizationName: "" };
  const name = { ...empty, commonName: "żółw", names: [{ type: "2.5.4.3", value: "żółw" }] };
  assertEquals(getSubject!(EC), { ...name, postalCode: "", streetAddress: "", organizationalUnitName: [] });
  const { issuer, altNames, signatureAlgorithm, publicKey } = parse!(EC);
  assertEquals([issuer, altNames, signatureAlgorithm], [name, [], "ECDSA-SHA256"]);
  const { algorithm, key } = publicKey as { algorithm: string; key: { curve: string; x: string; y: string } };
  assertEquals([algorithm, key.curve, /^\d+$/.test(key.x + key.y)], ["ECDSA", "P-256", true]);
});

Deno.test("what is no certificate is refused in one line", () => {
  for (const text of ["", "text", undefined, 5, "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"]) {
    assertThrows(() => parse!(text), Error, "parse() failed: the text holds no certificate in PEM form");
  }
  for (const broken of [RSA.replace(/\n.{64}\n/, "\n"), RSA.replace("MII", "AAA"), RSA.replace("MII", "***")]) {
    const { message } = assertThrows(() => getSubject!(broken), Error);
    assertStringIncludes(message, "getSubject() failed: the certificate can't be read");
    assertEquals(message.split("\n").length, 1);
  }
});
