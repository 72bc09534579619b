/** The source addresses that virtual users' connections come from: k6's `--local-ips`. */

import { formatIp, ipFamily, lastOfNetwork, parseIp } from "./ip_address.ts";

/** Consecutive addresses. */
interface Block {
  readonly family: 4 | 6;
  readonly first: bigint;
  readonly count: bigint;
}

/** A list of addresses, ranges (`10.0.0.1-10.0.0.9`) and networks (`10.0.0.0/24`), given out in turn. */
export class LocalAddresses {
  readonly #blocks: readonly Block[];
  readonly #count: bigint;

  /** `list` is separated by commas, and checked before. Networks of IPv4 lose their first and last address if they have more than two. */
  constructor(list: string) {
    this.#blocks = list.split(",").map(parseBlock);
    this.#count = this.#blocks.reduce((sum, { count }) => sum + count, 0n);
  }

  /** The address of a virtual user: the first one's (`vu` 1) is the list's first, and after the last it starts again. */
  of(vu: number): string {
    // `setup` and `teardown` run as number 0.
    let place = BigInt(Math.max(0, vu - 1)) % this.#count;
    for (const { family, first, count } of this.#blocks) {
      if (place < count) return formatIp(family, first + place);
      place -= count;
    }
    throw new RangeError(`no local address has the place ${place}`);
  }
}

function parseBlock(item: string): Block {
  const text = item.trim();
  const [network, bits] = text.split("/") as [string, string?];
  if (bits !== undefined) return networkBlock(network, Number(bits));
  const [from, to = from] = text.split("-") as [string, string?];
  const family = ipFamily(from);
  const first = parseIp(from);
  return { family, first, count: parseIp(to) - first + 1n };
}

function networkBlock(address: string, bits: number): Block {
  const family = ipFamily(address);
  const last = lastOfNetwork(address, bits);
  const size = 1n << BigInt((family === 4 ? 32 : 128) - bits);
  const first = last - size + 1n;
  return family === 4 && bits < 31 ? { family, first: first + 1n, count: size - 2n } : { family, first, count: size };
}
