/** Names to addresses: Deno's resolver (with the hosts file) behind a cache, picked from as k6's option `dns` says. */

import { dialFailure, FAILURES, lookupFailure, NetError } from "./errors.ts";
import { isIpAddress } from "./ip_address.ts";

// Scripts find these gone from the global object.
const { Deno, performance } = globalThis;

/** Which of a name's addresses count; the `prefer…` ones take the other family where the name has none of theirs. */
export type DnsPolicy = "preferIPv4" | "preferIPv6" | "onlyIPv4" | "onlyIPv6" | "any";

/** How names are looked up. */
export interface DnsSettings {
  /** How long an answer holds, whatever its records say; 0: each connection asks anew; Infinity: for the whole test. */
  readonly ttlMs: number;
  /** Which of several addresses is taken. */
  readonly select: "first" | "random" | "roundRobin";
  readonly policy: DnsPolicy;
  /** For `roundRobin` of all threads together, see `allocateTurns`; absent: the thread's own. */
  readonly turns?: SharedArrayBuffer;
}

/** Memory in which threads count how many addresses of each name they have given out together. */
export function allocateTurns(): SharedArrayBuffer {
  return new SharedArrayBuffer(4 * COUNTED_NAMES);
}

const REMEMBERED_NAMES = 10_000;

/** Names share a counter when there are more, or by chance: they take turns then. */
const COUNTED_NAMES = 4096;

/** k6's defaults. */
export const DEFAULT_DNS: DnsSettings = { ttlMs: 5 * 60_000, select: "random", policy: "preferIPv4" };

/** A kind of record: addresses of version 4 or 6. */
export type AddressRecord = "A" | "AAAA";

/** Asks for a name's records; fails with `Deno.errors.NotFound` where there are none. */
export type DnsQuery = (hostname: string, record: AddressRecord) => Promise<readonly string[]>;

/** Finds the address of a name by making a connection to it, which is closed at once; fails as `Deno.connect` does. */
export type ProbeConnection = (hostname: string, port: number) => Promise<string>;

/** A name that was looked up. */
interface CacheEntry {
  readonly addresses: Promise<readonly string[]>;
  readonly expiresAt: number;
  /** For `roundRobin`: which counter is the name's. */
  readonly counter: number;
}

/** The names that one worker has looked up. */
export class Resolver {
  readonly #settings: DnsSettings;
  readonly #query: DnsQuery;
  readonly #probe: ProbeConnection;
  readonly #turns: Uint32Array;
  readonly #cache = new Map<string, CacheEntry>();

  /** `query` is Deno's resolver, and `probe` asks the system's, unless a test has others. */
  constructor(
    settings: DnsSettings = DEFAULT_DNS,
    query: DnsQuery = queryDeno,
    probe: ProbeConnection = probeDeno,
  ) {
    this.#settings = settings;
    this.#query = query;
    this.#probe = probe;
    this.#turns = new Uint32Array(settings.turns ?? allocateTurns());
  }

  /**
   * An address of a host: itself when it is one, else one of its addresses. `probePort` is that of the server, where a
   * connection may be made to find out; null: none may.
   *
   * @throws {NetError} when the name can't be resolved; failures are not cached
   */
  async lookup(hostname: string, probePort: number | null): Promise<string> {
    // What only looks like one (`127.1`, `0x7f.1`, `010.0.0.1`) is a name, as in Go.
    if (isIpAddress(hostname)) return hostname;
    const now = performance.now();
    let entry = this.#cache.get(hostname);
    if (entry === undefined || entry.expiresAt <= now) {
      const { ttlMs, policy, select } = this.#settings;
      const found = probePort !== null && REFUSED.test(hostname)
        ? lookupByProbe(hostname, probePort, this.#probe)
        : lookupAll(hostname, policy, this.#query);
      // Servers answer each thread in another order.
      const addresses = select === "roundRobin" ? found.then((unordered) => unordered.toSorted()) : found;
      entry = { addresses, expiresAt: now + ttlMs, counter: entry?.counter ?? counterOf(hostname) };
      // A script may make up names without end.
      if (this.#cache.size >= REMEMBERED_NAMES) this.#cache.clear();
      this.#cache.set(hostname, entry);
    }
    try {
      return this.#select(entry, await entry.addresses);
    } catch (error) {
      if (this.#cache.get(hostname) === entry) this.#cache.delete(hostname);
      throw error;
    }
  }

  #select(entry: CacheEntry, addresses: readonly string[]): string {
    switch (this.#settings.select) {
      case "first":
        return addresses[0]!;
      case "roundRobin":
        return addresses[Atomics.add(this.#turns, entry.counter, 1) % addresses.length]!;
      case "random":
        return addresses[Math.floor(Math.random() * addresses.length)]!;
    }
  }
}

/** Spreads names over the counters (FNV-1a). */
function counterOf(hostname: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < hostname.length; i++) hash = Math.imul(hash ^ hostname.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % COUNTED_NAMES;
}

/**
 * Deno's resolver refuses names with underscores in them, as containers often have. The system's knows them, but nothing
 * else than a connection tells what it found.
 */
const REFUSED = /[^.]_/;

async function lookupByProbe(hostname: string, port: number, probe: ProbeConnection): Promise<readonly string[]> {
  try {
    return [await probe(hostname, port)];
  } catch (error) {
    const isUnknown = error instanceof Error && error.message.includes("failed to lookup address");
    throw new NetError(isUnknown ? FAILURES.noSuchHost : dialFailure(error));
  }
}

async function probeDeno(hostname: string, port: number): Promise<string> {
  using connection = await Deno.connect({ hostname, port });
  return connection.remoteAddr.hostname;
}

/** All addresses of a name that count, at least one. */
async function lookupAll(hostname: string, policy: DnsPolicy, query: DnsQuery): Promise<readonly string[]> {
  const records = RECORDS[policy];
  if (policy === "any") {
    const both = await Promise.all(records.map((record) => find(hostname, record, query)));
    return someOf(both.flat());
  }
  for (const record of records) {
    const addresses = await find(hostname, record, query);
    if (addresses.length > 0) return addresses;
  }
  return someOf([]);
}

/** In the order in which they are asked for. */
const RECORDS: Readonly<Record<DnsPolicy, readonly AddressRecord[]>> = {
  preferIPv4: ["A", "AAAA"],
  preferIPv6: ["AAAA", "A"],
  onlyIPv4: ["A"],
  onlyIPv6: ["AAAA"],
  any: ["A", "AAAA"],
};

async function find(hostname: string, record: AddressRecord, query: DnsQuery): Promise<readonly string[]> {
  try {
    return await query(hostname, record);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw new NetError(lookupFailure(error));
  }
}

function someOf(addresses: readonly string[]): readonly string[] {
  if (addresses.length === 0) throw new NetError(FAILURES.noSuchHost);
  return addresses;
}

/** `node:dns` would need globals that scripts must not see. */
function queryDeno(hostname: string, record: AddressRecord): Promise<readonly string[]> {
  return Deno.resolveDns(hostname, record);
}
