/** What a server of HTTP/2 may do wrong, by name. */

import { Flag, frame, FrameType, Setting, settingsFrame } from "../../../src/net/http2/frames.ts";
import { concat } from "../../support/bytes.ts";
import { encodeFields } from "../../support/hpack.ts";
import { answer, type ServedConnection } from "./frame_server.ts";
import { data, goAway, headers, resetStream, uint32, windowUpdate } from "./peer.ts";

/** Does something wrong in place of the answer on stream `id`. */
type Http2Fault = (connection: ServedConnection, id: number) => void;

const OK = { ":status": "200" };

/** Frames in place of an answer. */
const WRONG_FRAMES: Readonly<Record<string, (id: number) => Uint8Array>> = {
  "a body before its head": (id) => data(id, "x"),
  "no status": (id) => headers(id, { x: "y" }, true),
  "a status that is none": (id) => headers(id, { ":status": "none" }, true),
  "a name in upper case": (id) => headers(id, { ...OK, X: "y" }, true),
  "a line end in a value": (id) => headers(id, { ...OK, x: "a\r\nb" }, true),
  "a short body": (id) => concat([headers(id, { ...OK, "content-length": "9" }), data(id, "x")]),
  "a long body": (id) => concat([headers(id, { ...OK, "content-length": "1" }), data(id, "xy")]),
  "trailers that don't end it": (id) => concat([headers(id, OK), headers(id, { x: "y" })]),
  "interim answers without end": (id) => concat(Array(6).fill(headers(id, { ":status": "103" }))),
  "an interim answer that ends it": (id) => headers(id, { ":status": "100" }, true),
  "an update of nothing": (id) => windowUpdate(id, 0),
  "an update of nothing for all": () => windowUpdate(0, 0),
  "a window beyond all": (id) => windowUpdate(id, 2 ** 31 - 1),
  "a window beyond all for all": () => windowUpdate(0, 2 ** 31 - 1),
  "a window beyond all in settings": () => settingsFrame([[Setting.InitialWindowSize, 2 ** 31]]),
  "settings of five bytes": () => frame(FrameType.Settings, 0, 0, new Uint8Array(5)),
  "a ping of seven bytes": () => frame(FrameType.Ping, 0, 0, new Uint8Array(7)),
  "a push": (id) => frame(FrameType.PushPromise, Flag.EndHeaders, id, concat([uint32(2), encodeFields(OK)])),
  "an answer to no request": (id) => headers(id + 2, OK, true),
  "a continuation of nothing": (id) => frame(FrameType.Continuation, Flag.EndHeaders, id, encodeFields(OK)),
  "a wrong header block": (id) => frame(FrameType.Headers, Flag.EndHeaders, id, Uint8Array.of(0xff, 0xff)),
  "padding beyond the end": (id) => frame(FrameType.Data, Flag.Padded, id, Uint8Array.of(9, 1)),
  "a frame that is too long": () => Uint8Array.of(0x40, 0, 1, 0, 0, 0, 0, 0, 1),
  "a header block without end": (id) =>
    concat([
      frame(FrameType.Headers, 0, id, encodeFields(OK)),
      ...Array(30).fill(frame(FrameType.Continuation, 0, id, new Uint8Array(16_000))),
    ]),
  "a header list without end": (id) => {
    const field = encodeFields({ "x-bomb": "b".repeat(3900) });
    field[0] = 0x40;
    const again = new Uint8Array(200).fill(0xbe);
    return frame(FrameType.Headers, Flag.EndHeaders, id, concat([Uint8Array.of(0x88), field, again]));
  },
  "HTTP/1.1": () => new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
};

/** A whole answer, to be cut. */
const WHOLE = answer(1).length;

/** All of them; none leaves an answer. */
export const HTTP2_FAULTS: Readonly<Record<string, Http2Fault>> = {
  ...Object.fromEntries(
    Object.entries(WRONG_FRAMES).map(([name, frames]): [string, Http2Fault] => [
      name,
      (connection, id) => connection.send(frames(id)),
    ]),
  ),
  ...Object.fromEntries(
    Array.from({ length: 15 }, (_, code): [string, Http2Fault] => [
      `a reset with code ${code}`,
      (connection, id) => connection.send(resetStream(id, code)),
    ]),
  ),
  ...Object.fromEntries(
    Array.from({ length: 15 }, (_, code): [string, Http2Fault] => [
      `a goaway with code ${code}, then the end`,
      (connection, id) => (connection.send(goAway(id, code)), connection.end()),
    ]),
  ),
  "a goaway that leaves the request out": (connection) => connection.send(goAway(0, 0)),
  ...Object.fromEntries(
    Array.from({ length: WHOLE }, (_, length): [string, Http2Fault] => [
      `the end after ${length} bytes`,
      (connection, id) => (connection.send(answer(id).subarray(0, length)), connection.end()),
    ]),
  ),
};
