/** Which connections are allowed, and where they go in place of what DNS says: `hosts`, `blockHostnames`, `blacklistIPs`. */

import { BlockList } from "node:net";
import { FAILURES, NetError } from "./errors.ts";

/** The rules as options give them, checked before. */
export interface AddressRuleSettings {
  /** A name, `name:port` or `*.name` to an address, which may have a port (`[::1]:80`). */
  readonly hosts: Readonly<Record<string, string>>;
  /** Names; a `*` may stand at the beginning. */
  readonly blockedNames: readonly string[];
  /** Addresses and networks (`10.0.0.0/8`). */
  readonly blockedNetworks: readonly string[];
}

/** An address to connect to; `port` is null where that of the URL holds. */
export interface FixedAddress {
  readonly ip: string;
  readonly port: number | null;
}

/** The rules, ready to be asked. */
export class AddressRules {
  readonly #exact = new Map<string, FixedAddress>();
  /** What names end with to addresses, the longest first. */
  readonly #endings: readonly (readonly [ending: string, address: FixedAddress])[];
  readonly #blockedNames: readonly string[];
  readonly #blockedNetworks: BlockList | null;

  constructor({ hosts, blockedNames, blockedNetworks }: AddressRuleSettings) {
    const endings: [string, FixedAddress][] = [];
    for (const [host, address] of Object.entries(hosts)) {
      const name = host.toLowerCase();
      if (name.startsWith("*")) endings.push([name.slice(1), parseAddress(address)]);
      else this.#exact.set(name, parseAddress(address));
    }
    this.#endings = endings.sort(([a], [b]) => b.length - a.length);
    this.#blockedNames = blockedNames.map((name) => name.toLowerCase());
    this.#blockedNetworks = blockedNetworks.length === 0 ? null : blockListOf(blockedNetworks);
  }

  /**
   * The address that `hosts` gives for a name, null when it gives none. `name:port` wins over the name, and both over
   * wildcards, of which the longest wins.
   *
   * @throws {NetError} when the name is blocked
   */
  fixedAddress(hostname: string, port: number): FixedAddress | null {
    this.checkName(hostname);
    const name = hostname.toLowerCase();
    const withPort = `${name}:${port}`;
    const exact = this.#exact.get(withPort) ?? this.#exact.get(name);
    if (exact !== undefined) return exact;
    return this.#endings.find(([ending]) => withPort.endsWith(ending) || name.endsWith(ending))?.[1] ?? null;
  }

  /**
   * Lets a name pass, and all addresses.
   *
   * @throws {NetError} when it is blocked
   */
  checkName(hostname: string): void {
    const name = hostname.toLowerCase();
    if (!isAddress(name) && this.#blockedNames.some((pattern) => matches(pattern, name))) {
      throw new NetError(FAILURES.blockedHostname);
    }
  }

  /**
   * Lets an address pass.
   *
   * @throws {NetError} when it belongs to a blocked network
   */
  check(ip: string): void {
    if (this.#blockedNetworks?.check(ip, familyOf(ip))) throw new NetError(FAILURES.blockedIp);
  }
}

function matches(pattern: string, name: string): boolean {
  return pattern.startsWith("*") ? name.endsWith(pattern.slice(1)) : name === pattern;
}

function blockListOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address, bits] = network.split("/") as [string, string?];
    if (bits === undefined) list.addAddress(address, familyOf(address));
    else list.addSubnet(address, Number(bits), familyOf(address));
  }
  return list;
}

function parseAddress(text: string): FixedAddress {
  const [, four, six, port] = /^(?:([\d.]+)|\[([^\]]+)\]):(\d+)$/.exec(text) ?? [];
  const ip = four ?? six;
  return ip === undefined ? { ip: text, port: null } : { ip, port: Number(port) };
}

function isAddress(name: string): boolean {
  return name.includes(":") || /^\d{1,3}(\.\d{1,3}){3}$/.test(name);
}

function familyOf(ip: string): "ipv4" | "ipv6" {
  return ip.includes(":") ? "ipv6" : "ipv4";
}
