/** A real VictoriaMetrics, for tests. */

import { ChildServer, type Fetcher } from "./child_server.ts";
import { freePort } from "./free_port.ts";
import { MetricsServer } from "./metrics_server.ts";

/** Who may use a VictoriaMetrics that asks for a password. */
export interface User {
  readonly username: string;
  readonly password: string;
}

/** Starts VictoriaMetrics on a free loopback port. `path` is its executable; dispose of the server to end it. */
export async function startVictoriaMetrics(path: string, user?: User): Promise<MetricsServer> {
  const fetcher: Fetcher = (url) => fetch(url, user === undefined ? {} : { headers: basicAuthorization(user) });
  const base = `http://127.0.0.1:${freePort()}`;
  const server = await ChildServer.start(
    path,
    (folder) => [
      `-storageDataPath=${folder}/data`,
      `-httpListenAddr=${new URL(base).host}`,
      "-search.latencyOffset=0s",
      "-loggerLevel=WARN",
      ...user === undefined ? [] : [`-httpAuth.username=${user.username}`, `-httpAuth.password=${user.password}`],
    ],
    `${base}/health`,
    fetcher,
  );
  // New samples are hidden until they are flushed.
  return new MetricsServer(base, server, async () => {
    const response = await fetcher(`${base}/internal/force_flush`);
    await response.body?.cancel();
  }, fetcher);
}

/** The header of basic authentication. */
export function basicAuthorization({ username, password }: User): { authorization: string } {
  return { authorization: `Basic ${btoa(`${username}:${password}`)}` };
}
