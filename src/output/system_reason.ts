/** Why the system could not do something with a file, for messages that name the file themselves. */

/** The system's words, without the number and the call that Deno adds: `Permission denied`. */
export function systemReason({ message }: Error): string {
  return message.replace(/ \(os error \d+\).*$/s, "");
}
