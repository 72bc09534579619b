import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { AddressRules, type AddressRuleSettings } from "../../src/net/address_rules.ts";
import { NetError } from "../../src/net/errors.ts";
import { isInNetwork } from "../../src/net/ip_address.ts";
import { TestClient } from "./raw_server.ts";

function rules(settings: Partial<AddressRuleSettings>): AddressRules {
  return new AddressRules({ hosts: {}, blockedNames: [], blockedNetworks: [], ...settings });
}

Deno.test("hosts: name:port wins over the name, both over wildcards, and the longest wildcard wins", () => {
  const addresses = rules({
    hosts: {
      "a.test": "1.1.1.1",
      "A.test:8080": "2.2.2.2:80",
      "*.test": "3.3.3.3",
      "*.wild.test": "[::3]:4",
      "own.wild.test": "::5",
      "*.port.test:81": "6.6.6.6",
      "bücher.test:81": "7.7.7.7",
      "*.BÜCHER.test": "[::8]",
    },
  });
  for (
    const [name, port, expected] of [
      ["a.test", 80, "1.1.1.1"],
      ["a.TEST", 8080, "2.2.2.2 80"],
      ["b.test", 1, "3.3.3.3"],
      ["x.wild.test", 1, "::3 4"],
      ["own.wild.test", 1, "::5"],
      ["wild.test", 1, "3.3.3.3"],
      ["x.port.test", 81, "6.6.6.6"],
      ["x.port.test", 82, "3.3.3.3"],
      ["xn--bcher-kva.test", 81, "7.7.7.7"],
      ["x.xn--bcher-kva.test", 81, "::8"],
      ["a.test.", 80, "1.1.1.1"],
      ["test", 1, null],
      ["atest", 1, null],
    ] as const
  ) {
    const found = addresses.fixedAddress(name, port);
    assertEquals(
      found && [found.ip, found.port].filter((part) => part !== null).join(" "),
      expected,
      `${name}:${port}`,
    );
  }
});

Deno.test("blockHostnames: names and endings in any case, but no addresses; checked before hosts", () => {
  const blocked = rules({ hosts: { "a.test": "1.1.1.1" }, blockedNames: ["A.test", "*.Blocked.test", "bücher.test"] });
  for (const name of ["a.test", "a.test.", "x.blocked.test", "X.y.BLOCKED.test", "xn--bcher-kva.test"]) {
    assertThrows(() => blocked.fixedAddress(name, 80), NetError, "hostname is blocked");
  }
  for (const name of ["b.a.test", "blocked.test"]) assertEquals(blocked.fixedAddress(name, 80), null);
  const all = rules({ blockedNames: ["*"] });
  assertThrows(() => all.fixedAddress("localhost", 80), NetError);
  for (const address of ["127.0.0.1", "::1"]) assertEquals(all.fixedAddress(address, 80), null);
});

Deno.test("blacklistIPs: addresses and networks of both families", () => {
  const networks = ["10.0.0.0/8", "1.2.3.4", "fd00::/8", "::1", "fe80::/10", "::ffff:7.7.0.0/112", "::ffff:8.8.8.8"];
  const blocked = rules({ blockedNetworks: networks });
  for (const ip of ["10.255.0.1", "1.2.3.4", "fd12::1", "::1", "fe80::1%eth0", "7.7.255.1", "8.8.8.8"]) {
    assertThrows(() => blocked.check(ip), NetError, "ip is blacklisted");
  }
  for (const ip of ["::ffff:10.0.0.1", "::FFFF:a00:1", "0:0:0:0:0:ffff:a00:1", "0::ffff:102:304", "::ffff:8.8.8.8"]) {
    assertThrows(() => blocked.check(ip), NetError, "ip is blacklisted");
  }
  for (const ip of ["11.0.0.1", "1.2.3.5", "fe00::1", "::2", "::ffff:11.0.0.1", "7.6.0.1", "fec0::1%eth0"]) {
    blocked.check(ip);
  }
});

const label = fc.constantFrom("a", "b", "c");
const hostname = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join("."));
const pattern = fc.tuple(fc.boolean(), hostname).map(([isWild, name]) => isWild ? `*.${name}` : name);

Deno.test("hosts and blockHostnames agree with a naive model, in any case", () => {
  const fits = (pattern: string, name: string): boolean =>
    pattern === name || pattern.startsWith("*") && name.endsWith(pattern.slice(1));
  fc.assert(fc.property(fc.array(pattern), hostname, (patterns, name) => {
    const fitting = patterns.filter((pattern) => fits(pattern, name));
    const hosts = Object.fromEntries(patterns.map((pattern) => [pattern.toUpperCase(), `[::${pattern.length}]:1`]));
    const best = fitting.includes(name) ? name : fitting.sort((a, b) => b.length - a.length)[0];
    assertEquals(rules({ hosts }).fixedAddress(name, 80)?.ip, best === undefined ? undefined : `::${best.length}`);
    const blocked = rules({ blockedNames: patterns });
    if (fitting.length === 0) blocked.checkName(name.toUpperCase());
    else assertThrows(() => blocked.checkName(name.toUpperCase()), NetError);
  }));
});

Deno.test("blacklistIPs and the networks of NO_PROXY agree on what belongs to a network", () => {
  const address = fc.oneof(fc.ipV4(), fc.ipV6().filter((ip) => !ip.includes(".")));
  fc.assert(fc.property(address, address, fc.nat(32), (ip, base, bits) => {
    const network = `${base}/${bits}`;
    if (ip.includes(":") !== base.includes(":")) return;
    const blocked = rules({ blockedNetworks: [network] });
    if (isInNetwork(ip, network)) assertThrows(() => blocked.check(ip), NetError);
    else blocked.check(ip);
  }));
});

Deno.test("a request that must not be sent fails with k6's codes, and hosts tell where the others go", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  using client = new TestClient({
    addressRules: {
      hosts: { "here.test": "127.0.0.1", "there.test": "127.0.0.2" },
      blockedNames: ["blocked.test"],
      blockedNetworks: ["127.0.0.2"],
    },
  });
  const codeOf = async (host: string) => (await client.send(`http://${host}:${port}/`)).errorCode;
  assertEquals(await codeOf("blocked.test"), 1111);
  assertEquals(await codeOf("there.test"), 1110);
  assertEquals(await codeOf("127.0.0.2"), 1110);
  const reached = codeOf("here.test");
  (await listener.accept()).close();
  assertEquals(await reached, 1000);
});
