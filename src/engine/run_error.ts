/** Why a run ends before its time. */

import type { LogFields } from "../worker/messages.ts";

/** A run that can't even begin, or begin its scenarios: a message for the user and the exit code. */
export class RunError extends Error {
  override name = "RunError";
  readonly code: number;
  /** Of the log line that says it. */
  readonly fields: LogFields;

  constructor(code: number, message: string, fields: LogFields = {}) {
    super(message);
    this.code = code;
    this.fields = fields;
  }
}
