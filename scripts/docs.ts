/** `deno task docs`: writes what is generated, pages of the documentation and Grafana's dashboards. */

import { DASHBOARDS, dashboardText } from "./dashboards/dashboard.ts";
import { PAGES } from "./pages.ts";
import { denoCommand, ROOT } from "./repository.ts";

for (const { file, text } of PAGES) await Deno.writeTextFile(ROOT + file, text());
for (const { mode, file } of DASHBOARDS) await Deno.writeTextFile(ROOT + file, dashboardText(mode));
const { code } = await denoCommand(["fmt", "--quiet", ...PAGES.map(({ file }) => ROOT + file)]).spawn().status;
Deno.exit(code);
