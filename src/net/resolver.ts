/** Names to addresses: the system's resolver (with its hosts file) behind a cache, picked from as k6's `dns` option does by default. */

import { isIP } from "node:net";
import { lookupFailure, NetError } from "./errors.ts";

// Scripts find these gone from the global object.
const { performance } = globalThis;

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
    if (isIP(hostname) !== 0 || hostname.includes(":")) return hostname;
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

/** All addresses of the preferred family. */
async function lookupAll(hostname: string): Promise<readonly string[]> {
  // Loaded when needed: a run against an address starts faster without it.
  const { lookup } = await import("node:dns/promises");
  try {
    const found = await lookup(hostname, { all: true });
    const preferred = found.some(({ family }) => family === 4) ? 4 : 6;
    return found.filter(({ family }) => family === preferred).map(({ address }) => address);
  } catch (error) {
    throw new NetError(lookupFailure(error));
  }
}
