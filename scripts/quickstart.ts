/** `deno task quickstart`: runs `examples/quickstart.ts` against a small target on loopback; nothing else to install. */

import { denoCommand, V8_FLAGS } from "./repository.ts";
import { startTarget } from "./target.ts";

let exitCode: number;
{
  await using target = startTarget();
  const child = denoCommand(["run", "-A", V8_FLAGS, "main.ts", "run", ...Deno.args, "examples/quickstart.ts"], {
    env: { BASE_URL: target.url },
  }).spawn();
  // Ctrl-C reaches k6d as well, which then stops gracefully and prints its summary: wait for that.
  Deno.addSignalListener("SIGINT", () => {});
  exitCode = (await child.status).code;
}
Deno.exit(exitCode);
