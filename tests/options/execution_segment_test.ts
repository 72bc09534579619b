import { assertEquals, assertThrows } from "@std/assert";
import { readExecutionSegment } from "../../src/options/execution_segment.ts";
import { KindError } from "../../src/options/kinds.ts";

const READ: readonly [segment: string | undefined, sequence: string | undefined, weights: number[], index: number][] = [
  [undefined, undefined, [1], 0],
  ["", "", [1], 0],
  ["0:1", undefined, [1], 0],
  ["1/4:1/2", undefined, [1, 1, 2], 1],
  ["25%:50%", undefined, [1, 1, 2], 1],
  ["0.25:.5", undefined, [1, 1, 2], 1],
  ["1/4", undefined, [1, 3], 0],
  ["1/3:2/3", "0,1/3,2/3,1", [1, 1, 1], 1],
  ["1/2:1", "0,1/3,1/2,1", [2, 1, 3], 2],
  ["50%:1", "0,0.5,1", [1, 1], 1],
  ["1/4:1/2", "1/4,1/2", [1, 1, 2], 1],
  ["33.3%:1", undefined, [333, 667], 1],
];

for (const [segment, sequence, weights, index] of READ) {
  Deno.test(`segment ${segment} of ${sequence}`, () => {
    assertEquals(readExecutionSegment(segment, sequence), { weights, index });
  });
}

const REFUSED: readonly [segment: string, sequence: string, message: string][] = [
  ["1/2:1/4", "", "has to end after its start"],
  ["1/2:1/2", "", "has to end after its start"],
  ["0:1/2:1", "", "expected from:to"],
  ["0:2", "", "expected a number from 0 to 1"],
  ["0:1/0", "", "expected a number from 0 to 1"],
  ["0:a", "", "expected a number such as 1/3, 25% or 0.25"],
  ["-1:1", "", "expected a number such as"],
  ["0:1/3", "0,1/2,1", "is not part of the sequence 0,1/2,1"],
  ["", "0,1/2,1", "the execution segment 0:1 is not part of"],
  ["0:1/2", "0,1,1/2", "its numbers have to rise"],
  ["0:1/2", "1", "at least two numbers"],
  ["0:1/1000003", "", "common denominator 1000003"],
];

for (const [segment, sequence, message] of REFUSED) {
  Deno.test(`refused: segment ${segment} of ${sequence}`, () => {
    assertThrows(() => readExecutionSegment(segment, sequence), KindError, message);
  });
}
