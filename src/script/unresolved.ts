/** What a specifier names cannot be had. The message says what and why; who asked for it adds the place. */
export class Unresolved extends Error {
  override name = "Unresolved";
}
