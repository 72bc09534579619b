/**
 * NTLM version 2 (MS-NLMP): three messages on one connection, of which the server's is in the middle. Neither signs nor
 * seals: over HTTP nothing else is exchanged.
 */

import { createHash, createHmac } from "node:crypto";
import type { Challenge } from "./challenges.ts";
import type { AuthScheme, Credentials } from "./scheme.ts";

// Scripts find it gone, or another one, on the global object.
const { crypto } = globalThis;

const SIGNATURE = new TextEncoder().encode("NTLMSSP\0");

/** MS-NLMP, section 2.2.2.5. */
const FLAGS = {
  unicode: 0x1,
  requestTarget: 0x4,
  ntlm: 0x200,
  alwaysSign: 0x8000,
  extendedSessionSecurity: 0x80000,
  targetInfo: 0x800000,
  key128: 0x20000000,
  key56: 0x80000000,
} as const;

const OUR_FLAGS = Object.values<number>(FLAGS).reduce((all, flag) => (all | flag) >>> 0);

/** Ids of what a server tells of itself (section 2.2.2.1). */
const END_OF_INFO = 0;
const TIMESTAMP_INFO = 7;

/** From 1601, where Windows' clock begins, to 1970, in milliseconds. */
const WINDOWS_EPOCH_MS = 11_644_473_600_000;

/** A server's message. */
interface ServerChallenge {
  /** 8 random bytes. */
  readonly nonce: Uint8Array;
  readonly targetInfo: Uint8Array;
}

/** What is random or of the moment in an answer. */
export interface NtlmMoment {
  /** 8 bytes. */
  readonly clientNonce: Uint8Array;
  readonly epochMs: number;
}

/** Sends the first message, then the answer to the server's. */
export class NtlmScheme implements AuthScheme {
  readonly #credentials: Credentials;
  /** How `NTLM` is called by the server: `NTLM` or `Negotiate`. */
  #name = "";
  #isDone = false;

  constructor(credentials: Credentials) {
    this.#credentials = credentials;
  }

  answer(challenges: readonly Challenge[]): string | null {
    if (this.#isDone) return null;
    if (this.#name === "") {
      const offered = challenges.find(({ scheme }) => scheme === "ntlm") ??
        challenges.find(({ scheme }) => scheme === "negotiate");
      if (offered === undefined) return null;
      this.#name = offered.scheme === "ntlm" ? "NTLM" : "Negotiate";
      return `${this.#name} ${negotiateMessage().toBase64()}`;
    }
    this.#isDone = true;
    const token = challenges.find(({ scheme }) => scheme === this.#name.toLowerCase())?.token ?? "";
    const challenge = parseChallengeMessage(token);
    if (challenge === null) return null;
    const moment = { clientNonce: crypto.getRandomValues(new Uint8Array(8)), epochMs: Date.now() };
    return `${this.#name} ${authenticateMessage(challenge, this.#credentials, moment).toBase64()}`;
  }
}

/** The first message: what is on offer. */
export function negotiateMessage(): Uint8Array {
  const message = new Uint8Array(32);
  message.set(SIGNATURE);
  const view = new DataView(message.buffer);
  view.setUint32(8, 1, true);
  view.setUint32(12, OUR_FLAGS, true);
  return message;
}

/** The server's message; null when it isn't one. */
export function parseChallengeMessage(token: string): ServerChallenge | null {
  let bytes: Uint8Array;
  try {
    bytes = Uint8Array.fromBase64(token);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  if (bytes.length < 32 || !SIGNATURE.every((byte, i) => bytes[i] === byte)) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(8, true) !== 2) return null;
  const hasInfo = bytes.length >= 48;
  const infoLength = hasInfo ? view.getUint16(40, true) : 0;
  const infoAt = hasInfo ? view.getUint32(44, true) : 0;
  if (infoAt + infoLength > bytes.length) return null;
  return { nonce: bytes.slice(24, 32), targetInfo: bytes.slice(infoAt, infoAt + infoLength) };
}

/** The third message: who we are, and that we know the password. */
export function authenticateMessage(
  challenge: ServerChallenge,
  credentials: Credentials,
  moment: NtlmMoment,
): Uint8Array {
  const { user, domain } = splitUser(credentials.username);
  const key = responseKey(user, credentials.password, domain);
  const serverTime = findInfo(challenge.targetInfo, TIMESTAMP_INFO);
  const ntResponse = ntlmV2Response(key, challenge, moment.clientNonce, serverTime ?? windowsTime(moment.epochMs));
  // A server that tells its time takes no answer of the older kind.
  const lmResponse = serverTime === null
    ? concat(hmacMd5(key, challenge.nonce, moment.clientNonce), moment.clientNonce)
    : new Uint8Array(24);
  const parts = [lmResponse, ntResponse, utf16(domain), utf16(user), utf16(""), new Uint8Array(0)];

  const headBytes = 64;
  const message = new Uint8Array(headBytes + parts.reduce((length, part) => length + part.length, 0));
  const view = new DataView(message.buffer);
  message.set(SIGNATURE);
  view.setUint32(8, 3, true);
  let offset = headBytes;
  for (const [i, part] of parts.entries()) {
    const field = 12 + i * 8;
    view.setUint16(field, part.length, true);
    view.setUint16(field + 2, part.length, true);
    view.setUint32(field + 4, offset, true);
    message.set(part, offset);
    offset += part.length;
  }
  view.setUint32(60, OUR_FLAGS, true);
  return message;
}

/** `DOMAIN\user`; without a domain the user is taken as it is, `user@domain` among them. */
function splitUser(username: string): { readonly user: string; readonly domain: string } {
  const at = username.indexOf("\\");
  return at < 0 ? { user: username, domain: "" } : { user: username.slice(at + 1), domain: username.slice(0, at) };
}

/** NTOWFv2 (section 3.3.2): what of the password both sides know. */
export function responseKey(user: string, password: string, domain: string): Uint8Array {
  const secret = createHash("md4").update(utf16(password)).digest();
  return hmacMd5(secret, utf16(user.toUpperCase() + domain));
}

/** The proof, and what it was made of besides the key. */
export function ntlmV2Response(
  key: Uint8Array,
  { nonce, targetInfo }: ServerChallenge,
  clientNonce: Uint8Array,
  time: Uint8Array,
): Uint8Array {
  const zeros = new Uint8Array(8);
  const blob = concat(
    Uint8Array.of(1, 1),
    zeros.subarray(2),
    time,
    clientNonce,
    zeros.subarray(4),
    targetInfo,
    zeros.subarray(4),
  );
  return concat(hmacMd5(key, nonce, blob), blob);
}

function findInfo(info: Uint8Array, wanted: number): Uint8Array | null {
  const view = new DataView(info.buffer, info.byteOffset, info.byteLength);
  for (let at = 0; at + 4 <= info.length;) {
    const id = view.getUint16(at, true);
    const length = view.getUint16(at + 2, true);
    if (id === wanted) return info.slice(at + 4, at + 4 + length);
    if (id === END_OF_INFO) return null;
    at += 4 + length;
  }
  return null;
}

/** Tenths of microseconds since 1601. */
function windowsTime(epochMs: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(Math.trunc(epochMs) + WINDOWS_EPOCH_MS) * 10_000n, true);
  return bytes;
}

function hmacMd5(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const hmac = createHmac("md5", key);
  for (const part of parts) hmac.update(part);
  return hmac.digest();
}

function utf16(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * 2);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < text.length; i++) view.setUint16(i * 2, text.charCodeAt(i), true);
  return bytes;
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
