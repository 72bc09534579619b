/**
 * `deno run -A scripts/public_suffixes.ts <public_suffix_list.dat>`: makes src/net/public_suffix_list.ts of the list that
 * https://publicsuffix.org publishes. To be run now and then.
 */

import { print, ROOT } from "./repository.ts";

const PATH = `${ROOT}src/net/public_suffix_list.ts`;

const [source] = Deno.args;
if (source === undefined) throw new Error("which file? give the path of public_suffix_list.dat");
const lines = (await Deno.readTextFile(source)).split("\n").map((line) => line.trim());
const rules = lines.filter((line) => line !== "" && !line.startsWith("//")).map(toAscii);
await Deno.writeTextFile(
  PATH,
  `// This Source Code Form is subject to the terms of the Mozilla Public License, v. 2.0. If a copy of the MPL was not
// distributed with this file, You can obtain one at https://mozilla.org/MPL/2.0/.
// Made by scripts/public_suffixes.ts.

/** The rules of https://publicsuffix.org, each between commas: \`,co.uk,\`, \`,*.ck,\`, \`,!www.ck,\`. */
export const PUBLIC_SUFFIX_LIST = // deno-fmt-ignore
  ",${rules.join(",")},";
`,
);
print(`${rules.length} rules written to ${PATH}`);

/** Names as they stand in requests. */
function toAscii(rule: string): string {
  const [, prefix = "", name = ""] = /^(!|\*\.)?(.*)$/.exec(rule) ?? [];
  return prefix + new URL(`http://${name}`).hostname;
}
