/** The listener of the REST API. */

import { answer } from "./api.ts";
import type { ControlledRun } from "./controlled_run.ts";

/** An address that can't be listened on; the message is for the user. */
export class ListenError extends Error {
  override name = "ListenError";
}

/** Where to listen; port 0 is any free one. */
export interface ListenAddress {
  readonly hostname: string;
  readonly port: number;
}

/** Reads `host:port`, `[::1]:port` or `:port`, which is on this machine only. Throws a `ListenError`. */
export function parseAddress(text: string): ListenAddress {
  const [, ipv6, host, port] = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(text) ?? [];
  if (port === undefined || Number(port) > 65_535) {
    throw new ListenError(`"${text}" is no address to listen on: use host:port, for example localhost:6565`);
  }
  return { hostname: ipv6 ?? (host || "localhost"), port: Number(port) };
}

/** A REST API that is up; disposing of it closes it and its connections. */
export interface ControlServer extends AsyncDisposable {
  /** For example `http://127.0.0.1:6565`. */
  readonly url: string;
}

/** Starts the REST API of a run. Throws a `ListenError` when the address is wrong or taken. */
export function startControlServer(address: string, run: ControlledRun): ControlServer {
  const listen = parseAddress(address);
  const abort = new AbortController();
  try {
    const server = Deno.serve(
      { ...listen, signal: abort.signal, onListen() {} },
      (request) => answer(request, run),
    );
    const { hostname, port } = server.addr;
    return {
      url: `http://${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`,
      async [Symbol.asyncDispose]() {
        abort.abort();
        await server.finished;
      },
    };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new ListenError(`the REST API can't listen on ${address}: ${error.message}`);
  }
}
