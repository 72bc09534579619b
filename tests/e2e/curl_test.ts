/** The same requests through k6d and through curl: same statuses, headers and bodies. */

import { assert, assertEquals } from "@std/assert";
import { canonicalHeaderName } from "../../src/api/headers.ts";
import { Counters } from "../conformance/lib/counters.ts";
import { httpHandler } from "../conformance/lib/http_server.ts";
import { curl, testWithPrograms } from "../support/debian.ts";
import { PASSWORD, startNtlmServer } from "../support/ntlm_server.ts";
import { consoleMessages, runSuccessfully } from "./support/k6d.ts";

/** A request in terms that k6d and curl have in common. */
interface Case {
  readonly method: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Bytes as latin-1 characters. */
  readonly body?: string;
  readonly auth?: "basic" | "digest" | "ntlm";
  readonly user?: string;
  readonly password?: string;
  readonly cookies?: Readonly<Record<string, string>>;
  readonly redirects?: number;
  /** Parts of a multipart form: text, or a file with its name and type. */
  readonly form?: readonly Part[];
  /** Parts of a JSON body to compare, where the rest may differ. */
  readonly pick?: readonly string[];
}

type Part = { readonly name: string; readonly text: string; readonly file?: string; readonly type?: string };

/** What came of it. */
interface Outcome {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Bytes as latin-1 characters. */
  readonly body: string;
}

const USER_AGENT = "differential/1.0";
const MAX_REDIRECTS = 10;

testWithPrograms("200 requests end alike with k6d and with curl", [curl], async (curlPath) => {
  const quiet = { hostname: "127.0.0.1", port: 0, onListen() {} };
  await using target = Deno.serve(quiet, httpHandler(new Counters()));
  const ntlm = startNtlmServer();
  await using _ = ntlm.server;
  const cases = makeCases(`http://127.0.0.1:${target.addr.port}`, ntlm.server.url);
  assert(cases.length >= 200, `${cases.length} cases`);

  const ours = await throughK6d(cases);
  const theirs = await throughCurl(curlPath!, cases);
  assertEquals(ours.length, cases.length);
  for (const [i, { method, url, pick }] of cases.entries()) {
    assertEquals(comparable(ours[i]!, pick), comparable(theirs[i]!, pick), `${i}: ${method} ${url}`);
  }
});

function comparable({ status, headers, body }: Outcome, pick: readonly string[] | undefined): unknown {
  // The moment of an answer, what its length says of a random boundary, and how it came, which k6d leaves out as Go does.
  const { Date: _, "Content-Length": length, "Transfer-Encoding": __, ...others } = headers;
  if (pick === undefined) return { status, headers: others, length, body };
  const parsed = JSON.parse(body) as Record<string, unknown>;
  return { status, headers: others, body: pick.map((name) => parsed[name]) };
}

