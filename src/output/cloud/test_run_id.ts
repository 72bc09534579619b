/** Ids of test runs: the service's own words, which k6d puts into paths, headers and lines. */

/** What `isTestRunId` asks for, for messages. */
export const A_TEST_RUN_ID = "1 to 256 visible ASCII characters, and not only dots";

/** Whether a text can stand in all these places as it is, or percent-encoded. An address would take `..` for the folder above. */
export function isTestRunId(text: string): boolean {
  return /^[\x21-\x7e]{1,256}$/.test(text) && !/^\.+$/.test(text);
}
