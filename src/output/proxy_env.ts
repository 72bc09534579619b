/** The proxies that the environment names, as Go programs read them: HTTP_PROXY, HTTPS_PROXY and NO_PROXY, in either case. */

import { OutputError } from "./output.ts";

/** In node's terms (`proxyEnv` of its agents). */
export interface ProxyEnv {
  readonly HTTP_PROXY?: string;
  readonly HTTPS_PROXY?: string;
  readonly NO_PROXY: string;
}

/** Null when there is no proxy. Throws an `OutputError`, which shows no address because that may hold a password. */
export function readProxyEnv(env: Readonly<Record<string, string>>): ProxyEnv | null {
  const http = readProxy(env, "HTTP_PROXY");
  const https = readProxy(env, "HTTPS_PROXY");
  if (http === null && https === null) return null;
  return {
    ...http === null ? {} : { HTTP_PROXY: http },
    ...https === null ? {} : { HTTPS_PROXY: https },
    NO_PROXY: [...LOOPBACK, ...exceptions(read(env, "NO_PROXY"))].join(","),
  };
}

/** Never behind a proxy, in Go. */
const LOOPBACK = ["localhost", "127.0.0.0-127.255.255.255", "::1", "[::1]"];

function readProxy(env: Readonly<Record<string, string>>, name: string): string | null {
  const text = read(env, name);
  if (text === "") return null;
  const url = URL.parse(text.includes("://") ? text : `http://${text}`);
  if (url !== null && /^https?:$/.test(url.protocol)) return url.href;
  throw new OutputError(`${name} must be the address of an HTTP proxy, for example http://proxy:3128`);
}

function read(env: Readonly<Record<string, string>>, name: string): string {
  return env[name] || env[name.toLowerCase()] || "";
}

/** In Go a name is one for all names below it, too. */
function exceptions(list: string): string[] {
  const entries = list.split(",").map((entry) => entry.trim()).filter((entry) => entry !== "");
  return entries.flatMap((entry) => /^[a-z0-9][\w.-]*[a-z](:\d+)?$/i.test(entry) ? [entry, `.${entry}`] : [entry]);
}
