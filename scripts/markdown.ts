/** Pieces of the pages that are made of tables in the sources; `deno fmt` aligns them. */

/** A table; bars in its cells are escaped. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** Text as it is typed. */
export function code(text: string): string {
  return `\`${text}\``;
}
