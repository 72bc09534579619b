/** What an operator sets: what clients are told about how to send. */

/** The settings; all are read at each call, so that they may change. */
export interface Settings {
  /**
   * What the creation of a streamed run answers with as `config`; keys of the client's configuration. What it
   * says of windows and batches must fit to the two settings below.
   */
  override: Readonly<Record<string, unknown>> | null;
  /** Lines for the user's terminal, told at the creation of a streamed run. */
  messages: readonly { readonly level: string; readonly message: string }[];
  /** Length of the windows that streamed runs send; null for any. */
  aggregationPeriodSeconds: number | null;
  /** How many time series a push of a streamed run may have; null for any number. */
  maxSeriesInBatch: number | null;
  /** How local executions send metrics and logs. */
  local: LocalExecutionSettings;
  /** Whether runs may ask for secrets. */
  secrets: boolean;
  /** Elements on a page of a list. */
  pageSize: number;
}

/** Durations are texts such as `3s` where they don't say otherwise. */
export interface LocalExecutionSettings {
  readonly pushInterval: string;
  readonly pushConcurrency: number;
  readonly aggregationPeriodSeconds: number;
  readonly aggregationWaitPeriod: string;
  readonly maxSeriesInBatch: number;
  readonly logs: LogSettings;
}

/** What local executions may send of their logs. */
export interface LogSettings {
  readonly limit: number;
  readonly pushPeriod: string;
  readonly level: string;
  readonly maxMessageBytes: number;
  readonly allowedLabels: readonly string[];
}

/** What clients do on their own. */
export function defaultSettings(): Settings {
  return {
    override: null,
    messages: [],
    aggregationPeriodSeconds: null,
    maxSeriesInBatch: null,
    local: {
      pushInterval: "1s",
      pushConcurrency: 1,
      aggregationPeriodSeconds: 3,
      aggregationWaitPeriod: "8s",
      maxSeriesInBatch: 1000,
      logs: {
        limit: 100,
        pushPeriod: "1s",
        level: "info",
        maxMessageBytes: 1_048_576,
        allowedLabels: ["test_run_id", "level", "instance_id", "lz"],
      },
    },
    secrets: false,
    pageSize: 1000,
  };
}
