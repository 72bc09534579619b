/**
 * A cloud that says how old metrics are when they come: the contract server of the tests, in a process of its own. Prints a line with
 * its origin; when its standard input ends, a line with what it has received.
 */

import { ACCOUNT, ContractServer, type ReceivedPush } from "../../tests/support/cloud/contract_server.ts";
import { ROOT } from "../repository.ts";

/** What was received in one test run. */
export interface ReceivedMetrics {
  readonly pushes: number;
  /** Of the whole run. */
  readonly series: number;
  /** From the beginning of a push's first window, and so at least the age of its oldest sample, to its arrival. */
  readonly oldestAgeMs: number;
  /** What the output did that the contract doesn't allow. */
  readonly violations: readonly string[];
}

/** A running cloud. */
export interface CloudReceiver extends AsyncDisposable {
  /** What an output needs to find it. */
  readonly env: Readonly<Record<string, string>>;
  /** Ends it: what it has received. */
  received(): Promise<ReceivedMetrics>;
}

/** Starts one on a free loopback port. */
export async function startCloudReceiver(): Promise<CloudReceiver> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "scripts/bench/cloud_receiver.ts"],
    cwd: ROOT,
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const nextLine = async (): Promise<unknown> => {
    while (!text.includes("\n")) {
      const { value, done } = await lines.read();
      if (done) throw new Error("the receiver of metrics ended");
      text += value;
    }
    const line = text.slice(0, text.indexOf("\n"));
    text = text.slice(line.length + 1);
    return JSON.parse(line);
  };
  const origin = await nextLine() as string;
  let isEnding = false;
  const end = async () => {
    if (!isEnding) await child.stdin.close();
    isEnding = true;
  };
  return {
    env: {
      K6_CLOUD_HOST: origin,
      K6_CLOUD_HOST_V6: origin,
      K6_CLOUD_TOKEN: ACCOUNT.token,
      K6_CLOUD_STACK_ID: String(ACCOUNT.stackId),
    },
    async received() {
      await end();
      return await nextLine() as ReceivedMetrics;
    },
    async [Symbol.asyncDispose]() {
      await end();
      await child.status;
      await lines.cancel();
    },
  };
}

if (import.meta.main) {
  await using server = await ContractServer.start();
  await say(server.origin);
  for await (const _ of Deno.stdin.readable);
  await say(await summary(server));
}

async function summary(server: ContractServer): Promise<ReceivedMetrics> {
  const id = server.calls.find(({ operation }) => operation === "v2.pushMetrics")?.request.path.split("/").at(-1) ?? "";
  const pushes = await server.pushes(id);
  return {
    pushes: pushes.length,
    series: (await server.store.series(id)).length,
    oldestAgeMs: Math.max(...pushes.map(ageMs)),
    violations: server.violations,
  };
}

function ageMs({ set, atEpochMs }: ReceivedPush): number {
  const starts = set.metrics.flatMap(({ series }) =>
    series.flatMap(({ samples }) => samples?.values.map(({ time }) => time.seconds) ?? [])
  );
  return atEpochMs - Math.min(...starts) * 1000;
}

async function say(value: unknown): Promise<void> {
  await Deno.stdout.write(new TextEncoder().encode(`${JSON.stringify(value)}\n`));
}
