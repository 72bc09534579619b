/** Waiting for a server that another process starts. */

/** Resolves once somebody listens on a loopback port; fails after 20 seconds. */
export async function waitForPort(port: number): Promise<void> {
  for (let attempt = 0;; attempt++) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return;
    } catch (error) {
      if (!(error instanceof Deno.errors.ConnectionRefused) || attempt === 1000) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
