/** The server's side of NTLM version 2 (MS-NLMP), written on its own: what tests check the client's messages with. */

import { createHash, createHmac } from "node:crypto";
import { Buffer } from "node:buffer";
import { type RawServer, startRawServer } from "../net/raw_server.ts";

/** A user's password is this one. */
export const PASSWORD = "pass/word";

const UNAUTHORIZED = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n";

/**
 * Answers each connection's requests as a Windows server does: who the user is holds for the connection. `seen` has a
 * line for each request: connection, method, body and the type of the message.
 */
export function startNtlmServer(): { readonly server: RawServer; readonly seen: readonly string[] } {
  const seen: string[] = [];
  const server = startRawServer(async (peer, index) => {
    const nonce = crypto.getRandomValues(new Uint8Array(8));
    let user: string | null = null;
    for (let head = await peer.head(); head !== null; head = await peer.head()) {
      const body = await peer.body(Number(/^Content-Length: (\d+)/m.exec(head)?.[1] ?? 0));
      const message = Uint8Array.fromBase64(/^Authorization: NTLM (\S+)/m.exec(head)?.[1] ?? "");
      seen.push(`${index} ${head.split(" ", 1)} ${body} ${message[8] ?? "none"}`);
      if (message[8] === 3) user = verifyAuthenticateMessage(message, nonce, PASSWORD);
      if (user !== null) {
        await peer.send(`HTTP/1.1 200 OK\r\nContent-Length: ${user.length + body.length}\r\n\r\n${user}${body}`);
      } else if (message[8] === 1) {
        await peer.send(`${UNAUTHORIZED}WWW-Authenticate: NTLM ${challengeMessage(nonce).toBase64()}\r\n\r\n`);
      } else await peer.send(`${UNAUTHORIZED}WWW-Authenticate: Negotiate\r\nWWW-Authenticate: NTLM\r\n\r\n`);
    }
  });
  return { server, seen };
}

/** The second message, with a nonce of 8 bytes and the server's names and time. */
export function challengeMessage(nonce: Uint8Array): Uint8Array {
  const time = Buffer.alloc(8);
  time.writeBigUInt64LE(BigInt(Date.now() + 11_644_473_600_000) * 10_000n);
  const info = Buffer.concat([
    pair(2, utf16("DOMAIN")),
    pair(1, utf16("SERVER")),
    pair(7, time),
    pair(0, Buffer.alloc(0)),
  ]);
  const head = Buffer.alloc(56);
  head.write("NTLMSSP\0", "latin1");
  head.writeUInt32LE(2, 8);
  head.writeUInt32LE(56, 16);
  head.writeUInt32LE(0xa0888205, 20);
  head.set(nonce, 24);
  head.writeUInt16LE(info.length, 40);
  head.writeUInt16LE(info.length, 42);
  head.writeUInt32LE(56, 44);
  return new Uint8Array(Buffer.concat([head, info]));
}

/** Who sent the third message, as `DOMAIN\user`, if that one knows the password; null otherwise. */
export function verifyAuthenticateMessage(message: Uint8Array, nonce: Uint8Array, password: string): string | null {
  const bytes = Buffer.from(message);
  if (bytes.toString("latin1", 0, 8) !== "NTLMSSP\0" || bytes.readUInt32LE(8) !== 3) return null;
  const field = (at: number) => {
    const offset = bytes.readUInt32LE(at + 4);
    return bytes.subarray(offset, offset + bytes.readUInt16LE(at));
  };
  const [response, domain, user] = [field(20), field(28).toString("utf16le"), field(36).toString("utf16le")];
  const secret = createHash("md4").update(utf16(password)).digest();
  const key = createHmac("md5", secret).update(utf16(user.toUpperCase() + domain)).digest();
  const proof = createHmac("md5", key).update(nonce).update(response.subarray(16)).digest();
  return proof.equals(response.subarray(0, 16)) ? `${domain}\\${user}` : null;
}

function pair(id: number, value: Uint8Array): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16LE(id);
  head.writeUInt16LE(value.length, 2);
  return Buffer.concat([head, value]);
}

function utf16(text: string): Buffer {
  return Buffer.from(text, "utf16le");
}
