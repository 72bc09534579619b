/// <reference lib="deno.worker" />
/** Sends requests from a worker as scripts run in it: with the network, no other permission, and only JavaScript's own globals. */

import { HttpClient, HttpNetwork } from "../../src/net/http_client.ts";
import { parseHttpUrl } from "../../src/net/url.ts";
import { installScriptGlobals } from "../../src/worker/script_globals.ts";

/** What to fetch, and whom to trust. */
export interface BareWorkerTask {
  readonly urls: readonly string[];
  readonly caCerts: readonly string[];
}

const { postMessage } = self;

self.addEventListener("message", async ({ data }: MessageEvent<BareWorkerTask>) => {
  installScriptGlobals({}, () => undefined);
  const network = new HttpNetwork({
    insecureSkipTlsVerify: false,
    noConnectionReuse: false,
    caCerts: data.caCerts,
    dialTimeoutMs: 30_000,
  });
  const client = new HttpClient(network);
  const outcomes: string[] = [];
  for (const text of data.urls) {
    const url = parseHttpUrl(text);
    const headers = `Host: ${url.host}\r\n`;
    const request = {
      method: "GET",
      url,
      headers,
      body: null,
      timeoutMs: 10_000,
      discardBody: false,
      http1Only: false,
    };
    outcomes.push(
      await new Promise<string>((done) => {
        client.send(request, { httpDone: ({ status, error }) => done(`${status} ${error}`) });
      }),
    );
  }
  client.close();
  network.close();
  postMessage(outcomes);
});
