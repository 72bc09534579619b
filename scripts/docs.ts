/** `deno task docs`: writes what is generated, the page of options and Grafana's dashboards. */

import { DASHBOARDS, dashboardText } from "./dashboards/dashboard.ts";
import { optionsPage } from "./options_page.ts";
import { denoCommand, ROOT } from "./repository.ts";

const options = `${ROOT}docs/options.md`;
await Deno.writeTextFile(options, optionsPage());
for (const { mode, file } of DASHBOARDS) await Deno.writeTextFile(ROOT + file, dashboardText(mode));
const { code } = await denoCommand(["fmt", "--quiet", options]).spawn().status;
Deno.exit(code);
