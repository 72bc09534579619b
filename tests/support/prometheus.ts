/** A real Prometheus with the remote-write receiver on, for tests. */

import { ChildServer, type Fetcher } from "./child_server.ts";
import { freePort } from "./free_port.ts";
import { MetricsServer } from "./metrics_server.ts";

/** How a Prometheus differs from the plain one. */
export interface PrometheusSettings {
  /** Whether it takes remote writes. Default true. */
  readonly receiver?: boolean;
  /** Whether it stores native histograms; without, it answers them with 500. Default false. */
  readonly nativeHistograms?: boolean;
  /** Whether it stores exemplars; without, it passes over them. Default false. */
  readonly exemplars?: boolean;
  /** The text of `prometheus.yml`; paths in it are relative to the server's folder. */
  readonly config?: string;
  /** More files for the server's folder, such as rules: text by path. */
  readonly files?: Readonly<Record<string, string>>;
  /** The text of the web configuration (TLS, users); it is reached over https then. */
  readonly web?: string;
  /** How the test itself gets in; `fetch` by default. */
  readonly fetcher?: Fetcher;
}

/** Starts Prometheus on a free loopback port, ready for remote write unless told otherwise; dispose of the server to end it. */
export async function startPrometheus(
  path: string,
  {
    receiver = true,
    nativeHistograms = false,
    exemplars = false,
    config = "global: {}\n",
    files = {},
    web,
    fetcher = fetch,
  }: PrometheusSettings = {},
): Promise<MetricsServer> {
  const base = `${web === undefined ? "http" : "https"}://127.0.0.1:${freePort()}`;
  const server = await ChildServer.start(
    path,
    (folder) => {
      for (const [name, text] of Object.entries({ ...files, "prometheus.yml": config, "web.yml": web ?? "" })) {
        Deno.writeTextFileSync(`${folder}/${name}`, text);
      }
      return [
        `--config.file=${folder}/prometheus.yml`,
        `--storage.tsdb.path=${folder}/data`,
        `--web.listen-address=${new URL(base).host}`,
        ...receiver ? ["--web.enable-remote-write-receiver"] : [],
        ...nativeHistograms ? ["--enable-feature=native-histograms"] : [],
        ...exemplars ? ["--enable-feature=exemplar-storage"] : [],
        ...web === undefined ? [] : [`--web.config.file=${folder}/web.yml`],
        "--log.level=warn",
      ];
    },
    `${base}/-/ready`,
    fetcher,
  );
  return new MetricsServer(base, server, () => Promise.resolve(), fetcher);
}
