/** Where a script exports a function. */

import type { Program } from "./program.ts";

/** `file:///script.js:3`, or only the file where the line can't be told. Compiled code keeps the author's lines. */
export function placeOfExport({ modules }: Program, name: string): string {
  const { url, code, sourceMap } = modules.at(-1)!;
  if (sourceMap !== undefined) return url;
  const declared = name === "default" ? /\$kD\}?=/ : RegExp(`\\b(function\\*?|const|let|var)\\s+${name}\\b`);
  const index = code.split("\n").findIndex((line) => declared.test(line));
  return index < 0 ? url : `${url}:${index + 1}`;
}
