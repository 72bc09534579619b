/** Domains under which anybody can have names (`co.uk`, `github.io`): no cookie may be for all of one. */

import { PUBLIC_SUFFIX_LIST } from "./public_suffix_list.ts";

/** Domains whose answer is remembered: looking through the list takes some microseconds. */
const REMEMBERED = 1000;
const remembered = new Map<string, boolean>();

/** Whether a domain (in lower case, ASCII) is a public suffix by the list; a name that the list doesn't know is none. */
export function isPublicSuffix(domain: string): boolean {
  const known = remembered.get(domain);
  if (known !== undefined) return known;
  if (remembered.size >= REMEMBERED) remembered.clear();
  const found = findInList(domain);
  remembered.set(domain, found);
  return found;
}

function findInList(domain: string): boolean {
  const parent = domain.slice(domain.indexOf(".") + 1);
  if (PUBLIC_SUFFIX_LIST.includes(`,!${domain},`)) return false;
  return PUBLIC_SUFFIX_LIST.includes(`,${domain},`) || PUBLIC_SUFFIX_LIST.includes(`,*.${parent},`);
}
