/** A test of which only the first init stage runs: for commands that look at a script without running it. */

import type { Log } from "../cli/log.ts";
import type { MetricRegistry } from "../metrics/registry.ts";
import type { RunSettings } from "../options/types.ts";
import { withSecretsOf } from "../output/option_secrets.ts";
import { toFileUrl } from "../script/file_url.ts";
import { loadProgram } from "../script/load.ts";
import type { Program } from "../script/program.ts";
import { scriptUrl, TestFiles } from "./test_files.ts";
import { openTestSource } from "./test_source.ts";
import { type ScriptFacts, TestRun } from "./test_run.ts";

/** What is known of a test after its first init stage. */
export interface StudiedTest {
  readonly program: Program;
  readonly facts: ScriptFacts;
  /** With the script's own metrics. */
  readonly registry: MetricRegistry;
  /** The options that the script exports, or that its archive holds. */
  readonly options: unknown;
  /** URL of the script. */
  readonly filename: string;
  /** URL of the folder that relative paths start from. */
  readonly pwd: string;
  /** Every file that the test imports or opens, by its URL. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** `__ENV` of the script. */
  readonly env: Readonly<Record<string, string>>;
}

/** Loads a script and runs its first init stage. Throws what `reportFailure` understands. */
export async function studyTest(settings: RunSettings, log: Log): Promise<StudiedTest> {
  const run = new TestRun(settings, log);
  try {
    run.startFirstWorker();
    const warn = (message: string): void => log.warn(message);
    const source = await openTestSource(settings.script, settings.type, warn);
    const { entry, host, openFile, archive } = source;
    const files = new TestFiles(source);
    const program = await loadProgram(entry, { ...host, warn, ...files.reader });
    const env = { ...settings.systemEnv, ...archive?.env, ...settings.givenEnv };
    const facts = await run.init({ program, env, openFile });
    return {
      program,
      facts,
      registry: run.registry,
      options: archive === null ? facts.options : withSecretsOf(facts.options, archive.options),
      filename: scriptUrl(program),
      pwd: toFileUrl(host.cwd),
      files: files.all(program, facts.files),
      env,
    };
  } finally {
    run.dispose();
  }
}
