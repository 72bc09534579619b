/** `deno task docs`: writes the generated pages of the documentation. */

import { optionsPage } from "./options_page.ts";
import { denoCommand, ROOT } from "./repository.ts";

const path = `${ROOT}docs/options.md`;
await Deno.writeTextFile(path, optionsPage());
const { code } = await denoCommand(["fmt", "--quiet", path]).spawn().status;
Deno.exit(code);
