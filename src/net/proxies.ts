/** Which requests go through which proxy: HTTP_PROXY, HTTPS_PROXY and NO_PROXY, in either case, by the rules of Go programs. */

import { encodeBase64 } from "@std/encoding/base64";
import { genericFailure, NetError } from "./errors.ts";
import { isInNetwork, isIpAddress, isNetwork, isSameIp } from "./ip_address.ts";
import type { HttpUrl } from "./types.ts";
import { asciiHostname, parseHttpUrl } from "./url.ts";

/** The variables as they are set; empty: not. They may hold passwords. */
export interface ProxySettings {
  /** The proxy for `http` URLs. */
  readonly http: string;
  /** The proxy for `https` URLs. */
  readonly https: string;
  /** Hosts that are called without a proxy, separated by commas. */
  readonly exceptions: string;
}

/** A proxy that passes plain requests on, and opens tunnels for others. */
export interface HttpProxy {
  readonly kind: "http";
  /** Whether it is spoken to over TLS. */
  readonly secure: boolean;
  readonly hostname: string;
  readonly port: number;
  /** The header line `Proxy-Authorization` with its end; empty without a user. */
  readonly authorization: string;
}

/** A proxy that opens tunnels only, and looks up the servers' names itself. */
export interface SocksProxy {
  readonly kind: "socks5";
  readonly secure: false;
  readonly hostname: string;
  readonly port: number;
  /** Both empty: it is asked to let everybody in. */
  readonly username: string;
  readonly password: string;
}

/** What stands between k6d and a server. */
export type Proxy = HttpProxy | SocksProxy;

/** What the environment says of proxies; undefined when it names none. */
export function readProxySettings(env: Readonly<Record<string, string>>): ProxySettings | undefined {
  const read = (name: string): string => env[name] || env[name.toLowerCase()] || "";
  const [http, https] = [read("HTTP_PROXY"), read("HTTPS_PROXY")];
  return http === "" && https === "" ? undefined : { http, https, exceptions: read("NO_PROXY") };
}

/** The settings, ready to be asked. */
export class Proxies {
  readonly #http: Proxy | NetError | null;
  readonly #https: Proxy | NetError | null;
  readonly #exceptions: readonly Exception[];

  constructor({ http, https, exceptions }: ProxySettings) {
    this.#http = parseProxy("HTTP_PROXY", http);
    this.#https = parseProxy("HTTPS_PROXY", https);
    this.#exceptions = exceptions.split(",").map((entry) => entry.trim().toLowerCase()).filter((entry) => entry !== "")
      .map(parseException);
  }

  /**
   * The proxy for a URL, null when it is called directly, as this machine always is.
   *
   * @throws {NetError} when the variable names no proxy that could be used
   */
  of({ secure, hostname, port }: Pick<HttpUrl, "secure" | "hostname" | "port">): Proxy | null {
    const proxy = secure ? this.#https : this.#http;
    if (proxy === null || isThisMachine(hostname)) return null;
    if (this.#exceptions.some((excepts) => excepts(hostname, port))) return null;
    if (proxy instanceof NetError) throw proxy;
    return proxy;
  }
}

/** Null where the variable is not set. What can't be used fails the requests that would need it. */
function parseProxy(name: string, text: string): Proxy | NetError | null {
  if (text === "") return null;
  const [, scheme = "http", rest = ""] = /^(?:(\w+):\/\/)?(.*)$/s.exec(text.trim()) ?? [];
  try {
    switch (scheme.toLowerCase()) {
      case "http":
      case "https": {
        const { secure, hostname, port, username, password } = parseHttpUrl(`${scheme}://${rest}`);
        return { kind: "http", secure, hostname, port, authorization: authorizationOf(username, password) };
      }
      // For Go, too, they are the same.
      case "socks5":
      case "socks5h":
        return parseSocksProxy(rest);
    }
  } catch (error) {
    if (!(error instanceof NetError)) throw error;
  }
  // Without what was given: it may hold a password.
  return new NetError(
    genericFailure(
      `proxy: ${name} must be an address such as http://proxy:3128, https://proxy:443 or socks5://proxy:1080`,
    ),
  );
}

function parseSocksProxy(rest: string): SocksProxy {
  const { hostname, port, username, password } = parseHttpUrl(`http://${rest}`);
  const hasPort = /:\d+$/.test(rest.replace(/[/?#].*$/s, ""));
  const user = { username, password };
  return { kind: "socks5", secure: false, hostname, port: hasPort ? port : SOCKS_PORT, ...user };
}

const SOCKS_PORT = 1080;

function authorizationOf(username: string, password: string): string {
  if (username === "" && password === "") return "";
  return `Proxy-Authorization: Basic ${encodeBase64(`${username}:${password}`)}\r\n`;
}

/** Whether an entry of NO_PROXY is about a server. */
type Exception = (hostname: string, port: number) => boolean;

function parseException(entry: string): Exception {
  if (entry === "*") return () => true;
  if (isNetwork(entry)) return (hostname) => isIpAddress(hostname) && isInNetwork(hostname, entry);
  const { host, port: onlyPort } = splitPort(entry);
  const isPort = (port: number): boolean => onlyPort === null || port === onlyPort;
  if (isIpAddress(host)) {
    return (hostname, port) => isIpAddress(hostname) && isSameIp(hostname, host) && isPort(port);
  }
  const name = asciiHostname(host.startsWith("*.") ? host.slice(1) : host);
  const ending = name.startsWith(".") ? name : `.${name}`;
  return (hostname, port) => (hostname.endsWith(ending) || hostname === name) && name !== "" && isPort(port);
}

/** `host`, `host:port` or `[IPv6]:port`. */
function splitPort(entry: string): { readonly host: string; readonly port: number | null } {
  const [, six, other, port] = /^(?:\[(.*)\]|([^:]*))(?::(\d+))?$/.exec(entry) ?? [];
  return { host: six ?? other ?? entry, port: port === undefined ? null : Number(port) };
}

function isThisMachine(hostname: string): boolean {
  if (hostname === "localhost") return true;
  return isIpAddress(hostname) && (isInNetwork(hostname, "127.0.0.0/8") || isInNetwork(hostname, "::1/128"));
}
