/** A mistake in the options, in any layer. The message is complete and for the user; the run ends with exit code 104. */
export class OptionsError extends Error {
  override name = "OptionsError";
}
