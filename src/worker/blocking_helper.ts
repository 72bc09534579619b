/**
 * The entry of the helper thread, which the main thread starts on the first need: it does the requests of workers whose
 * whole thread is blocked (blocked_thread.ts). No script runs in here.
 */

import { HttpClient, HttpNetwork } from "../net/http_client.ts";
import { copyResult } from "../net/http_result.ts";
import type { HttpResult } from "../net/types.ts";
import type { HelperClientMessage, HelperReply, ToHelper } from "./messages.ts";
import { wakeWorker } from "./shared_state.ts";

/** Serves one worker, with a client for each of its virtual users that ever blocked. */
function serve({ port, worker, gates: buffer, settings }: HelperClientMessage): void {
  const network = new HttpNetwork(settings);
  const gates = new Int32Array(buffer);
  const clients = new Map<number, HttpClient>();
  const clientOf = (id: number, localIp: string | null): HttpClient => {
    let client = clients.get(id);
    if (client === undefined) clients.set(id, client = new HttpClient(network, localIp));
    return client;
  };
  const reply = (client: HttpClient, exchange: number, received: HttpResult): void => {
    const body = received.body === null ? null : new Uint8Array(received.body);
    const result = copyResult(received, { body });
    const { bytesSent, bytesReceived } = client;
    client.bytesSent = client.bytesReceived = 0;
    const message: HelperReply = { exchange, result, bytesSent, bytesReceived };
    port.postMessage(message, body === null ? [] : [body.buffer]);
    wakeWorker(gates, worker);
  };
  port.onmessage = ({ data }: MessageEvent<ToHelper>) => {
    const client = clientOf(data.client, data.type === "exchange" ? data.localIp : null);
    switch (data.type) {
      case "exchange":
        return client.send(data.request, { httpDone: (result) => reply(client, data.exchange, result) });
      case "abort":
        return client.abort();
      case "close-idle":
        return client.closeIdle();
      case "close":
        client.close();
        clients.delete(data.client);
    }
  };
}

const scope = globalThis as unknown as { onmessage: (event: MessageEvent<HelperClientMessage>) => void };
scope.onmessage = ({ data }) => serve(data);
