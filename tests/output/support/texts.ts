/** Texts for the names and values of tags. */

/** Texts that formats and protocols trip over. */
export const ANY_TEXTS: readonly string[] = [
  'a "quoted" text',
  "comma, semicolon; tab\t",
  "two\nlines\r\n",
  "back\\slash\\",
  "equals=and&",
  "<html>",
  "{json:'x'}",
  "nul\0 and \x01 \x1f \x7f \x80",
  "high \ud800 and low \udc00 surrogate",
  "\ud83d",
  "ü ẞ 日本語 😀 \u202e \ufeff \u2028",
  " blanks ",
  "#",
  "0",
  "x".repeat(2000),
];
