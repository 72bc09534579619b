/** A server program that a test starts and stops, with a folder of its own. */

/** How a test asks a server: `fetch`, or one with the certificates and the password that the server wants. */
export type Fetcher = (url: string) => Promise<Response>;

/** A running program; disposing of it ends the process and removes its folder. */
export class ChildServer implements AsyncDisposable {
  readonly folder: string;
  readonly #process: Deno.ChildProcess;

  private constructor(folder: string, process: Deno.ChildProcess) {
    this.folder = folder;
    this.#process = process;
  }

  /** Starts the program and waits until `readyUrl` answers with 200; throws with the program's last words when it ends before. */
  static async start(
    path: string,
    args: (folder: string) => string[],
    readyUrl: string,
    fetcher: Fetcher = fetch,
  ): Promise<ChildServer> {
    const folder = await Deno.makeTempDir({ prefix: "k6d-test-" });
    const logFile = `${folder}/stderr.log`;
    // Through a shell only to send the output to a file: nobody has to read it while the program runs.
    const command = new Deno.Command("/bin/sh", {
      args: ["-c", `exec "$0" "$@" >${logFile} 2>&1`, path, ...args(folder)],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    });
    const server = new ChildServer(folder, command.spawn());
    try {
      await server.#ready(readyUrl, fetcher);
    } catch (error) {
      const log = await Deno.readTextFile(logFile);
      await server[Symbol.asyncDispose]();
      throw new Error(`${path} did not start: ${log.slice(-2000)}`, { cause: error });
    }
    return server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Killed rather than asked: nothing of its data is kept.
    this.#process.kill("SIGKILL");
    await this.#process.status;
    await Deno.remove(this.folder, { recursive: true });
  }

  async #ready(url: string, fetcher: Fetcher): Promise<void> {
    let ended = false;
    this.#process.status.then(() => ended = true);
    for (const deadline = Date.now() + 10_000; Date.now() < deadline;) {
      if (ended) throw new Error("it ended");
      if (await answers(url, fetcher)) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error("no answer within 10 s");
  }
}

async function answers(url: string, fetcher: Fetcher): Promise<boolean> {
  try {
    const response = await fetcher(url);
    await response.body?.cancel();
    return response.ok;
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}
