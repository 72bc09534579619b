/** Which connections are allowed, and where they go in place of what DNS says: `hosts`, `blockHostnames`, `blacklistIPs`. */

import { BlockList } from "node:net";
import { FAILURES, NetError } from "./errors.ts";
import { ipFamily, isIpAddress, plainIp, plainNetwork } from "./ip_address.ts";
import { asciiHostname } from "./url.ts";

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
      const name = ruleName(host);
      if (name.startsWith("*")) endings.push([name.slice(1), parseAddress(address)]);
      else this.#exact.set(name, parseAddress(address));
    }
    this.#endings = endings.sort(([a], [b]) => b.length - a.length);
    this.#blockedNames = blockedNames.map(asciiHostname);
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
    const name = withoutRoot(hostname);
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
    const name = withoutRoot(hostname);
    if (!isIpAddress(name) && this.#blockedNames.some((pattern) => matches(pattern, name))) {
      throw new NetError(FAILURES.blockedHostname);
    }
  }

  /** Whether there are addresses that `check` doesn't let pass. */
  get blocksAddresses(): boolean {
    return this.#blockedNetworks !== null;
  }

  /**
   * Lets an address pass.
   *
   * @throws {NetError} when it belongs to a blocked network
   */
  check(ip: string): void {
    if (this.#blockedNetworks === null) return;
    const plain = plainIp(ip);
    if (this.#blockedNetworks.check(plain, familyOf(plain))) throw new NetError(FAILURES.blockedIp);
  }
}

/** A name in lower case, without the dot that may end it: `a.test.` is `a.test`. */
function withoutRoot(hostname: string): string {
  return hostname.toLowerCase().replace(/\.$/, "");
}

/** A key of `hosts`, without its port in the form that names have in URLs. */
function ruleName(host: string): string {
  const [, name = "", port = ""] = /^(.*?)(:\d+)?$/s.exec(host) ?? [];
  return asciiHostname(name) + port;
}

function matches(pattern: string, name: string): boolean {
  return pattern.startsWith("*") ? name.endsWith(pattern.slice(1)) : name === pattern;
}

function blockListOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address, bits] = plainNetwork(network).split("/") as [string, string?];
    if (bits === undefined) list.addAddress(address, familyOf(address));
    else list.addSubnet(address, Number(bits), familyOf(address));
  }
  return list;
}

function parseAddress(text: string): FixedAddress {
  const [, four, six, port] = /^(?:([\d.]+)|\[([^\]]+)\])(?::(\d+))?$/.exec(text) ?? [];
  return { ip: four ?? six ?? text, port: port === undefined ? null : Number(port) };
}

function familyOf(ip: string): "ipv4" | "ipv6" {
  return ipFamily(ip) === 4 ? "ipv4" : "ipv6";
}
