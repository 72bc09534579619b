/** Names to addresses: Deno's resolver (with the hosts file) behind a cache, picked from as k6's `dns` option does by default. */

import { lookupFailure, NetError } from "./errors.ts";

// Scripts find these gone from the global object.
const { Deno, performance } = globalThis;

/** k6's default `dns.ttl`. */
const TTL_MS = 5 * 60_000;

interface CacheEntry {
  readonly addresses: Promise<readonly string[]>;
  readonly expiresAt: number;
}

/** The names that one worker has looked up. */
export class Resolver {
  readonly #cache = new Map<string, CacheEntry>();

  /**
   * An address of a host: itself when it is one, else a random one of its addresses, IPv4 before IPv6.
   *
   * @throws {NetError} when the name can't be resolved; failures are not cached
   */
  async lookup(hostname: string): Promise<string> {
    if (IPV4.test(hostname) || hostname.includes(":")) return hostname;
    const now = performance.now();
    let entry = this.#cache.get(hostname);
    if (entry === undefined || entry.expiresAt <= now) {
      entry = { addresses: lookupAll(hostname), expiresAt: now + TTL_MS };
      this.#cache.set(hostname, entry);
    }
    try {
      const addresses = await entry.addresses;
      return addresses[Math.floor(Math.random() * addresses.length)]!;
    } catch (error) {
      if (this.#cache.get(hostname) === entry) this.#cache.delete(hostname);
      throw error;
    }
  }
}

const IPV4 = /^\d{1,3}(\.\d{1,3}){3}$/;

/** All addresses of the preferred family: IPv4, or IPv6 where there are none. `node:dns` would need globals that scripts must not see. */
async function lookupAll(hostname: string): Promise<readonly string[]> {
  try {
    return await Deno.resolveDns(hostname, "A");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw new NetError(lookupFailure(error));
  }
  try {
    return await Deno.resolveDns(hostname, "AAAA");
  } catch (error) {
    throw new NetError(lookupFailure(error));
  }
}
