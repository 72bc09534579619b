/** Where a script exports a function. */

import type { Program } from "./program.ts";

/** `file:///script.js:3`, or only the file where the line can't be told. Compiled code keeps the author's lines. */
export function placeOfExport({ modules }: Program, name: string): string {
  const { url, code, sourceMap } = modules.at(-1)!;
  const local = RegExp(`get ${RegExp.escape(JSON.stringify(name))}\\(\\)\\{return ([\\w$]+)\\}`).exec(code)?.[1];
  if (sourceMap !== undefined || local === undefined) return url;
  const escaped = RegExp.escape(local);
  // The suspending form, where there is one, stands in the author's place.
  const forms = [
    `function\\* ?${escaped}\\$k_*s\\b`,
    `(?:function\\*?|const|let|var|class) ${escaped}\\b`,
    `:${escaped}\\}=`,
  ];
  for (const form of forms) {
    const index = code.split("\n").findIndex((line) => RegExp(form).test(line));
    if (index >= 0) return `${url}:${index + 1}`;
  }
  return url;
}
