/** Terminal colours that can be switched off. */

/** Wraps text in a terminal style, or returns it unchanged when colours are off. */
export type Paint = (text: string) => string;

/** Functions that put text into a style; they return it unchanged without colours. */
export interface Style {
  readonly bold: Paint;
  readonly faint: Paint;
  readonly red: Paint;
  readonly green: Paint;
  readonly yellow: Paint;
  readonly cyan: Paint;
  readonly faintCyan: Paint;
}

const plain: Paint = (text) => text;
const sgr = (codes: string): Paint => (text) => `\x1b[${codes}m${text}\x1b[0m`;

const PLAIN: Style = {
  bold: plain,
  faint: plain,
  red: plain,
  green: plain,
  yellow: plain,
  cyan: plain,
  faintCyan: plain,
};

const COLORED: Style = {
  bold: sgr("1"),
  faint: sgr("2"),
  red: sgr("31"),
  green: sgr("32"),
  yellow: sgr("33"),
  cyan: sgr("36"),
  faintCyan: sgr("36;2"),
};

/** The styles to write with. */
export function styleFor(color: boolean): Style {
  return color ? COLORED : PLAIN;
}
