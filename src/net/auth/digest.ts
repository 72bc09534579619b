/** Digest authentication (RFC 7616, with what RFC 2617 and RFC 2069 did before): the answer to a server's challenge. */

import { createHash } from "node:crypto";
import type { Challenge } from "./challenges.ts";
import type { AuthRequest, AuthScheme, Credentials } from "./scheme.ts";

// Scripts find it gone, or another one, on the global object.
const { crypto } = globalThis;

/** By the names of challenges, in lower case; OpenSSL's names. */
const HASHES: ReadonlyMap<string, string> = new Map([
  ["md5", "md5"],
  ["sha-256", "sha256"],
  ["sha-512-256", "sha512-256"],
]);

const NOTHING = new Uint8Array(0);

/** So many nonces of one request are answered: a server for which all of them are stale must not be asked for ever. */
const ANSWER_LIMIT = 2;

/** Answers a challenge, and another one when the nonce was stale. */
export class DigestScheme implements AuthScheme {
  readonly #credentials: Credentials;
  #answers = 0;

  constructor(credentials: Credentials) {
    this.#credentials = credentials;
  }

  answer(challenges: readonly Challenge[], request: AuthRequest): string | null {
    const challenge = challenges.find(isSupported);
    if (challenge === undefined || this.#answers === ANSWER_LIMIT) return null;
    const isStale = challenge.parameters.get("stale")?.toLowerCase() === "true";
    if (this.#answers > 0 && !isStale) return null;
    this.#answers++;
    return digestAuthorization(
      challenge,
      this.#credentials,
      request,
      crypto.getRandomValues(new Uint8Array(16)).toHex(),
    );
  }
}

/** Whether a challenge asks for a digest that can be made. */
function isSupported({ scheme, parameters }: Challenge): boolean {
  return scheme === "digest" && HASHES.has(hashName(parameters)) && chooseQop(parameters) !== null;
}

/** Value of the Authorization header that answers a challenge that can be answered. */
export function digestAuthorization(
  { parameters }: Challenge,
  { username, password }: Credentials,
  { method, target, body }: AuthRequest,
  cnonce: string,
): string {
  const hash = (content: string | Uint8Array) =>
    createHash(HASHES.get(hashName(parameters))!).update(content).digest("hex");
  const parameter = (name: string) => parameters.get(name) ?? "";
  const nonce = parameter("nonce");
  const qop = chooseQop(parameters);
  const nc = "00000001";

  let identity = hash(`${username}:${parameter("realm")}:${password}`);
  if (isSessionHash(parameters)) identity = hash(`${identity}:${nonce}:${cnonce}`);
  const message = hash(
    qop === "auth-int" ? `${method}:${target}:${hash(body ?? NOTHING)}` : `${method}:${target}`,
  );
  const response = hash(
    qop === "" ? `${identity}:${nonce}:${message}` : `${identity}:${nonce}:${nc}:${cnonce}:${qop}:${message}`,
  );
  const hidesUser = parameter("userhash").toLowerCase() === "true";
  const fields = [
    `username=${quote(hidesUser ? hash(`${username}:${parameter("realm")}`) : username)}`,
    `realm=${quote(parameter("realm"))}`,
    `nonce=${quote(nonce)}`,
    `uri=${quote(target)}`,
    `response="${response}"`,
  ];
  if (parameters.has("algorithm")) fields.push(`algorithm=${parameter("algorithm")}`);
  if (parameters.has("opaque")) fields.push(`opaque=${quote(parameter("opaque"))}`);
  if (qop !== "") fields.push(`qop=${qop}`, `nc=${nc}`);
  if (qop !== "" || isSessionHash(parameters)) fields.push(`cnonce="${cnonce}"`);
  if (hidesUser) fields.push("userhash=true");
  return `Digest ${fields.join(", ")}`;
}

function hashName(parameters: Challenge["parameters"]): string {
  return (parameters.get("algorithm") ?? "MD5").toLowerCase().replace(/-sess$/, "");
}

function isSessionHash(parameters: Challenge["parameters"]): boolean {
  return /-sess$/i.test(parameters.get("algorithm") ?? "");
}

/** Empty: the server offers none, as in RFC 2069; null: none that is known. */
function chooseQop(parameters: Challenge["parameters"]): "auth" | "auth-int" | "" | null {
  const offered = parameters.get("qop")?.toLowerCase().split(",").map((qop) => qop.trim());
  if (offered === undefined) return "";
  if (offered.includes("auth")) return "auth";
  return offered.includes("auth-int") ? "auth-int" : null;
}

function quote(text: string): string {
  return `"${text.replace(/[\\"]/g, "\\$&")}"`;
}
