/** The life of a run by the first API (`run --out cloud`): made there, or taken over by its id, and finished there. */

import type { OutputContext } from "../output.ts";
import type { RemoteSecrets, RunEnding } from "../run_facts.ts";
import { longEnough } from "../secrets.ts";
import { type CreatedTestRun, V1Api } from "./api/v1_api.ts";
import type { CloudClient } from "./api/cloud_client.ts";
import type { CloudConfig } from "./config.ts";
import { JoinedRun } from "./joined_life_cycle.ts";
import { type LifeCycle, type NewTest, runOfId, type StartedRun } from "./life_cycle.ts";
import { runResult } from "./run_result.ts";

/** The life cycle that the settings ask for. */
export function v1LifeCycle(config: CloudConfig, client: CloudClient, context: OutputContext): LifeCycle {
  const { pushRefId, testRunId } = config;
  if (pushRefId !== null) return new JoinedRun(pushRefId, config, context);
  return new V1LifeCycle(new V1Api(client, config), testRunId, context.redact);
}

class V1LifeCycle implements LifeCycle {
  readonly #api: V1Api;
  /** Of a run that exists, and that k6d finishes all the same (`K6_CLOUDRUN_TEST_RUN_ID`). */
  readonly #existingId: string | null;

  readonly #redact: OutputContext["redact"];

  constructor(api: V1Api, existingId: string | null, redact: OutputContext["redact"]) {
    this.#api = api;
    this.#existingId = existingId;
    this.#redact = redact;
  }

  async start({ archive, ...test }: NewTest, signal: AbortSignal): Promise<StartedRun> {
    if (this.#existingId !== null) return runOfId(this.#existingId);
    const run = await this.#api.createTestRun({ ...test, archive: archive?.() ?? null }, signal);
    const { id, config, messages, testRunToken } = run;
    // Also when it is of no use, because there are no secrets to read.
    longEnough([testRunToken ?? ""]).forEach(this.#redact);
    return { ...runOfId(id), override: config, messages, secrets: secretsOf(run) };
  }

  async finish({ id }: StartedRun, ending: RunEnding, signal: AbortSignal): Promise<void> {
    await this.#api.finishTestRun(id, runResult(ending), signal);
  }
}

function secretsOf({ secrets, testRunToken }: CreatedTestRun): RemoteSecrets | null {
  return secrets === null || testRunToken === null ? null : { ...secrets, token: testRunToken };
}
