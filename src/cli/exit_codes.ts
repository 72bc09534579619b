/** Exit codes of k6d: the same as k6's. */

/** Why the process ended. */
export const ExitCode = {
  Success: 0,
  CloudTestRunFailed: 97,
  CloudFailedToGetProgress: 98,
  ThresholdsHaveFailed: 99,
  SetupTimeout: 100,
  TeardownTimeout: 101,
  GenericTimeout: 102,
  ScriptStoppedFromRestApi: 103,
  InvalidConfig: 104,
  /** Ctrl-C or SIGTERM. */
  ExternalAbort: 105,
  CannotStartRestApi: 106,
  /** An exception in the init stage, setup() or teardown(). */
  ScriptException: 107,
  /** `exec.test.abort()` */
  ScriptAborted: 108,
  /** A bug in k6d; k6's name for it. */
  GoPanic: 109,
  /** `exec.test.fail()` */
  MarkedAsFailed: 110,
  /** Anything else: a wrong flag, an unknown output, a missing script. */
  Failure: 255,
} as const;

/** One of the exit codes. */
export type ExitCode = typeof ExitCode[keyof typeof ExitCode];
