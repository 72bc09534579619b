/** A test as an archive that k6 and k6d run. */

import { writeArchive } from "../script/archive.ts";

/** What goes into the archive of a test. */
export interface ArchivedTest {
  /** URL of the script. */
  readonly filename: string;
  /** URL of the folder that relative paths start from. */
  readonly pwd: string;
  /** Every file that the test imports or opens, by its URL. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** The options of all layers, in the shape in which a script exports them. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Variables for `__ENV`. */
  readonly env: Readonly<Record<string, string>>;
  /** Default `extended`. */
  readonly compatibilityMode?: string;
}

/** Packs a test. */
export function archiveTest({ compatibilityMode = "extended", ...test }: ArchivedTest): Uint8Array<ArrayBuffer> {
  return writeArchive(
    { ...test, compatibilityMode },
    { k6version: K6_VERSION, goos: Deno.build.os, dependencies: { k6: "*" } },
  );
}

/** The version of k6 whose archives these are. */
const K6_VERSION = "2.2.0";
