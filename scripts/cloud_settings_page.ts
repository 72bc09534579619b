/** The page docs/outputs/cloud/settings.md, made of the table that the cloud output's settings are read by. */

import { type KnownSetting, SETTINGS } from "../src/output/cloud/settings.ts";
import { code, table } from "./markdown.ts";

/** The page as Markdown; not formatted yet. */
export function cloudSettingsPage(): string {
  return `# Settings of the cloud output

<!-- Made by \`deno task docs\` of src/output/cloud/settings.ts: change that. -->

A later source wins over an earlier one, setting by setting:

1. the defaults
2. the configuration file: \`{ "collectors": { "cloud": { "token": "…" } } }\`, where \`k6d cloud login\` puts what it
   asks for
3. the script: \`options.cloud\`, and before it \`options.ext.loadimpact\`, as k6 1 had it
4. the environment
5. the name of the test after \`-o cloud=\`
6. flags of the command line
7. what the service answers when it makes the test run

\`\`\`js
export const options = { cloud: { projectID: 123, name: "checkout", stopOnError: true } };
\`\`\`

In JSON a setting may be written in any case (\`projectId\`), and \`null\` says nothing. Other keys of these objects
(\`distribution\`, \`note\`, \`apm\` …) are left alone. k6 takes no more than \`projectID\`, \`name\`, \`token\` and
\`stackID\` from a script. A
script can't say where the token of the configuration file goes (\`host\`, \`hostv6\`, \`traceHost\`): that is an error.

${settingsTable((setting) => !setting.environmentOnly)}

What runs k6d sets these, or they have flags; files and scripts don't have them:

${settingsTable((setting) => setting.environmentOnly === true)}

What \`tracesEnabled\` and its like are about has [a page](traces.md).

No line of the log shows a token, a password in an address, or a parameter of an address that is named like one.
`;
}

function settingsTable(isListed: (setting: KnownSetting) => boolean): string {
  const all: readonly KnownSetting[] = SETTINGS;
  return table(["setting", "variable", "default", "meaning"], all.filter(isListed).map(row));
}

function row({ key, variable, default: byDefault, meaning }: KnownSetting): string[] {
  return [code(key), variable === null ? "" : code(variable), byDefault === "" ? "" : code(byDefault), meaning];
}
