/** The header fields that both sides know from the start (RFC 7541, appendix A). Indexes count from 1. */

/** Names, values in turn: the field with index `i` is at `2 * (i - 1)`. */
export const STATIC_FIELDS: readonly string[] = [
  ...[":authority", "", ":method", "GET", ":method", "POST", ":path", "/", ":path", "/index.html"],
  ...[":scheme", "http", ":scheme", "https", ":status", "200", ":status", "204", ":status", "206"],
  ...[":status", "304", ":status", "400", ":status", "404", ":status", "500"],
  ...["accept-charset", "", "accept-encoding", "gzip, deflate"],
  ...(`accept-language accept-ranges accept access-control-allow-origin age allow authorization cache-control
    content-disposition content-encoding content-language content-length content-location content-range content-type
    cookie date etag expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since
    last-modified link location max-forwards proxy-authenticate proxy-authorization range referer refresh retry-after
    server set-cookie strict-transport-security transfer-encoding user-agent vary via www-authenticate`)
    .split(/\s+/).flatMap((name) => [name, ""]),
];

/** Number of the fields. */
export const STATIC_SIZE = STATIC_FIELDS.length / 2;

/** The first index of each name. */
export const STATIC_NAMES: ReadonlyMap<string, number> = new Map(
  Array.from({ length: STATIC_SIZE }, (_, i) => [STATIC_FIELDS[2 * i]!, i + 1] as const).reverse(),
);

/** The index of a field, 0 when there is none. */
export function staticIndexOf(name: string, value: string): number {
  const first = STATIC_NAMES.get(name) ?? 0;
  if (first === 0 || value === "") return 0;
  for (let index = first; STATIC_FIELDS[2 * (index - 1)] === name; index++) {
    if (STATIC_FIELDS[2 * index - 1] === value) return index;
  }
  return 0;
}