function makeCases(target: string, ntlm: string): Case[] {
  const bytes = Array.from({ length: 256 }, (_, i) => String.fromCharCode(i)).join("");
  const utf8 = String.fromCharCode(...new TextEncoder().encode("żółw 🐢"));
  const text = { "Content-Type": "text/plain" };
  const all: Case[] = [];
  const add = (method: string, path: string, more: Partial<Case> = {}) =>
    all.push({ method, url: `${target}${path}`, ...more });

  for (const method of ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE", "PROPFIND", "x-own"]) {
    add(method, "/anything");
    add(method, `/anything/${method}?a=1&b=two%20words&a=%C3%A9`, { headers: { "X-One": "1", Accept: "text/x" } });
  }
  const bodies = ["text", bytes, utf8, "a=1&b=two+words", '{"a":[1,2]}', "x".repeat(100_000), "\r\n\r\n", "0"];
  for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
    for (const body of bodies) add(method, "/anything", { body, headers: text });
  }
  const types = ["application/x-www-form-urlencoded", "application/json", "application/octet-stream"];
  for (const type of types) add("POST", "/anything", { body: bodies[3]!, headers: { "Content-Type": type } });
  const paths = [
    "/a//b",
    "/a%2Fb",
    "/%7Euser",
    "/a;b=c",
    "/a,b",
    "/x?",
    "/x?=",
    "/x?a&b",
    "/x?a=b=c",
    "/x?q=a+b",
    "/x?u=http://y/",
    "/%c5%bc%C3%B3",
    "/x#fragment",
    "/x?a=b#fragment?c",
    "/./x/../y",
    "/x!$&'()*+,;=:@y",
    "/x?e=!$&'()*,;:@/?",
    `/${"long/".repeat(400)}?${"q".repeat(4000)}`,
  ];
  for (const path of paths) add("GET", `/anything${path}`);
  const headers = [
    { "x-lower-case": "v" },
    { "X-UPPER": "v" },
    { "X-Empty": "" },
    { "X-Quotes": 'a "b" \\c' },
    { "X-Utf8": "ü" },
    { Host: "other.example" },
    { Cookie: "own=1" },
    { Authorization: "Bearer t0k" },
    { "Accept-Encoding": "identity" },
    { "If-None-Match": '"v1"' },
    { Range: "bytes=0-1" },
    { "X-Long": "v".repeat(8000) },
    { "User-Agent": "own/1" },
    { Referer: "http://a.test/" },
    { Connection: "close" },
    { "X-Spaces": "a  b" },
    Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`X-${i}`, String(i)])),
  ];
  for (const each of headers) add("GET", "/headers", { headers: each as Record<string, string> });
  for (const status of [200, 201, 202, 203, 204, 206, 207]) add("GET", `/status/${status}`);
  for (
    const status of [300, 304, 400, 401, 402, 403, 404, 405, 406, 407, 409, 410, 412, 413, 415, 418, 422, 429, 431, 451]
  ) {
    add("GET", `/status/${status}`);
  }
  for (const status of [500, 501, 502, 503, 504, 505, 511, 599]) {
    add("POST", `/status/${status}`, { body: "b", headers: text });
  }
  for (
    const path of [
      "json",
      "json-array",
      "html",
      "xml",
      "utf8",
      "image",
      "empty",
      "not-json",
      "ip",
      "host",
      "sse",
      "cache",
    ]
  ) {
    add("GET", `/${path}`);
    if (path !== "sse") add("HEAD", `/${path}`);
  }
  for (const n of [0, 1, 1023, 4096, 65_537, 1_000_000]) add("GET", `/bytes/${n}`);
  for (const n of [1, 5000, 300_000]) add("GET", `/stream-bytes/${n}?chunk=777`);
  add("GET", "/drip?numbytes=5&duration=0.05");
  for (const coding of ["gzip", "deflate", "br", "zstd", "gzip-br"]) {
    for (const method of ["GET", "HEAD", "POST"]) {
      add(method, `/${coding}`, { headers: { "Accept-Encoding": "gzip, deflate, br, zstd" } });
    }
  }
  for (const n of [1, 2, 5, MAX_REDIRECTS]) add("GET", `/redirect/${n}`);
  for (const n of [1, 3]) add("GET", `/relative-redirect/${n}`);
  for (const status of [301, 302, 303, 307, 308]) {
    for (const method of ["GET", "HEAD", "POST"]) {
      const body = method === "POST" ? { body: "again", headers: text } : {};
      add(method, `/redirect-to?url=/anything/there%3Fa=b&status_code=${status}`, body);
    }
    add("GET", `/redirect-to?url=/get&status_code=${status}`, { redirects: 0 });
    add("GET", `/status/${status}`);
  }
  for (const status of [307, 308]) {
    for (const method of ["PUT", "PATCH", "DELETE"]) {
      add(method, `/redirect-to?url=/anything&status_code=${status}`, { body: "again", headers: text });
    }
  }
  const elsewhere = encodeURIComponent(`${target.replace("127.0.0.1", "localhost")}/headers`);
  const secrets = { Authorization: "Bearer t0k", "X-Kept": "1" };
  add("GET", `/redirect-to?url=${elsewhere}`, { headers: secrets });
  add("GET", `/redirect-to?url=${encodeURIComponent(`${target}/headers`)}`, { headers: secrets });
  add("GET", "/redirect-to?url=/headers", { headers: { Referer: "http://a.test/" } });
  add("GET", "/redirect-to?url=/basic-auth/ann/pw", { auth: "basic", user: "ann", password: "pw" });
  for (const location of ["../anything/up", "?a=b", "//127.0.0.1:PORT/get", "/anything/a%20b"]) {
    add("GET", `/redirect-to?url=${encodeURIComponent(location.replace("PORT", new URL(target).port))}`);
  }
  for (const password of ["pw", "no"]) {
    add("GET", "/basic-auth/ann/pw", { auth: "basic", user: "ann", password });
    add("GET", "/digest-auth/auth/ann/pw", { auth: "digest", user: "ann", password });
    add("POST", "/digest-auth/auth/ann/pw", { auth: "digest", user: "ann", password, body: "signed", headers: text });
    add("GET", "/digest-auth/none/ann/pw?q=1", { auth: "digest", user: "ann", password });
    add("PUT", "/digest-auth/none/ann/pw", { auth: "digest", user: "ann", password, body: "signed", headers: text });
    add("GET", "/get", { auth: "digest", user: "ann", password });
    add("HEAD", "/basic-auth/ann/pw", { auth: "basic", user: "ann", password });
  }
  add("GET", "/basic-auth/a@b/p:w", { auth: "basic", user: "a@b", password: "p:w" });
  add("GET", "/basic-auth/ann/pw");
  for (const token of ["Bearer t0k", "Bearer", "other"]) add("GET", "/bearer", { headers: { Authorization: token } });
  for (const body of [undefined, "hello"]) {
    const method = body === undefined ? "GET" : "POST";
    const more = body === undefined ? {} : { body, headers: text };
    all.push({ method, url: `${ntlm}/x`, auth: "ntlm", user: "CORP\\ann", password: PASSWORD, ...more });
  }
  add("POST", "/anything", {
    form: [
      { name: "a", text: "1" },
      { name: "b c", text: "two words" },
      { name: "f", text: "content", file: "f.txt", type: "text/plain" },
      { name: "g", text: "{}", file: "g h.json", type: "application/json" },
    ],
    pick: ["form", "files", "method"],
  });
  // From here on there are cookies. Their order is compared nowhere: curl sends new ones first.
  const cookiePaths = [
    "/cookies/set?aa=1&bb=2",
    "/cookies",
    "/cookies/set-here?aa=3",
    "/cookies/attr?name=cc&value=deep&path=/cookies/deep",
    "/cookies",
    "/cookies/deep",
    "/cookies/deep/er",
    "/cookies/deeper",
    "/cookies/attr?name=dd&value=d&domain=127.0.0.1&path=/",
    "/cookies/attr?name=ee&value=e&domain=example.com&path=/",
    "/cookies/attr?name=ff&value=f&maxage=100&path=/",
    "/cookies/attr?name=gg&value=g&expires=Wed,%2001%20Jan%202020%2000:00:00%20GMT&path=/",
    "/cookies/attr?name=hh&value=h&expires=Wed,%2001%20Jan%202070%2000:00:00%20GMT&path=/&httponly&samesite=Strict",
    "/cookies",
    "/cookies/delete?aa",
    "/cookies",
    "/cookies/attr?name=ff&value=f&maxage=0&path=/",
    "/cookies",
    "/cookies/attr?name=jj&value=j&path=nowhere",
    "/cookies/attr?name=kk&value=&path=/",
    "/cookies/attr?name=dd&value=again&path=/",
    "/cookies",
    "/redirect-to?url=/cookies",
    "/cookies/set?bb=3&ll=4",
  ];
  for (const path of cookiePaths) add("GET", path);
  return all;
}

