/** IP addresses as numbers. */

import { isIP } from "node:net";

/** The version of an address; texts that are none are a mistake of the caller. */
export function ipFamily(text: string): 4 | 6 {
  return text.includes(":") ? 6 : 4;
}

/** Whether a text is an address of either version; IPv6 without brackets. */
export function isIpAddress(text: string): boolean {
  return isIP(text) !== 0;
}

/** Whether a text is a network of either version: `10.0.0.0/8`. */
export function isNetwork(text: string): boolean {
  const [, address = "", bits = ""] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  return isIpAddress(address) && !address.includes("%") && Number(bits) <= widthOf(ipFamily(address));
}

/**
 * The address that packets are sent to: one of IPv4 that is written as one of IPv6 (`::ffff:10.0.0.1`) becomes what it
 * is, and a zone (`%eth0`) is left out.
 */
export function plainIp(text: string): string {
  if (ipFamily(text) === 4) return text;
  const address = text.replace(/%.*$/, "");
  // Nearly all others don't begin like that.
  if (!/^[0:]*ffff:/i.test(address)) return address;
  const number = parseIp(address);
  return number >> 32n === 0xffffn ? formatIp(4, number & 0xffff_ffffn) : address;
}

/** The same for a network. */
export function plainNetwork(text: string): string {
  const [address = "", bits] = text.split("/");
  const plain = plainIp(address);
  if (bits === undefined) return plain;
  const mapped = Number(bits) - MAPPED_BITS;
  if (ipFamily(address) === ipFamily(plain)) return `${plain}/${bits}`;
  return mapped < 0 ? text : `${plain}/${mapped}`;
}

/** Whether two texts are the same address. */
export function isSameIp(a: string, b: string): boolean {
  const [one, other] = [plainIp(a), plainIp(b)];
  return ipFamily(one) === ipFamily(other) && parseIp(one) === parseIp(other);
}

/** The number of an address. */
export function parseIp(text: string): bigint {
  if (ipFamily(text) === 4) return joinParts(text.split(".").map(Number), 8n);
  // The last two parts of IPv6 may be written as an IPv4 address.
  const [, start, dotted] = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text.replace(/%.*$/, "")) ?? [];
  const plain = dotted === undefined ? text.replace(/%.*$/, "") : `${start}${hexParts(parseIp(dotted))}`;
  const [head = "", tail] = plain.split("::");
  const before = readParts(head);
  const after = tail === undefined ? [] : readParts(tail);
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => 0);
  return joinParts([...before, ...zeros, ...after], 16n);
}

/** An address of a number, IPv6 in the short form of RFC 5952. */
export function formatIp(family: 4 | 6, address: bigint): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (address >> shift) & 255n).join(".");
  const parts = Array.from({ length: 8 }, (_, index) => ((address >> BigInt(16 * (7 - index))) & 0xffffn).toString(16));
  return shorten(parts);
}

/** The number of the last address of a network that an address belongs to. */
export function lastOfNetwork(address: string, bits: number): bigint {
  const host = (1n << BigInt(widthOf(ipFamily(address)) - bits)) - 1n;
  return parseIp(address) | host;
}

/** Whether an address belongs to a network (`10.0.0.0/8`); never to one of the other version. */
export function isInNetwork(address: string, network: string): boolean {
  const ip = plainIp(address);
  const [base = "", bits] = plainNetwork(network).split("/");
  if (ipFamily(ip) !== ipFamily(base)) return false;
  return lastOfNetwork(ip, Number(bits)) === lastOfNetwork(base, Number(bits));
}

/** The bits of IPv6 before an IPv4 address that is written as one. */
const MAPPED_BITS = 96;

function widthOf(family: 4 | 6): number {
  return family === 4 ? 32 : 128;
}

function hexParts(address: bigint): string {
  return `${(address >> 16n).toString(16)}:${(address & 0xffffn).toString(16)}`;
}

function readParts(text: string): number[] {
  return text === "" ? [] : text.split(":").map((part) => parseInt(part, 16));
}

function joinParts(parts: readonly number[], bits: bigint): bigint {
  return parts.reduce((sum, part) => (sum << bits) | BigInt(part), 0n);
}

/** The longest run of zeros, the first one of several, becomes `::` unless it is a single one. */
function shorten(parts: readonly string[]): string {
  let best = { at: 0, length: 1 };
  for (let at = 0; at < parts.length; at++) {
    let end = at;
    while (parts[end] === "0") end++;
    if (end - at > best.length) best = { at, length: end - at };
  }
  if (best.length === 1) return parts.join(":");
  return `${parts.slice(0, best.at).join(":")}::${parts.slice(best.at + best.length).join(":")}`;
}
