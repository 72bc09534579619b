/**
 * Modules from `https:` URLs, kept on disk. Every run asks the server whether its copy is still good; when the server
 * can't be reached, the copy serves.
 */

import { encodeHex } from "@std/encoding/hex";
import { Unresolved } from "./unresolved.ts";

/** What remote modules need of the world. */
export interface RemoteHost {
  fetch(url: string, init: RequestInit): Promise<Response>;
  /** Folder of the copies; made when it is needed. Null keeps none. */
  readonly cacheFolder: string | null;
  /** Is told when a copy serves because the server can't be reached. */
  warn(message: string): void;
}

/** How long a server may take to answer. */
const TIMEOUT_MS = 30_000;

/** What stands beside a copy. */
interface CopyInfo {
  readonly url: string;
  readonly etag: string | null;
  readonly lastModified: string | null;
  readonly fetchedAt: string;
}

interface Copy {
  readonly info: CopyInfo;
  readonly text: string;
}

/** Reads modules from the network. */
export class RemoteModules {
  readonly #host: RemoteHost;

  constructor(host: RemoteHost) {
    this.#host = host;
  }

  /** Text of a module. Throws `Unresolved` with the reason when it can't be had. */
  async read(url: string): Promise<string> {
    const marked = new URL(url);
    // As k6 does: servers may answer with something made for k6.
    marked.searchParams.append("_k6", "1");
    const first = await this.#get(marked.href, url);
    if (typeof first === "string") return first;
    const second = await this.#get(url, url);
    if (typeof second === "string") return second;
    throw new Unresolved(`The module "${url}" couldn't be loaded: the server answered ${second.status}`);
  }

  /** The text, or the status that the server answered instead. */
  async #get(url: string, name: string): Promise<string | { status: number }> {
    const copy = await this.#copyOf(url);
    let response: Response;
    try {
      response = await this.#host.fetch(url, {
        headers: conditions(copy),
        redirect: "follow",
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      if (response.status === 304 && copy) return copy.text;
      if (!response.ok) {
        await response.body?.cancel();
        return { status: response.status };
      }
      const text = (await response.text()).replace(/^\ufeff/, "");
      await this.#keep(url, response.headers, text);
      return text;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const reason = plainReason(error);
      if (!copy) {
        throw new Unresolved(
          `The module "${name}" couldn't be loaded, and there is no copy of it on this machine: ${reason}`,
        );
      }
      this.#host.warn(
        `The module "${name}" couldn't be loaded (${reason}); the copy of ${copy.info.fetchedAt} is used`,
      );
      return copy.text;
    }
  }

  async #copyOf(url: string): Promise<Copy | undefined> {
    const path = await this.#pathOf(url);
    if (path === null) return undefined;
    try {
      const info: CopyInfo = JSON.parse(await Deno.readTextFile(`${path}.json`));
      return { info, text: await Deno.readTextFile(`${path}.js`) };
    } catch (error) {
      // No copy, or half a one.
      if (error instanceof Deno.errors.NotFound || error instanceof SyntaxError) return undefined;
      throw error;
    }
  }

  async #keep(url: string, headers: Headers, text: string): Promise<void> {
    const path = await this.#pathOf(url);
    if (path === null) return;
    const info: CopyInfo = {
      url,
      etag: headers.get("etag"),
      lastModified: headers.get("last-modified"),
      fetchedAt: new Date().toISOString(),
    };
    try {
      await Deno.mkdir(this.#host.cacheFolder!, { recursive: true });
      await writeWhole(`${path}.js`, text);
      await writeWhole(`${path}.json`, JSON.stringify(info));
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.#host.warn(`The module "${url}" can't be kept for later in ${this.#host.cacheFolder}: ${error.message}`);
    }
  }

  async #pathOf(url: string): Promise<string | null> {
    if (this.#host.cacheFolder === null) return null;
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(url));
    return `${this.#host.cacheFolder}/${encodeHex(digest)}`;
  }
}

/** Another k6d may read the file, or write it, at the same time. */
async function writeWhole(path: string, text: string): Promise<void> {
  const temporary = `${path}.${crypto.randomUUID()}`;
  await Deno.writeTextFile(temporary, text);
  await Deno.rename(temporary, path);
}

function conditions(copy: Copy | undefined): Record<string, string> {
  const headers: Record<string, string> = {};
  if (copy?.info.etag) headers["if-none-match"] = copy.info.etag;
  else if (copy?.info.lastModified) headers["if-modified-since"] = copy.info.lastModified;
  return headers;
}

/** What `fetch` failed for, without its nesting. */
function plainReason(error: Error): string {
  if (error.name === "TimeoutError") return `no answer within ${TIMEOUT_MS / 1000} s`;
  return error.message.split(": ").slice(-2).join(": ");
}

/** The folder for copies: `$XDG_CACHE_HOME/k6d`, or where the system keeps caches; null when there is no home. */
export function cacheFolder(
  env: Readonly<Record<string, string | undefined>>,
  os: typeof Deno.build.os,
): string | null {
  const { XDG_CACHE_HOME, HOME, LOCALAPPDATA } = env;
  if (XDG_CACHE_HOME) return `${XDG_CACHE_HOME}/k6d/modules`;
  if (os === "windows") return LOCALAPPDATA ? `${LOCALAPPDATA}/k6d/modules` : null;
  if (!HOME) return null;
  return os === "darwin" ? `${HOME}/Library/Caches/k6d/modules` : `${HOME}/.cache/k6d/modules`;
}
