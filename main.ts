/** The entry of k6d. */

import { main } from "./src/cli/main.ts";

if (import.meta.main) Deno.exit(await main(Deno.args, Deno.env.toObject()));
