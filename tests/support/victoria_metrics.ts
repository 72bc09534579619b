/** A real VictoriaMetrics, for tests. */

import { ChildServer } from "./child_server.ts";
import { freePort } from "./free_port.ts";
import { MetricsServer } from "./metrics_server.ts";

/** Starts VictoriaMetrics on a free loopback port. `path` is its executable; dispose of the server to end it. */
export async function startVictoriaMetrics(path: string): Promise<MetricsServer> {
  const base = `http://127.0.0.1:${freePort()}`;
  const server = await ChildServer.start(path, (folder) => [
    `-storageDataPath=${folder}/data`,
    `-httpListenAddr=${new URL(base).host}`,
    "-search.latencyOffset=0s",
    "-loggerLevel=WARN",
  ], `${base}/health`);
  // New samples are hidden until they are flushed.
  return new MetricsServer(base, server, async () => {
    const response = await fetch(`${base}/internal/force_flush`);
    await response.body?.cancel();
  });
}
