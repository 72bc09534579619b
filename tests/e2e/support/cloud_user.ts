/** Somebody with a home of their own who calls `k6d cloud` commands against a contract server. */

import { ACCOUNT, type ContractServer } from "../../support/cloud/contract_server.ts";
import { type K6dResult, runK6d } from "./k6d.ts";

/** Disposing of the user removes the home. */
export class CloudUser implements AsyncDisposable {
  /** Variables that lead k6d to the home and to the server. */
  readonly env: Readonly<Record<string, string>>;
  readonly #home: string;

  private constructor(home: string, { origin }: Pick<ContractServer, "origin">) {
    this.#home = home;
    this.env = { XDG_CONFIG_HOME: home, K6_CLOUD_HOST: origin, K6_CLOUD_HOST_V6: origin };
  }

  static async of(server: Pick<ContractServer, "origin">): Promise<CloudUser> {
    return new CloudUser(await Deno.makeTempDir({ prefix: "k6d-home-" }), server);
  }

  /** k6d's configuration file, which need not be there. */
  get configFile(): string {
    return `${this.#home}/k6/config.json`;
  }

  async writeConfig(text: string): Promise<void> {
    await Deno.mkdir(this.configFile.slice(0, this.configFile.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(this.configFile, text);
  }

  /** What `k6d cloud login` would store. */
  async logIn(): Promise<void> {
    const { token, stackId, stackUrl, defaultProjectId } = ACCOUNT;
    const cloud = { token, stackID: stackId, stackURL: stackUrl, defaultProjectID: defaultProjectId };
    await this.writeConfig(JSON.stringify({ collectors: { cloud } }));
  }

  async storedCloud(): Promise<unknown> {
    return JSON.parse(await Deno.readTextFile(this.configFile)).collectors.cloud;
  }

  run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<K6dResult> {
    return runK6d({ args, env: { ...this.env, ...env } });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#home, { recursive: true });
  }
}
