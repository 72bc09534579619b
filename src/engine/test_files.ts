/** The files of a test, noted while it is loaded, for its archive. */

import { toFileUrl } from "../script/file_url.ts";
import type { LoadHost } from "../script/load.ts";
import type { Program } from "../script/program.ts";
import { absoluteUrl, type TestSource } from "./test_source.ts";

type Reader = Pick<LoadHost, "readTextFile" | "readRemote">;

/** Notes every module that a loader reads. */
export class TestFiles {
  readonly #source: TestSource;
  /** Texts by URL. */
  readonly #modules = new Map<string, string>();

  constructor(source: TestSource) {
    this.#source = source;
  }

  /** What the loader is to read through. */
  get reader(): Reader {
    const { host } = this.#source;
    return {
      readTextFile: async (path) => this.#note(toFileUrl(path), await host.readTextFile(path)),
      readRemote: async (url) => this.#note(url, await host.readRemote(url)),
    };
  }

  /** Every file that the test imports or, by their paths, `opened`, by its URL. */
  all(program: Program, opened: ReadonlyMap<string, SharedArrayBuffer>): Map<string, Uint8Array> {
    const { entry, host } = this.#source;
    const encoder = new TextEncoder();
    const files = new Map<string, Uint8Array>();
    for (const [url, text] of this.#modules) files.set(url, encoder.encode(text));
    if ("stdin" in entry) files.set(scriptUrl(program), encoder.encode(entry.stdin));
    for (const [path, bytes] of opened) files.set(absoluteUrl(path, host.cwd), new Uint8Array(bytes));
    return files;
  }

  #note(url: string, text: string): string {
    this.#modules.set(url, text);
    return text;
  }
}

/** URL of the script itself. */
export function scriptUrl(program: Program): string {
  return program.modules.at(-1)!.url;
}
