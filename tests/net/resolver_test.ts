import { assertEquals, assertRejects } from "@std/assert";
import { NetError } from "../../src/net/errors.ts";
import { type AddressRecord, allocateTurns, DEFAULT_DNS, type DnsSettings, Resolver } from "../../src/net/resolver.ts";

/** A resolver that knows one name, and notes what it is asked. */
class Names {
  readonly asked: string[] = [];
  readonly resolver: Resolver;

  constructor(settings: Partial<DnsSettings>, addresses: Partial<Record<AddressRecord, readonly string[]>>) {
    this.resolver = new Resolver({ ...DEFAULT_DNS, ...settings }, (hostname, record) => {
      this.asked.push(`${hostname} ${record}`);
      const found = addresses[record];
      return found === undefined ? Promise.reject(new Deno.errors.NotFound("none")) : Promise.resolve(found);
    });
  }

  async take(count: number): Promise<string[]> {
    const taken: string[] = [];
    for (let i = 0; i < count; i++) taken.push(await this.resolver.lookup("a.test", null));
    return taken;
  }
}

const BOTH = { A: ["1.1.1.1", "2.2.2.2"], AAAA: ["::1", "::2"] };

Deno.test("policy: which version's addresses are taken, and what happens without any", async () => {
  const of = async (policy: DnsSettings["policy"], addresses: typeof BOTH | { A?: string[]; AAAA?: string[] }) => {
    const taken = await new Names({ policy, select: "roundRobin" }, addresses).take(4);
    return [...new Set(taken)].join(" ");
  };
  assertEquals(await of("preferIPv4", BOTH), "1.1.1.1 2.2.2.2");
  assertEquals(await of("preferIPv6", BOTH), "::1 ::2");
  assertEquals(await of("onlyIPv4", BOTH), "1.1.1.1 2.2.2.2");
  assertEquals(await of("onlyIPv6", BOTH), "::1 ::2");
  assertEquals(await of("any", BOTH), "1.1.1.1 2.2.2.2 ::1 ::2");
  assertEquals(await of("preferIPv4", { AAAA: ["::1"] }), "::1");
  assertEquals(await of("preferIPv6", { A: ["1.1.1.1"] }), "1.1.1.1");
  assertEquals(await of("any", { A: ["1.1.1.1"] }), "1.1.1.1");
  await assertRejects(() => of("onlyIPv6", { A: ["1.1.1.1"] }), NetError, "lookup: no such host");
  await assertRejects(() => of("onlyIPv4", { AAAA: ["::1"] }), NetError, "lookup: no such host");
  await assertRejects(() => of("any", {}), NetError, "lookup: no such host");
});

Deno.test("select: the first address, each in turn, or any of them", async () => {
  assertEquals(await new Names({ select: "first" }, BOTH).take(3), ["1.1.1.1", "1.1.1.1", "1.1.1.1"]);
  assertEquals(await new Names({ select: "roundRobin" }, BOTH).take(3), ["1.1.1.1", "2.2.2.2", "1.1.1.1"]);
  assertEquals(await new Names({ select: "roundRobin", ttlMs: 0 }, BOTH).take(3), ["1.1.1.1", "2.2.2.2", "1.1.1.1"]);
  assertEquals(new Set(await new Names({ select: "random" }, BOTH).take(100)), new Set(["1.1.1.1", "2.2.2.2"]));
});

Deno.test("roundRobin: threads that share the counters take turns, in whatever order they got the addresses", async () => {
  const turns = allocateTurns();
  const [one, other] = [BOTH.A, BOTH.A.toReversed()].map((A) => new Names({ select: "roundRobin", turns }, { A }));
  const taken: string[] = [];
  for (let i = 0; i < 4; i++) taken.push(...await one!.take(1), ...await other!.take(1));
  assertEquals(taken, ["1.1.1.1", "2.2.2.2", "1.1.1.1", "2.2.2.2", "1.1.1.1", "2.2.2.2", "1.1.1.1", "2.2.2.2"]);
});

