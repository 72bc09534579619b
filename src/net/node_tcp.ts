/** TCP connections of `node:net`, for what Deno's own can't do: a source address of one's choice, and what goes through tunnels of proxies. */

import { connect, type Socket as NodeSocket } from "node:net";
import { dialFailure, NetError } from "./errors.ts";
import { plainIp } from "./ip_address.ts";
import { withDeno } from "./with_deno.ts";

/**
 * Connects to an address, from `localIp` unless that is null. `signal` ends the attempt, and the connection later on.
 *
 * @throws {NetError} when that can't be done
 */
export async function connectNode(
  host: string,
  port: number,
  localIp: string | null,
  signal: AbortSignal,
): Promise<NodeSocket> {
  const socket = withDeno(() => connect({ host, port, ...localAddress(localIp) }));
  const cancel = () => socket.destroy(new Error("cancelled"));
  signal.addEventListener("abort", cancel);
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      // Stays: an error must never be without a listener.
      socket.on("error", reject);
    });
  } catch (error) {
    socket.destroy();
    throw new NetError(dialFailure(error));
  } finally {
    signal.removeEventListener("abort", cancel);
  }
  socket.setNoDelay();
  return socket;
}

/** For the options of a connection of Node's. */
export function localAddress(localIp: string | null): { readonly localAddress?: string } {
  return localIp === null ? {} : { localAddress: plainIp(localIp) };
}
