/**
 * How long a bundled script of a megabyte takes until its virtual users can be made, in a process of its own; prints one
 * line of JSON. The bundle is what bundlers write: many small modules in one scope, classes, closures, tables; some block.
 */

import { LoadedProgram } from "../../src/script/instantiate.ts";
import { loadProgram } from "../../src/script/load.ts";

/** What the parent process reads. */
export interface CompileTimeResult {
  readonly bytes: number;
  /** On the main thread: read, parse, link, compile; the first time in a process. */
  readonly loadMs: number;
  /** On each worker. */
  readonly evaluateMs: number;
}

const BYTES = 1_000_000;

if (import.meta.main) {
  const text = bundle(BYTES);
  const startedAt = performance.now();
  const program = await loadProgram({ path: "/bundle.js" }, { cwd: "/", readTextFile: () => Promise.resolve(text) });
  const loadedAt = performance.now();
  new LoadedProgram(program);
  const result: CompileTimeResult = {
    bytes: text.length,
    loadMs: loadedAt - startedAt,
    evaluateMs: performance.now() - loadedAt,
  };
  await Deno.stdout.write(new TextEncoder().encode(`${JSON.stringify(result)}\n`));
}

/** A bundle of at least so many bytes. */
export function bundle(bytes: number): string {
  const parts = [`import http from "k6/http";\nimport { check, group, sleep } from "k6";\n`];
  let size = parts[0]!.length;
  for (let index = 0; size < bytes; index++) {
    const part = bundledModule(index);
    parts.push(part);
    size += part.length;
  }
  parts.push(`export default function () {\n  new Client1("http://x").login("a");\n  sleep(1);\n}\n`);
  return parts.join("");
}

/** One module of the bundle; every fourth one makes requests, the others only compute. */
function bundledModule(index: number): string {
  return index % 4 === 1 ? clientModule(index) : libraryModule(index);
}

function clientModule(i: number): string {
  return `
// src/client_${i}.js
var DEFAULTS${i} = { headers: { "content-type": "application/json" }, tags: { client: "c${i}" } };
function request${i}(method, url, body, params = {}) {
  const options = Object.assign({}, DEFAULTS${i}, params);
  const res = http.request(method, url, body === undefined ? null : JSON.stringify(body), options);
  check(res, { "status is 2xx": (r) => r.status >= 200 && r.status < 300 });
  return res;
}
class Client${i} {
  #token = null;
  constructor(base, { retries = 3 } = {}) {
    this.base = base;
    this.retries = retries;
  }
  login(user) {
    const res = request${i}("POST", this.base + "/login", { user });
    this.#token = res.status === 200 ? res.json("token") : null;
    return this;
  }
  retry(work) {
    for (let attempt = 0; attempt < this.retries; attempt++) {
      try {
        return work(attempt);
      } catch (error) {
        if (attempt + 1 === this.retries) throw error;
        sleep(0.1 * 2 ** attempt);
      }
    }
  }
  list(ids) {
    return group("list ${i}", () => ids.map((id) => this.retry(() => request${i}("GET", \`\${this.base}/items/\${id}\`))));
  }
  get authorized() {
    return this.#token !== null;
  }
}
`;
}

function libraryModule(i: number): string {
  return `
// node_modules/lib_${i}/index.js
var table${i} = [${Array.from({ length: 24 }, (_, n) => (n * 2654435761 + i) % 65_536).join(", ")}];
function isObject${i}(value) {
  const type = typeof value;
  return value != null && (type === "object" || type === "function");
}
function merge${i}(target, ...sources) {
  for (const source of sources) {
    for (const key of Object.keys(source)) {
      if (isObject${i}(source[key]) && isObject${i}(target[key])) merge${i}(target[key], source[key]);
      else target[key] = source[key];
    }
  }
  return target;
}
function hash${i}(text, seed = ${i}) {
  let h = seed >>> 0;
  for (let n = 0; n < text.length; n++) {
    h = Math.imul(h ^ text.charCodeAt(n), 2654435761);
    h = (h << 13) | (h >>> 19);
  }
  return ((h ^ table${i}[h & 15]) >>> 0).toString(16);
}
var Emitter${i} = class {
  constructor() {
    this.handlers = /* @__PURE__ */ new Map();
  }
  on(name, handler) {
    const list = this.handlers.get(name) ?? [];
    this.handlers.set(name, list.concat(handler));
    return () => this.off(name, handler);
  }
  off(name, handler) {
    this.handlers.set(name, (this.handlers.get(name) || []).filter((other) => other !== handler));
  }
  emit(name, ...args) {
    (this.handlers.get(name) || []).forEach((handler) => handler.apply(this, args));
    return { name, count: args.length, id: hash${i}(String(name)) };
  }
};
var format${i} = ({ year, month, day }, { separator = "-", pad = (n) => String(n).padStart(2, "0") } = {}) =>
  [year, pad(month), pad(day)].join(separator);
`;
}