Deno.test("ttl: a name is looked up once, or each time with a ttl of 0; addresses never are", async () => {
  for (const [ttlMs, times] of [[Infinity, 1], [300_000, 1], [0, 3]] as const) {
    const names = new Names({ ttlMs }, BOTH);
    await names.take(3);
    assertEquals(names.asked, Array.from({ length: times }, () => "a.test A"));
  }
  const names = new Names({ policy: "onlyIPv6" }, {});
  assertEquals([await names.resolver.lookup("1.2.3.4", null), await names.resolver.lookup("::1", null)], [
    "1.2.3.4",
    "::1",
  ]);
  assertEquals(names.asked, []);
});

Deno.test("a look-up that fails is not remembered", async () => {
  const names = new Names({ ttlMs: Infinity, policy: "onlyIPv4" }, {});
  for (let i = 0; i < 2; i++) await assertRejects(() => names.resolver.lookup("a.test", null), NetError);
  assertEquals(names.asked.length, 2);
});

Deno.test("what only looks like an address is a name, as in Go", async () => {
  for (const name of ["127.1", "0x7f.1", "2130706433", "127.0.0.01", "256.1.1.1", "1.2.3.4.5"]) {
    const asked: string[] = [];
    const resolver = new Resolver(DEFAULT_DNS, (hostname) => {
      asked.push(hostname);
      return Promise.reject(new Deno.errors.NotFound("none"));
    });
    const error = await assertRejects(() => resolver.lookup(name, null), NetError);
    assertEquals([error.code, error.message, asked], [1101, "lookup: no such host", [name, name]]);
  }
});

Deno.test("a look-up that gets no answer is a time-out", async () => {
  const resolver = new Resolver(DEFAULT_DNS, () => Promise.reject(new Deno.errors.TimedOut("request timed out")));
  const error = await assertRejects(() => resolver.lookup("a.test", null), NetError);
  assertEquals([error.code, error.message], [1100, "lookup: i/o timeout"]);
});

Deno.test("while one name's answer is awaited, others are looked up, and each is asked for once", async () => {
  const asked: string[] = [];
  const slow = Promise.withResolvers<readonly string[]>();
  const resolver = new Resolver(DEFAULT_DNS, (hostname) => {
    asked.push(hostname);
    return hostname === "slow.test" ? slow.promise : Promise.resolve(["1.1.1.1"]);
  });
  const waiting = Array.from({ length: 1000 }, () => resolver.lookup("slow.test", null));
  assertEquals(await resolver.lookup("a.test", null), "1.1.1.1");
  slow.resolve(["2.2.2.2"]);
  assertEquals(new Set(await Promise.all(waiting)), new Set(["2.2.2.2"]));
  assertEquals(asked, ["slow.test", "a.test"]);
});

Deno.test("names with underscores, which the resolver refuses, are those of a connection, where one may be made", async () => {
  const probed: string[] = [];
  const none = () => Promise.reject(new Deno.errors.NotFound("none"));
  const resolver = new Resolver(DEFAULT_DNS, none, (hostname, port) => {
    probed.push(`${hostname}:${port}`);
    if (hostname === "un_known") return Promise.reject(new Error("failed to lookup address information: no name"));
    if (hostname === "de_ad") return Promise.reject(Object.assign(new Error("refused"), { code: "ECONNREFUSED" }));
    return Promise.resolve("10.0.0.1");
  });
  for (let i = 0; i < 2; i++) assertEquals(await resolver.lookup("my_service", 80), "10.0.0.1");
  const codeOf = async (name: string, port: number | null) =>
    (await assertRejects(() => resolver.lookup(name, port), NetError)).code;
  assertEquals(await codeOf("un_known", 80), 1101);
  assertEquals(await codeOf("de_ad", 80), 1212);
  assertEquals(await codeOf("other_service", null), 1101);
  assertEquals(await codeOf("_leading.test", 80), 1101);
  assertEquals(probed, ["my_service:80", "un_known:80", "de_ad:80"]);
});
