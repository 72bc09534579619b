/** A run that somebody else makes and finishes, perhaps for several instances at once (`K6_CLOUD_PUSH_REF_ID`). */

import type { OutputContext } from "../output.ts";
import type { RemoteSecrets } from "../run_facts.ts";
import type { CloudConfig } from "./config.ts";
import { type LifeCycle, runOfId, type StartedRun } from "./life_cycle.ts";
import { LogPush } from "./logs/log_push.ts";

/** Its life here: what the settings say of it. */
export class JoinedRun implements LifeCycle {
  readonly #id: string;
  readonly #config: CloudConfig;
  readonly #context: OutputContext;
  #logs: LogPush | null = null;

  constructor(id: string, config: CloudConfig, context: OutputContext) {
    this.#id = id;
    this.#config = config;
    this.#context = context;
  }

  start(): Promise<StartedRun> {
    const { scopedPush, logsPush } = this.#config;
    const { launch } = this.#context;
    if (logsPush !== null && launch.pushesLogs) this.#logs = new LogPush(logsPush, this.#id, this.#context);
    return Promise.resolve({
      ...runOfId(this.#id),
      push: scopedPush,
      secrets: launch.readsSecrets ? ownSecrets(this.#config, scopedPush?.testRunToken ?? null) : null,
    });
  }

  async finish(): Promise<void> {
    await this.#logs?.close();
  }
}

/** Where the user's settings say that secrets are; null where they don't. */
export function ownSecrets({ secretSource }: CloudConfig, testRunToken: string | null): RemoteSecrets | null {
  const { endpoint, responsePath } = secretSource;
  const token = secretSource.token ?? testRunToken;
  return endpoint === null || token === null ? null : { endpoint, responsePath, token };
}
