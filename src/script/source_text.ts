/** Finding one's way in source text between the nodes of its tree. */

/** Offset of `token` at or after `from`, over blanks, comments, closing parentheses and commas. */
export function skipTo(text: string, from: number, token: string): number {
  let at = from;
  while (!text.startsWith(token, at)) {
    if (text.startsWith("//", at)) at = text.slice(at).search(/[\n\r\u2028\u2029]/) + at;
    else if (text.startsWith("/*", at)) at = text.indexOf("*/", at) + 2;
    else at++;
  }
  return at;
}

/** Offset of the first character at or after `from` that is neither blank nor comment. */
export function skipBlanks(text: string, from: number): number {
  return /^(?:\s|\/\/[^\n\r\u2028\u2029]*|\/\*[^]*?\*\/)*/.exec(text.slice(from))![0].length + from;
}
