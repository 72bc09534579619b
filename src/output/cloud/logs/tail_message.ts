/** What a message of a followed log says: Loki's, as its "Tail logs" endpoint sends them. */

import { asObject } from "../../setting_values.ts";

/** A line with the labels of its stream. */
export interface TimedLine {
  readonly message: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly atEpochNs: bigint;
}

/** A message that was understood. */
export interface TailMessage {
  /** Stream by stream. */
  readonly lines: TimedLine[];
  /** How many lines the service could not send in time. */
  readonly dropped: number;
}

/** Reads `{"streams":[{"stream":{"level":"info"},"values":[["<ns>","line"]]}],"dropped_entries":[…]}`; null for anything else. */
export function readTailMessage(text: string): TailMessage | null {
  const message = asObject(parsed(text));
  if (message === undefined) return null;
  const lines: TimedLine[] = [];
  for (const stream of listOf(message["streams"])) {
    const { stream: given, values } = asObject(stream) ?? {};
    const labels = Object.fromEntries(
      Object.entries(asObject(given) ?? {}).map(([name, value]) => [name, String(value)]),
    );
    for (const value of listOf(values)) {
      const [time, line] = listOf(value);
      if (!NANOSECONDS.test(String(time)) || typeof line !== "string") return null;
      lines.push({ message: line, labels, atEpochNs: BigInt(String(time)) });
    }
  }
  return { lines, dropped: listOf(message["dropped_entries"]).length };
}

/** Since 1970, until the year 2286. */
const NANOSECONDS = /^\d{1,19}$/;

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
