/** An HTTP/2 server over TLS that answers each request with the frames that a test gives it. */

import type { AddressInfo } from "node:net";
import { createServer, type TLSSocket } from "node:tls";
import {
  Flag,
  frame,
  FRAME_HEAD_BYTES,
  FrameType,
  PREFACE,
  readUint32,
  settingsFrame,
} from "../../../src/net/http2/frames.ts";
import { concat } from "../../support/bytes.ts";
import { HpackDecoder } from "../../support/hpack.ts";
import { type Certificate, makeCertificate } from "../certificate.ts";
import { data, headers } from "./peer.ts";

/** A connection of a client. */
export interface ServedConnection {
  /** How many came before. */
  readonly index: number;
  send(...frames: readonly Uint8Array[]): void;
  /** Ends the connection once what was sent is on its way. */
  end(): void;
  /** Codes of the RST_STREAM frames that came. */
  readonly resets: number[];
  /** How many PING frames came. */
  pings: number;
  /** While true, pings are not answered. */
  isDeaf: boolean;
}

/** A running server. */
export interface FrameServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** All that there have been; who doesn't look at them may take them out. */
  readonly connections: ServedConnection[];
  /** Connections that are open at this end. */
  readonly openConnections: number;
}

/** Answers 200 with a text. */
export function answer(id: number, text = "hello"): Uint8Array {
  return concat([headers(id, { ":status": "200", "content-length": String(text.length) }), data(id, text)]);
}

/** Starts one; `onRequest` is called for each complete request, and told how many its connection had before, and its path. */
export async function startFrameServer(
  onRequest: (connection: ServedConnection, id: number, index: number, path: string) => void,
  settings: readonly (readonly [number, number])[] = [],
): Promise<FrameServer> {
  const { certificate, key } = await serverCertificate();
  const server = createServer({ cert: certificate, key, ALPNProtocols: ["h2"] });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const connections: ServedConnection[] = [];
  let accepted = 0;
  const sockets = new Set<TLSSocket>();
  server.on("secureConnection", (socket: TLSSocket) => {
    sockets.add(socket);
    const connection: ServedConnection = {
      index: accepted++,
      resets: [],
      pings: 0,
      isDeaf: false,
      send: (...frames) => void socket.write(concat(frames)),
      end: () => void socket.end(),
    };
    connections.push(connection);
    let requests = 0;
    const hpack = new HpackDecoder();
    const paths = new Map<number, string>();
    const read = frameReader((type, flags, id, payload) => {
      if (type === FrameType.RstStream) connection.resets.push(readUint32(payload, 0));
      if (type === FrameType.Ping) {
        connection.pings++;
        if (!connection.isDeaf) connection.send(frame(FrameType.Ping, Flag.Ack, 0, payload));
      }
      if (type === FrameType.Headers) paths.set(id, new Map(hpack.decode(payload)).get(":path") ?? "");
      const endsRequest = (type === FrameType.Headers || type === FrameType.Data) && (flags & Flag.EndStream) !== 0;
      if (!endsRequest) return;
      const path = paths.get(id)!;
      paths.delete(id);
      onRequest(connection, id, requests++, path);
    });
    socket.on("data", read);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    connection.send(settingsFrame(settings));
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://127.0.0.1:${port}`,
    port,
    connections,
    get openConnections() {
      return sockets.size;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((closed) => server.close(() => closed()));
    },
  };
}

let certificate: Promise<Certificate> | null = null;

function serverCertificate(): Promise<Certificate> {
  return certificate ??= makeCertificate("localhost", "DNS:localhost,IP:127.0.0.1");
}

/** Cuts what a client sends into frames. */
function frameReader(
  onFrame: (type: number, flags: number, id: number, payload: Uint8Array) => void,
): (chunk: Uint8Array) => void {
  let input = new Uint8Array(0);
  let skip = PREFACE.length;
  return (chunk) => {
    input = concat([input, chunk]);
    if (input.length < skip) return;
    input = input.subarray(skip);
    skip = 0;
    while (input.length >= FRAME_HEAD_BYTES) {
      const end = FRAME_HEAD_BYTES + (readUint32(input, 0) >>> 8);
      if (input.length < end) return;
      const payload = input.subarray(FRAME_HEAD_BYTES, end);
      const [type, flags, id] = [input[3]!, input[4]!, readUint32(input, 5)];
      input = input.subarray(end);
      onFrame(type, flags, id, payload);
    }
  };
}
