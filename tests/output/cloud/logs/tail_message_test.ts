import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { tailMessage } from "../../../../src/hub/log_tail.ts";
import { readTailMessage } from "../../../../src/output/cloud/logs/tail_message.ts";

Deno.test("lines are read as the hub writes them", () => {
  const line = fc.record({
    message: fc.string(),
    labels: fc.dictionary(fc.constantFrom("level", "lz", "source"), fc.string(), { noNullPrototype: true }),
    atEpochNs: fc.bigInt({ min: 0n, max: 10n ** 19n - 1n }),
  });
  fc.assert(fc.property(fc.array(line), (lines) => {
    const read = readTailMessage(tailMessage(lines));
    assertEquals(read?.dropped, 0);
    const sorted = (some: readonly { readonly atEpochNs: bigint }[]) =>
      some.map((each) => JSON.stringify({ ...each, atEpochNs: String(each.atEpochNs) })).sort();
    assertEquals(
      sorted(read!.lines.map(({ message, labels, atEpochNs }) => ({ message, labels, atEpochNs }))),
      sorted(lines),
    );
  }));
});

Deno.test("whatever a message is, it is read or refused, and its times are those of a date", () => {
  const time = fc.oneof(fc.string(), fc.integer(), fc.bigInt({ min: 0n }).map(String));
  const value = fc.oneof(fc.tuple(time, fc.string()), fc.jsonValue());
  const stream = fc.oneof(
    fc.record({ stream: fc.jsonValue(), values: fc.oneof(fc.array(value), fc.jsonValue()) }),
    fc.jsonValue(),
  );
  const message = fc.record({ streams: fc.oneof(fc.array(stream), fc.jsonValue()), dropped_entries: fc.jsonValue() });
  fc.assert(fc.property(fc.oneof(message.map((each) => JSON.stringify(each)), fc.string()), (text) => {
    for (const { atEpochNs } of readTailMessage(text)?.lines ?? []) {
      assert(!Number.isNaN(new Date(Number(atEpochNs / 1_000_000n)).getTime()));
    }
  }));
});
