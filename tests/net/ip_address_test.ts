import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { isIP } from "node:net";
import { formatIp, ipFamily, isInNetwork, parseIp } from "../../src/net/ip_address.ts";
import { LocalAddresses } from "../../src/net/local_addresses.ts";

const anyFamily = fc.constantFrom(4 as const, 6 as const);
const anyIp = anyFamily.chain((family) =>
  fc.bigInt(0n, (1n << (family === 4 ? 32n : 128n)) - 1n).map((number) => ({ family, number }))
);

Deno.test("an address that is written and read again is the same, whoever wrote it", () => {
  fc.assert(fc.property(anyIp, ({ family, number }) => {
    const text = formatIp(family, number);
    assertEquals([isIP(text), ipFamily(text), parseIp(text)], [family, family, number]);
  }));
  fc.assert(fc.property(fc.ipV6(), (text) => {
    const canonical = formatIp(6, parseIp(text));
    assertEquals(new URL(`http://[${text}]/`).hostname, `[${canonical}]`);
  }));
});

Deno.test("an address belongs to every network that is made from it, and not to one whose prefix differs", () => {
  fc.assert(fc.property(anyIp, fc.nat(), fc.nat(), ({ family, number }, anyBits, anyFlip) => {
    const width = family === 4 ? 32 : 128;
    const bits = anyBits % (width + 1);
    const text = formatIp(family, number);
    assert(isInNetwork(text, `${text}/${bits}`));
    if (bits === 0) return;
    const other = formatIp(family, number ^ (1n << BigInt(width - 1 - anyFlip % bits)));
    assert(!isInNetwork(other, `${text}/${bits}`));
  }));
  assert(!isInNetwork("1.2.3.4", "::/0"));
});

Deno.test("local addresses: addresses, ranges and networks in turn, one for each virtual user", () => {
  const of = (list: string, count: number) => {
    const addresses = new LocalAddresses(list);
    return Array.from({ length: count }, (_, index) => addresses.of(index + 1));
  };
  assertEquals(of("10.0.0.5", 2), ["10.0.0.5", "10.0.0.5"]);
  assertEquals(of("10.0.0.255-10.0.1.1", 4), ["10.0.0.255", "10.0.1.0", "10.0.1.1", "10.0.0.255"]);
  assertEquals(of("10.0.0.3/30,fd00::9", 4), ["10.0.0.1", "10.0.0.2", "fd00::9", "10.0.0.1"]);
  assertEquals(of("10.0.0.4/31", 3), ["10.0.0.4", "10.0.0.5", "10.0.0.4"]);
  assertEquals(of("fd00::/64", 2), ["fd00::", "fd00::1"]);
  assertEquals(new LocalAddresses("10.0.0.1-10.0.0.9").of(0), "10.0.0.1");
});
