/** A test as an archive that k6 and k6d run. */

import { ExitCode } from "../cli/exit_codes.ts";
import { secretsOfOptions, withoutSecrets } from "../output/option_secrets.ts";
import { longEnough } from "../output/secrets.ts";
import { writeArchive } from "../script/archive.ts";
import { fromFileUrl } from "../script/file_url.ts";
import { RunError } from "./run_error.ts";

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

/**
 * Packs a test, without the secrets of its options and without k6's own variables that hold some. Throws a `RunError` when there is
 * no room for it in memory.
 */
export function archiveTest({ compatibilityMode = "extended", ...test }: ArchivedTest): Uint8Array<ArrayBuffer> {
  const options = withoutSecrets(test.options);
  const env = Object.fromEntries(Object.entries(test.env).filter(([name, value]) => !isSecretVariable(name, value)));
  try {
    return writeArchive(
      { ...test, options, env, compatibilityMode },
      { k6version: K6_VERSION, goos: Deno.build.os, dependencies: { k6: "*" } },
    );
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const bytes = test.files.values().reduce((sum, { length }) => sum + length, 0);
    throw new RunError(ExitCode.Failure, `the archive is too large: the test's files have ${bytes} bytes`);
  }
}

/** What is to be said of the secrets of an archive. */
export interface ArchiveSecrets {
  /** What the archive doesn't have: `options.cloud.token`, `K6_CLOUD_TOKEN`. */
  readonly leftOut: readonly string[];
  /** What stands in the text of a module or of another file, which an archive holds as it is. */
  readonly inText: readonly SecretInText[];
}

/** A secret that an archive can't do without. */
export interface SecretInText {
  /** `options.cloud.token` */
  readonly place: string;
  /** The URL of the module or file. */
  readonly module: string;
}

/** What the user must know of such a secret, in one line. */
export function warningOf({ place, module }: SecretInText): string {
  const name = module.startsWith("file:") ? fromFileUrl(module) : module;
  return `the archive holds ${place}, because ${name} has it in its text: take it from a variable (__ENV) instead`;
}

/** Other files than modules are searched up to this size: large ones hold data. */
const SEARCHED_FILE_BYTES = 64 * 1024;

/** Finds the secrets of a test whose modules have these URLs. */
export function archiveSecrets(
  { options, env, files }: Pick<ArchivedTest, "options" | "env" | "files">,
  modules: readonly string[],
): ArchiveSecrets {
  const variables = Object.entries(env).filter(([name, value]) => isSecretVariable(name, value));
  const secrets = [
    ...secretsOfOptions(options),
    ...variables.map(([name, value]) => ({ place: name, texts: [value] })),
  ];
  const sources = Array.from(files)
    .filter(([url, { length }]) => length <= SEARCHED_FILE_BYTES || modules.includes(url))
    .map(([module, bytes]) => ({ module, text: new TextDecoder().decode(bytes) }));
  const inText = secrets.flatMap(({ place, texts }) =>
    sources.filter(({ text }) => longEnough(texts).some((secret) => text.includes(secret)))
      .map(({ module }) => ({ place, module }))
  );
  const places = new Set(secrets.map(({ place }) => place));
  return { leftOut: Array.from(places.difference(new Set(inText.map(({ place }) => place)))), inText };
}

/** The version of k6 whose archives these are. */
const K6_VERSION = "2.2.0";

/** Variables that configure k6 and hold a token, a password or the like; what else the user passes on is the script's. */
function isSecretVariable(name: string, value: string): boolean {
  return /^K6D?_/.test(name) &&
    (/TOKEN|PASSWORD|SECRET|HEADERS|CREDENTIAL|AUTHORIZATION/.test(name) || /:\/\/[^/\s]*@/.test(value));
}