const K6D_SCRIPT = `
import http from "k6/http";
export const options = { userAgent: "${USER_AGENT}", maxRedirects: ${MAX_REDIRECTS}, iterations: 1 };
const cases = JSON.parse(open("cases.json"));
const bytesOf = (text) => Uint8Array.from(text, (character) => character.charCodeAt(0)).buffer;
const textOf = (buffer) => Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("");
function bodyOf({ body, form }) {
  if (form === undefined) return body === undefined ? null : bytesOf(body);
  return Object.fromEntries(
    form.map(({ name, text, file, type }) => [name, file === undefined ? text : http.file(text, file, type)]),
  );
}
export default function () {
  for (const each of cases) {
    const { method, headers, auth, user, password, redirects } = each;
    const credentials = user === undefined ? "" : encodeURIComponent(user) + ":" + encodeURIComponent(password) + "@";
    const url = each.url.replace("://", "://" + credentials);
    const params = { headers, auth, redirects, responseType: "binary", timeout: "25s" };
    const response = http.request(method, url, bodyOf(each), params);
    const { status, error } = response;
    console.log(JSON.stringify({ status, error, headers: response.headers, body: textOf(response.body ?? new ArrayBuffer(0)) }));
  }
}`;

async function throughK6d(cases: readonly Case[]): Promise<Outcome[]> {
  const result = await runSuccessfully({ files: { "script.js": K6D_SCRIPT, "cases.json": JSON.stringify(cases) } });
  return consoleMessages(result).map((line) => JSON.parse(line) as Outcome);
}

