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
  /** What was really fetched: with or without k6's mark. */
  readonly address: string;
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
    const copy = await this.#copyOf(url);
    try {
      return await this.#fetch(url, copy);
    } catch (error) {
      if (!(error instanceof Error) || error instanceof Unresolved) throw error;
      const reason = plainReason(error);
      if (!copy) {
        throw new Unresolved(
          `The module "${url}" couldn't be loaded, and there is no copy of it on this machine: ${reason}`,
        );
      }
      this.#host.warn(`The module "${url}" couldn't be loaded (${reason}); the copy of ${copy.info.fetchedAt} is used`);
      return copy.text;
    }
  }

  async #fetch(url: string, copy: Copy | undefined): Promise<string> {
    const marked = new URL(url);
    // As k6 does: servers may answer with something made for k6.
    marked.searchParams.append("_k6", "1");
    let status = 0;
    for (const address of [marked.href, url]) {
      const known = copy?.info.address === address ? copy : undefined;
      const response = await this.#host.fetch(address, {
        headers: known ? conditions(known.info) : {},
        redirect: "follow",
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      if (known && response.status === 304) return known.text;
      if (response.ok) {
        const text = (await response.text()).replace(/^\ufeff/, "");
        await this.#keep(url, address, response.headers, text);
        return text;
      }
      await response.body?.cancel();
      status = response.status;
    }
    throw new Unresolved(`The module "${url}" couldn't be loaded: the server answered ${status}`);
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

  async #keep(url: string, address: string, headers: Headers, text: string): Promise<void> {
    const path = await this.#pathOf(url);
    if (path === null) return;
    const info: CopyInfo = {
      url,
      address,
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

function conditions({ etag, lastModified }: CopyInfo): Record<string, string> {
  if (etag !== null) return { "if-none-match": etag };
  return lastModified === null ? {} : { "if-modified-since": lastModified };
}

/** What `fetch` failed for: the innermost cause, without the words around it. */
function plainReason(error: Error): string {
  if (error.name === "TimeoutError") return `no answer within ${TIMEOUT_MS / 1000} s`;
  if (error.cause instanceof Error) return plainReason(error.cause);
  return error.message.replace(/^error sending request.*?\): /, "").replace(/^client error \(\w+\): /, "");
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
