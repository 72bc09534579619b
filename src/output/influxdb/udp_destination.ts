/** InfluxDB's UDP port: lines in datagrams. Nobody answers, so nothing is known of what arrived. */

import { createSocket, type Socket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { OutputError } from "../output.ts";
import { describeUrl } from "../url_text.ts";
import type { InfluxConfig } from "./config.ts";
import type { Destination, Outcome } from "./destination.ts";

const LINE_FEED = 10;

/** A server with a `udp:` address. The database is the server's choice. */
export class UdpDestination implements Destination {
  readonly #address: URL;
  readonly #payloadSize: number;
  #socket: Socket | null = null;
  #ip = "";

  constructor({ address, payloadSize }: InfluxConfig) {
    this.#address = address;
    this.#payloadSize = payloadSize;
  }

  async open(): Promise<void> {
    const hostname = this.#address.hostname.replace(/^\[(.*)\]$/, "$1");
    try {
      const { address, family } = await lookup(hostname);
      this.#ip = address;
      this.#socket = createSocket(family === 6 ? "udp6" : "udp4");
      // What can't be sent is told where it is sent.
      this.#socket.on("error", () => {});
    } catch (error) {
      throw new OutputError(`influxdb output: can't find the host of ${describeUrl(this.#address)}`, {
        cause: error,
      });
    }
  }

  async write(body: Uint8Array<ArrayBuffer>, lines: number): Promise<Outcome> {
    try {
      for (let from = 0; from < body.length;) {
        const to = endOfDatagram(body, from, this.#payloadSize);
        await this.#send(body.subarray(from, to));
        from = to;
      }
      return { kind: "accepted" };
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error);
      return { kind: "refused", lines, cause, detail: "" };
    }
  }

  close(): void {
    this.#socket?.close();
    this.#socket = null;
  }

  #send(datagram: Uint8Array): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const done = (error: Error | null) => error === null ? resolve() : reject(error);
    this.#socket!.send(datagram, Number(this.#address.port), this.#ip, done);
    return promise;
  }
}

/** Where the datagram that begins at `from` ends: after as many whole lines as fit, but after one at least. */
export function endOfDatagram(body: Uint8Array, from: number, most: number): number {
  if (body.length - from <= most) return body.length;
  const last = body.lastIndexOf(LINE_FEED, from + most - 1);
  return last >= from ? last + 1 : body.indexOf(LINE_FEED, from + most) + 1;
}
