/** One thing that the service can be asked for, and what its code gets to see of the call. */

import type { HubRequest, HubResponse } from "./http.ts";
import type { Settings } from "./settings.ts";
import type { Store } from "./store.ts";

/** Every operation, by the name under which it is logged. */
export type OperationName =
  | "v1.createTestRun"
  | "v1.finishTestRun"
  | "v1.stopTestRun"
  | "v1.testProgress"
  | "v1.validateToken"
  | "v1.login"
  | "v1.validateOptions"
  | "v1.uploadArchive"
  | "v2.pushMetrics"
  | "v6.auth"
  | "v6.validateOptions"
  | "v6.projects"
  | "v6.loadZones"
  | "v6.loadTests"
  | "v6.createLoadTest"
  | "v6.uploadScript"
  | "v6.startTestRun"
  | "v6.testRun"
  | "v6.abortTestRun"
  | "provisioning.startLocalExecution"
  | "provisioning.uploadArchive"
  | "provisioning.notify"
  | "provisioning.decryptSecret"
  | "logs.push"
  | "logs.tail";

/** A call of an operation. */
export interface Call {
  readonly request: HubRequest;
  /** What stands for the `:names` of the operation's path, decoded. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly store: Store;
  readonly settings: Settings;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** To be told of what the service can live with and a correct client doesn't do. */
  readonly deviates: (rule: string) => void;
}

/** An operation: where it is, and what it does. */
export interface Operation {
  readonly name: OperationName;
  readonly method: string;
  /** `/v1/tests/:id`. */
  readonly path: string;
  /** Shape of its error bodies. */
  readonly api: "v1" | "v6";
  /** Answers, or throws an `ApiError`. */
  readonly answer: (call: Call) => Promise<HubResponse>;
}
