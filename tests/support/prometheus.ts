/** A real Prometheus with the remote-write receiver on, for tests. */

import { ChildServer } from "./child_server.ts";
import { freePort } from "./free_port.ts";
import { MetricsServer } from "./metrics_server.ts";

/** Starts Prometheus on a free loopback port, ready for remote write unless told otherwise; dispose of the server to end it. */
export async function startPrometheus(path: string, { receiver = true } = {}): Promise<MetricsServer> {
  const base = `http://127.0.0.1:${freePort()}`;
  const server = await ChildServer.start(path, (folder) => {
    Deno.writeTextFileSync(`${folder}/prometheus.yml`, "global: {}\n");
    return [
      `--config.file=${folder}/prometheus.yml`,
      `--storage.tsdb.path=${folder}/data`,
      `--web.listen-address=${new URL(base).host}`,
      ...receiver ? ["--web.enable-remote-write-receiver"] : [],
      "--log.level=warn",
    ];
  }, `${base}/-/ready`);
  return new MetricsServer(base, server, () => Promise.resolve());
}
