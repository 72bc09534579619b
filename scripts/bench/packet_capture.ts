/** What requests took by the kernel's own times of their packets, seen on the loopback interface by tcpdump. */

import { findProgram } from "../../tests/support/debian.ts";

/** A running capture of one server's packets. */
export interface PacketCapture {
  /** Ends it; milliseconds from each request's first packet to the last one of its answer, in no order. */
  stop(): Promise<number[]>;
}

/** As much of a packet as holds its headers. */
const SNAPPED_BYTES = 96;

/** Starts to look at the packets to and from a loopback port; null where tcpdump is missing or may not. */
export async function startPacketCapture(port: number): Promise<PacketCapture | null> {
  const program = findProgram({ program: "tcpdump", debianPackage: "tcpdump" });
  if (program === null) return null;
  const args = ["-i", "lo", "-w", "-", "-s", `${SNAPPED_BYTES}`, "-B", "65536", "tcp", "port", `${port}`];
  const child = new Deno.Command(program, { args, stdin: "null", stdout: "piped", stderr: "piped" }).spawn();
  const capture = new Response(child.stdout).arrayBuffer();
  if (!await isListening(child.stderr)) {
    await Promise.all([child.status, capture]);
    return null;
  }
  return {
    async stop() {
      child.kill("SIGINT");
      await child.status;
      return requestTimes(new DataView(await capture), port);
    },
  };
}

/** Whether it says that it is; what it says later is read so that it never waits. */
async function isListening(stderr: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<boolean> {
  const reader = stderr.pipeThrough(new TextDecoderStream()).getReader();
  let said = "";
  while (!said.includes("listening on")) {
    const { done, value } = await reader.read();
    if (done) return false;
    said += value;
  }
  reader.releaseLock();
  return true;
}

const FILE_HEADER_BYTES = 24;
const PACKET_HEADER_BYTES = 16;
const ETHERNET_BYTES = 14;

/** Reads a capture file (https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-04.html) of IPv4 over the loopback. */
function requestTimes(file: DataView, serverPort: number): number[] {
  const times: number[] = [];
  /** By the client's port: when the request that waits was sent, and when the last packet of its answer came. */
  const waiting = new Map<number, { readonly sentAt: number; answeredAt: number }>();
  let next: number;
  for (let at = FILE_HEADER_BYTES; at + PACKET_HEADER_BYTES <= file.byteLength; at = next) {
    const ms = file.getUint32(at, true) * 1000 + file.getUint32(at + 4, true) / 1000;
    next = at + PACKET_HEADER_BYTES + file.getUint32(at + 8, true);
    const ip = at + PACKET_HEADER_BYTES + ETHERNET_BYTES;
    const tcp = ip + (file.getUint8(ip) & 15) * 4;
    const payload = file.getUint16(ip + 2) - (tcp - ip) - (file.getUint8(tcp + 12) >> 4) * 4;
    if (payload === 0) continue;
    const isRequest = file.getUint16(tcp + 2) === serverPort;
    const client = file.getUint16(isRequest ? tcp : tcp + 2);
    const request = waiting.get(client);
    if (!isRequest) {
      if (request !== undefined) request.answeredAt = ms;
    } else if (request === undefined || request.answeredAt > 0) {
      if (request !== undefined) times.push(request.answeredAt - request.sentAt);
      waiting.set(client, { sentAt: ms, answeredAt: 0 });
    }
  }
  for (const { sentAt, answeredAt } of waiting.values()) if (answeredAt > 0) times.push(answeredAt - sentAt);
  return times;
}
