/** How a run becomes known to the cloud, and how the cloud learns of its end: there are several ways to take part in a run. */

import { type OutputContext, OutputError } from "../output.ts";
import type { RemoteSecrets, RunEnding } from "../run_facts.ts";
import type { CloudClient } from "./api/cloud_client.ts";
import type { ScopedPush } from "./api/metrics_api.ts";
import type { CloudConfig } from "./config.ts";

/** One of the ways. Its calls are bounded by their signals; they reject with a `CloudApiError`, or an `OutputError` for all else. */
export interface LifeCycle {
  /** Makes the run, or joins one that exists. */
  start(test: NewTest, signal: AbortSignal): Promise<StartedRun>;
  /**
   * Tells how the run ended, after its last metrics; does nothing where somebody else does. Comes once, and only after `start` has
   * succeeded.
   */
  finish(run: StartedRun, ending: RunEnding, signal: AbortSignal): Promise<void>;
}

/** The run that was made has been ended again: nobody needs to finish it. */
export class RunAbandoned extends OutputError {}

/** Makes the life cycle of a run. `client` is for its calls, and closed by the output. */
export type LifeCycleFactory = (config: CloudConfig, client: CloudClient, context: OutputContext) => LifeCycle;

/** What the cloud is told of a test that is about to start. */
export interface NewTest {
  readonly name: string;
  /** Null: the service knows one. */
  readonly projectId: number | null;
  readonly maxVus: number;
  /** Whole seconds, graceful stops included. */
  readonly durationSeconds: number;
  /** Expressions by metric. */
  readonly thresholds: Readonly<Record<string, readonly string[]>>;
  /** Packs the test, or throws an `OutputError`; null: the user keeps it to themselves. */
  readonly archive: (() => Uint8Array<ArrayBuffer>) | null;
}

/** A run that the cloud knows. */
export interface StartedRun {
  readonly id: string;
  /** Settings that the service wants to have changed, whatever JSON it gave; undefined: none. */
  readonly override: unknown;
  /** Lines for the user; levels other than `debug`, `info`, `warn` and `warning` count as errors. */
  readonly messages: readonly { readonly level: string; readonly message: string }[];
  /** Where metrics go, with a token for this run alone; null: where all do, with the user's token. */
  readonly push: ScopedPush | null;
  /** Where the service gives the run's secrets; null: nowhere. */
  readonly secrets: RemoteSecrets | null;
  /** The run's page, where the service says; null: the settings tell. */
  readonly pageUrl: string | null;
}

/** A run of which only the id is known. */
export function runOfId(id: string): StartedRun {
  return { id, override: undefined, messages: [], push: null, secrets: null, pageUrl: null };
}
