/** The parts of a URL in a page, absolute or relative, as links hand them out. Nothing is resolved or normalized. */

/** Empty where the URL has no such part; the scheme is without its colon, as in k6. */
export interface UrlParts {
  readonly protocol: string;
  readonly username: string;
  readonly password: string;
  readonly host: string;
  readonly hostname: string;
  readonly port: string;
  readonly origin: string;
  readonly pathname: string;
  /** With its `?`. */
  readonly search: string;
  /** With its `#`. */
  readonly hash: string;
}

/** RFC 3986, appendix B. */
const URL_PARTS = /^(?:([a-z][a-z0-9+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(\?[^#]*)?(#.*)?$/is;
const AUTHORITY = /^(?:([^@:]*)(?::([^@]*))?@)?((\[[^\]]*\]|[^:]*)(?::(\d*))?)$/;

/** Cuts a URL into its parts. */
export function splitUrl(url: string): UrlParts {
  const [, protocol = "", authority = "", pathname = "", search = "", hash = ""] = URL_PARTS.exec(url.trim()) ?? [];
  const [, username = "", password = "", host = "", hostname = "", port = ""] = AUTHORITY.exec(authority) ?? [];
  const origin = host === "" ? "" : `${protocol.toLowerCase()}://${host}`;
  return { protocol: protocol.toLowerCase(), username, password, host, hostname, port, origin, pathname, search, hash };
}