/** All of them in one process, so that they share connections and cookies. */
async function throughCurl(program: string, cases: readonly Case[]): Promise<Outcome[]> {
  const folder = await Deno.makeTempDir({ prefix: "k6d-curl-" });
  try {
    const sections: string[] = [];
    for (const [i, each] of cases.entries()) {
      if (each.body !== undefined) await Deno.writeFile(`${folder}/sent${i}`, latin1Bytes(each.body));
      sections.push(curlSection(each, i).join("\n"));
    }
    await Deno.writeTextFile(`${folder}/config`, sections.join("\nnext\n"));
    const { success, stderr } = await new Deno.Command(program, {
      args: ["-q", "-K", "config"],
      cwd: folder,
      clearEnv: true,
    }).output();
    const said = new TextDecoder().decode(stderr);
    assert(success, said);
    assertEquals(said, "");
    const outcomes: Outcome[] = [];
    for (const [i, { method }] of cases.entries()) {
      const head = await Deno.readTextFile(`${folder}/head${i}`);
      const body = method === "HEAD" ? "" : latin1Text(await readIfThere(`${folder}/body${i}`));
      outcomes.push({ ...parseLastHead(head), body });
    }
    return outcomes;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function curlSection(
  { method, url, headers = {}, body, auth, user, password, redirects, form }: Case,
  i: number,
): string[] {
  const lines = [
    ...["silent", "show-error", "http1.1", "globoff", "path-as-is", 'cookie = ""'],
    `url = ${quote(url)}`,
    `output = "body${i}"`,
    `dump-header = "head${i}"`,
    `user-agent = ${quote(USER_AGENT)}`,
    'header = "Expect:"',
    "max-time = 20",
  ];
  // Whatever curl adds by itself that k6d does not.
  const names = new Set(Object.keys(headers).map((name) => name.toLowerCase()));
  if (!names.has("accept")) lines.push('header = "Accept:"');
  if (form === undefined && !names.has("content-type")) lines.push('header = "Content-Type:"');
  for (const [name, value] of Object.entries(headers)) {
    lines.push(`header = ${quote(value === "" ? `${name};` : `${name}: ${value}`)}`);
  }
  if (names.has("accept-encoding")) lines.push("compressed");
  if (redirects !== 0) lines.push("location", `max-redirs = ${MAX_REDIRECTS}`, 'referer = ";auto"');
  if (user !== undefined) lines.push(`user = ${quote(`${user}:${password}`)}`, auth ?? "basic");
  for (const { name, text, file, type } of form ?? []) {
    const end = file === undefined ? "" : `;filename="${file.replaceAll('"', '\\"')}";type=${type}`;
    lines.push(`form = ${quote(`${name}=${text}${end}`)}`);
  }
  if (method === "HEAD") lines.push("head");
  else if (body !== undefined) lines.push(`data-binary = "@sent${i}"`);
  else if (form === undefined && ["POST", "PUT", "PATCH"].includes(method)) lines.push('data = ""');
  // Where curl would choose the same one by itself it may turn it into GET after a redirect.
  const implied = method === "HEAD" || method === "POST" && (body !== undefined || form !== undefined) ||
    method === "GET" && body === undefined;
  if (!implied) lines.push(`request = "${method}"`);
  return lines;
}

/** A value in a configuration of curl. */
function quote(text: string): string {
  return `"${text.replace(/[\\"]/g, "\\$&")}"`;
}

function parseLastHead(heads: string): Pick<Outcome, "status" | "headers"> {
  const [statusLine = "", ...lines] = heads.trimEnd().split("\r\n\r\n").at(-1)!.split("\r\n");
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const name = canonicalHeaderName(line.slice(0, line.indexOf(":")));
    const value = line.slice(line.indexOf(":") + 1).trim();
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
  }
  return { status: Number(statusLine.split(" ")[1]), headers };
}

/** curl makes no file for an empty body. */
async function readIfThere(path: string): Promise<Uint8Array> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return new Uint8Array();
    throw error;
  }
}

function latin1Bytes(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function latin1Text(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}
