import { assert, assertEquals, assertThrows } from "@std/assert";
import * as fc from "fast-check";
import { Http2ConnectionError } from "../../../src/net/http2/error_codes.ts";
import { FrameReader, type FrameSink } from "../../../src/net/http2/frame_reader.ts";
import { Flag, frame, FrameType, MAX_FRAME_BYTES } from "../../../src/net/http2/frames.ts";
import { concat } from "../../support/bytes.ts";

/** Writes down what a reader finds; the parts of a body joined. */
class Recorder implements FrameSink {
  readonly frames: string[] = [];
  #body = "";

  data(stream: number, bytes: Uint8Array, from: number, to: number): void {
    assert(stream > 0 && from < to);
    this.#body += bytes.subarray(from, to).toHex();
  }

  dataEnd(stream: number, windowBytes: number, endsStream: boolean): void {
    this.frames.push(`data ${stream} ${windowBytes} ${endsStream} ${this.#body}`);
    this.#body = "";
  }

  frame(type: number, flags: number, stream: number, payload: Uint8Array): void {
    this.frames.push(`${type} ${flags} ${stream} ${payload.toHex()}`);
  }
}

function read(bytes: Uint8Array, cuts: readonly number[] = []): string[] {
  const recorder = new Recorder();
  const reader = new FrameReader(recorder);
  const ends = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  let at = 0;
  for (const end of [...ends, bytes.length]) {
    // Memory of its own, as from a socket, which is then used for something else.
    const chunk = bytes.slice(at, end);
    reader.read(chunk);
    chunk.fill(0xaa);
    at = end;
  }
  return recorder.frames;
}

const anyFrame = fc.record({
  type: fc.integer({ min: 0, max: 12 }),
  flags: fc.constantFrom(0, 1, 4, 5),
  stream: fc.integer({ min: 1, max: 9 }),
  payload: fc.oneof(fc.uint8Array({ maxLength: 60 }), fc.uint8Array({ minLength: 56, maxLength: 300 })),
});

Deno.test("frames are found however they are split", () => {
  fc.assert(fc.property(fc.array(anyFrame, { maxLength: 8 }), fc.array(fc.nat(2000)), (frames, cuts) => {
    const bytes = concat(frames.map(({ type, flags, stream, payload }) => frame(type, flags, stream, payload)));
    const expected = frames.map(({ type, flags, stream, payload }) =>
      type === FrameType.Data
        ? `data ${stream} ${payload.length} ${(flags & 1) === 1} ${payload.toHex()}`
        : `${type} ${flags} ${stream} ${payload.toHex()}`
    );
    assertEquals(read(bytes, cuts), expected);
  }));
});

Deno.test("padding of a body is left out, but counts", () => {
  const padded = (padding: number, body: readonly number[]) =>
    frame(FrameType.Data, Flag.Padded, 1, Uint8Array.of(padding, ...body, ...new Uint8Array(padding)));
  const bytes = concat([padded(3, [1, 2]), padded(0, [4]), padded(2, []), padded(0, [])]);
  for (let cut = 0; cut <= bytes.length; cut++) {
    assertEquals(read(bytes, [cut]), [
      "data 1 6 false 0102",
      "data 1 2 false 04",
      "data 1 3 false ",
      "data 1 1 false ",
    ]);
  }
});

Deno.test("a body is handed on before its frame is complete", () => {
  let received = 0;
  const reader = new FrameReader({
    data: (_stream, _bytes, from, to) => received += to - from,
    dataEnd: () => {},
    frame: () => {},
  });
  reader.read(frame(FrameType.Data, 0, 1, new Uint8Array(1000)).subarray(0, 400));
  assertEquals(received, 391);
});

Deno.test("frames that are too long, padded beyond their end, or bodies of no stream are refused", () => {
  const wrong = [
    Uint8Array.of(0, 0x40, 1, 0, 0, 0, 0, 0, 1),
    Uint8Array.of(0xff, 0xff, 0xff, 6, 0, 0, 0, 0, 0),
    frame(FrameType.Data, Flag.Padded, 1, Uint8Array.of(3, 1, 2)),
    frame(FrameType.Data, Flag.Padded, 1, new Uint8Array(0)),
    frame(FrameType.Data, 0, 0, Uint8Array.of(1)),
  ];
  for (const bytes of wrong) {
    for (let cut = 0; cut <= bytes.length; cut++) assertThrows(() => read(bytes, [cut]), Http2ConnectionError);
  }
  assertEquals(read(frame(FrameType.Ping, 0, 0, new Uint8Array(MAX_FRAME_BYTES))).length, 1);
});
