import { assert, assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { Flag, frame, FrameType, Setting, settingsFrame } from "../../../src/net/http2/frames.ts";
import { concat } from "../../support/bytes.ts";
import { encodeFields } from "../../support/hpack.ts";
import { data, goAway, headers, resetStream, type SentFrame, TestPeer, uint32, windowUpdate } from "./peer.ts";

const OK = { ":status": "200" };
const settings = (...pairs: readonly (readonly [number, number])[]) => settingsFrame(pairs);
const types = (frames: readonly SentFrame[]) => frames.map(({ type }) => type);
const bodyBytes = (frames: readonly SentFrame[]) =>
  frames.reduce((sum, { type, payload }) => sum + (type === FrameType.Data ? payload.length : 0), 0);

Deno.test("the first write has the greeting and the request, in lower case and without what HTTP/2 forbids", () => {
  const peer = new TestPeer(true);
  peer.request({
    method: "PUT",
    headers: "Host: example.com\r\nX-Trace: A b\r\nConnection: close\r\nTE: gzip\r\nUpgrade: x\r\n" +
      "Transfer-Encoding: chunked\r\nCookie: a=1; b=2;c=3\r\nContent-Length: 0\r\n",
  });
  const frames = peer.take();
  assertEquals(types(frames), [FrameType.Settings, FrameType.WindowUpdate, FrameType.Headers]);
  const { flags, id, payload } = frames[2]!;
  assertEquals([flags, id], [Flag.EndHeaders | Flag.EndStream, 1]);
  assertEquals(peer.fields(payload), [
    [":method", "PUT"],
    [":scheme", "https"],
    [":authority", "example.com"],
    [":path", "/path"],
    ["x-trace", "A b"],
    ["cookie", "a=1"],
    ["cookie", "b=2"],
    ["cookie", "c=3"],
    ["content-length", "0"],
  ]);
});

Deno.test("an answer is put together from its frames", () => {
  const peer = new TestPeer();
  const request = peer.request();
  assertEquals(request.stream.sentAt, 0);
  peer.take();
  assert(request.stream.sentAt > 0);
  const early = headers(1, { ":status": "103", link: "</style.css>" });
  peer.send(settings(), early, headers(1, { ...OK, "set-cookie": "a=b", "content-length": "10" }));
  assert(request.stream.firstByteAt > 0 && !request.done);
  peer.send(data(1, "hello", false), data(1, "world", false), headers(1, { "x-trailer": "t" }, true));
  assertEquals([request.done, request.stream.status, request.body], [true, 200, "helloworld"]);
  assertEquals(request.stream.fields, ["set-cookie", "a=b", "content-length", "10"]);
  assertEquals([request.stream.hasSetCookie, request.stream.hasContentEncoding], [true, false]);
  assert(peer.counters.bytesReceived > 0 && peer.counters.bytesSent > 0);
});

Deno.test("answers come in any order, and interleaved", () => {
  const peer = new TestPeer();
  const [one, two, three] = [peer.request(), peer.request(), peer.request()];
  peer.send(headers(5, OK), headers(1, OK), data(5, "thr", false), data(1, "on", false), data(5, "ee"));
  assertEquals([one.done, two.done, three.done, three.body], [false, false, true, "three"]);
  peer.send(headers(3, { ":status": "204" }, true), data(1, "e"));
  assertEquals([one.body, two.stream.status, two.body], ["one", 204, null]);
});

Deno.test("a discarded body and one of HEAD are null, an empty one is empty", () => {
  const peer = new TestPeer();
  const discarded = peer.request({ discardBody: true });
  const head = peer.request({ method: "HEAD" });
  const empty = peer.request();
  peer.send(headers(1, { ...OK, "content-length": "3" }), data(1, "abc"));
  peer.send(headers(3, { ...OK, "content-length": "1000" }, true), headers(5, OK), data(5, ""));
  assertEquals([discarded.done, discarded.body], [true, null]);
  assertEquals([head.done, head.body], [true, null]);
  assertEquals([empty.done, empty.body], [true, ""]);
});

Deno.test("a body goes out within the server's windows, and to its end as they grow", () => {
  const peer = new TestPeer();
  const body = new Uint8Array(200_000).map((_, i) => i % 251);
  const request = peer.request({ method: "POST", body });
  let sent = peer.take();
  assertEquals(bodyBytes(sent), 65_535);
  assert(sent.every(({ payload }) => payload.length <= 16_384));
  // The stream's window alone is not enough, nor is the connection's.
  peer.send(windowUpdate(1, 100_000));
  assertEquals(bodyBytes(peer.take()), 0);
  peer.send(windowUpdate(0, 200_000));
  sent = sent.concat(peer.take());
  assertEquals(bodyBytes(sent), 165_535);
  assertEquals(request.stream.sentAt, 0);
  peer.send(settings([Setting.InitialWindowSize, 65_535 + 34_465]));
  sent = sent.concat(peer.take());
  assertEquals(concat(sent.filter(({ type }) => type === FrameType.Data).map(({ payload }) => payload)), body);
  assertEquals(sent.filter(({ flags, type }) => type === FrameType.Data && flags === Flag.EndStream).length, 1);
  assert(request.stream.sentAt > 0);
});

Deno.test("bodies take turns", () => {
  const peer = new TestPeer();
  peer.send(windowUpdate(0, 1_000_000), settings([Setting.InitialWindowSize, 1_000_000]));
  peer.isBlocked = true;
  peer.request();
  peer.request({ method: "POST", body: new Uint8Array(60_000) });
  peer.request({ method: "POST", body: new Uint8Array(60_000) });
  peer.isBlocked = false;
  const bodies = peer.take().filter(({ type }) => type === FrameType.Data);
  assertEquals(bodies.slice(0, 4).map(({ id }) => id), [3, 5, 3, 5]);
  assertEquals(bodyBytes(bodies), 120_000);
});

Deno.test("what comes up during a write goes out together in the next one", () => {
  const peer = new TestPeer();
  peer.isBlocked = true;
  for (let i = 0; i < 20; i++) peer.request();
  assertEquals(types(peer.take()).length, 1);
  peer.finishWrite(null);
  assertEquals(types(peer.take()).length, 19);
});

Deno.test("an answer before the end of the request's body is taken, and the rest is not sent", () => {
  const peer = new TestPeer();
  peer.send(settings([Setting.InitialWindowSize, 1_000_000]));
  const request = peer.request({ method: "POST", body: new Uint8Array(100_000) });
  peer.take();
  peer.send(headers(1, { ":status": "413" }, true));
  assertEquals([request.done, request.stream.status], [true, 413]);
  assertEquals(peer.take().map(({ type, payload }) => [type, payload.toHex()]), [[FrameType.RstStream, "00000008"]]);
  peer.send(windowUpdate(0, 1_000_000));
  assertEquals(peer.take(), []);
});

Deno.test("windows of the server are opened again when half of them is used", () => {
  const peer = new TestPeer();
  const request = peer.request({ discardBody: true });
  peer.take();
  peer.send(headers(1, OK));
  const piece = data(1, new Uint8Array(16_384), false);
  for (let i = 0; i < 128; i++) peer.send(piece);
  assertEquals(peer.take(), []);
  peer.send(piece);
  const [update] = peer.take();
  assertEquals([update!.type, update!.id, update!.payload.toHex()], [FrameType.WindowUpdate, 1, "00204000"]);
  peer.send(data(1, ""));
  assert(request.done);
});

Deno.test("settings and pings are acknowledged, unknown frames and priorities are passed over", () => {
  const peer = new TestPeer();
  peer.request();
  peer.take();
  peer.send(
    settings([Setting.MaxConcurrentStreams, 2], [99, 1]),
    frame(FrameType.Ping, 0, 0, new Uint8Array(8).fill(7)),
  );
  peer.send(frame(77, 255, 1, new Uint8Array(3)), frame(FrameType.Priority, 0, 1, new Uint8Array(5)));
  peer.send(frame(FrameType.Ping, Flag.Ack, 0, new Uint8Array(8)), settings());
  assertEquals(peer.take().map(({ type, flags, payload }) => [type, flags, payload.toHex()]), [
    [FrameType.Settings, Flag.Ack, ""],
    [FrameType.Ping, Flag.Ack, "0707070707070707"],
    [FrameType.Settings, Flag.Ack, ""],
  ]);
  assert(peer.connection.hasRoom);
  peer.request();
  assert(!peer.connection.hasRoom);
});

Deno.test("a header block may come in pieces, and be padded", () => {
  const peer = new TestPeer();
  const request = peer.request();
  const block = encodeFields({ ...OK, "x-long": "v".repeat(40) });
  const padded = concat([Uint8Array.of(2), uint32(0), Uint8Array.of(16), block.subarray(0, 5), new Uint8Array(2)]);
  peer.send(
    frame(FrameType.Headers, Flag.Padded | Flag.Priority | Flag.EndStream, 1, padded),
    frame(FrameType.Continuation, 0, 1, block.subarray(5, 6)),
    frame(FrameType.Continuation, Flag.EndHeaders, 1, block.subarray(6)),
  );
  assertEquals([request.done, request.stream.fields], [true, ["x-long", "v".repeat(40)]]);
});

Deno.test("a request with more headers than a frame takes is sent in several", () => {
  const peer = new TestPeer();
  peer.request({ headers: `Host: h\r\nX-Long: ${"~".repeat(40_000)}\r\n` });
  const frames = peer.take();
  assertEquals(types(frames), [FrameType.Headers, FrameType.Continuation, FrameType.Continuation]);
  assertEquals(frames.map(({ flags }) => flags), [Flag.EndStream, 0, Flag.EndHeaders]);
  const fields = peer.fields(concat(frames.map(({ payload }) => payload)));
  assertEquals(fields.at(-1)?.[1].length, 40_000);
});

Deno.test("RST_STREAM ends one request with its code; a refused one was not processed", () => {
  const peer = new TestPeer();
  const [one, two, three, four] = [peer.request(), peer.request(), peer.request(), peer.request()];
  peer.send(resetStream(1, 2), resetStream(3, 7), resetStream(5, 1000), headers(7, OK, true), resetStream(7, 8));
  assertEquals([one.failure?.code, one.failure?.text, one.processing], [
    ...[1633, "http2: stream error with http2 ErrCode INTERNAL_ERROR", "begun"],
  ]);
  assertEquals([two.failure?.code, two.processing], [1638, "none"]);
  assertEquals([three.failure?.code], [1630]);
  assert(four.done && !peer.closed);
});

Deno.test("after a GOAWAY there are no further requests, and those that the server took come to their end", () => {
  const peer = new TestPeer();
  const [taken, untaken] = [peer.request(), peer.request()];
  peer.send(goAway(1, 0));
  assertEquals([untaken.failure?.code, untaken.processing], [1611, "none"]);
  assertEquals([peer.connection.hasRoom, peer.closed], [false, false]);
  peer.send(headers(1, OK), data(1, "late"));
  assertEquals([taken.done, taken.body, peer.closed, peer.connection.isEnded], [true, "late", true, true]);
});

Deno.test("a GOAWAY with an error, right at the start or before the connection's end, is told", () => {
  const first = new TestPeer();
  const hopeless = first.request();
  first.send(goAway(0, 11));
  assertEquals([hopeless.failure?.code, hopeless.processing], [1622, "begun"]);
  assertEquals(hopeless.failure?.text, "http2: received GoAway with http2 ErrCode ENHANCE_YOUR_CALM");
  const second = new TestPeer();
  const begun = second.request();
  second.send(goAway(1, 2));
  second.connection.ended(null);
  assertEquals([begun.failure?.code, second.closed], [1613, true]);
});

Deno.test("the end of the connection fails all requests; what was never sent was not processed", () => {
  const peer = new TestPeer();
  const sent = peer.request();
  const queued = peer.request();
  peer.connection.ended(null);
  assertEquals([sent.failure?.text, sent.processing, queued.processing], ["unexpected EOF", "unknown", "none"]);
  assert(peer.connection.isEnded && peer.closed);
  const other = new TestPeer();
  const failed = other.request();
  other.finishWrite(Object.assign(new Error("write EPIPE"), { code: "EPIPE" }));
  assertEquals([failed.failure?.code, failed.failure?.text], [1201, "write: broken pipe"]);
});

Deno.test("a cancelled request is reset and told nothing; a retired connection closes with its last request", () => {
  const peer = new TestPeer();
  const [one, two] = [peer.request(), peer.request({ method: "POST", body: new Uint8Array(100_000) })];
  peer.take();
  peer.connection.cancel(two.stream);
  peer.connection.cancel(two.stream);
  assertEquals(peer.take().map(({ type, id }) => [type, id]), [[FrameType.RstStream, 3]]);
  peer.send(headers(3, OK), data(3, "too late"));
  assertEquals([two.done, two.failure], [false, null]);
  peer.connection.retire();
  assertEquals([peer.connection.hasRoom, peer.closed], [false, false]);
  peer.send(headers(1, OK, true));
  assertEquals([one.done, peer.closed], [true, true]);
});

Deno.test("a completion may send the next request or close the connection", () => {
  const peer = new TestPeer();
  const [one, two] = [peer.request(), peer.request()];
  peer.take();
  one.onEnd = () => peer.request();
  peer.send(headers(1, OK, true));
  assertEquals(peer.take().map(({ type, id }) => [type, id]), [[FrameType.Headers, 5]]);
  two.onEnd = () => peer.connection.close();
  peer.send(headers(3, OK, true), headers(5, OK, true), settings());
  assertEquals([two.done, peer.closed], [true, true]);
});

Deno.test("when many requests fail at once, a completion may cancel others, which are told nothing then", () => {
  for (
    const fail of [
      (peer: TestPeer) => peer.connection.ended(null),
      (peer: TestPeer) => peer.send(goAway(0, 0)),
      (peer: TestPeer) => peer.send(windowUpdate(0, 0)),
    ]
  ) {
    const peer = new TestPeer();
    const [one, two, three] = [
      peer.request(),
      peer.request({ method: "PUT", body: new Uint8Array(1e5) }),
      peer.request(),
    ];
    peer.take();
    one.onEnd = () => {
      peer.connection.cancel(two.stream);
      peer.connection.retire();
    };
    fail(peer);
    assertEquals([one, two, three].map(({ failure }) => failure !== null), [true, false, true]);
    assert(peer.closed && peer.connection.isEnded);
  }
});

/** What is wrong with an answer ends its request alone. */
const WRONG_ANSWERS: Readonly<Record<string, readonly [frames: readonly Uint8Array[], code: number, text: string]>> = {
  "no status": [
    [headers(1, { "x": "y" })],
    1000,
    "malformed response from server: missing status pseudo header",
  ],
  "a status that is none": [
    [headers(1, { ":status": "2000" })],
    1000,
    "malformed response from server: malformed non-numeric status pseudo header",
  ],
  "a name in upper case": [
    [headers(1, { ...OK, "X-Upper": "y" })],
    1632,
    "http2: stream error with http2 ErrCode PROTOCOL_ERROR",
  ],
  "two statuses": [
    [headers(1, { ...OK, ":path": "/" })],
    1632,
    "http2: stream error with http2 ErrCode PROTOCOL_ERROR",
  ],
  "a line end in a value": [
    [headers(1, { ...OK, "set-cookie": "a=b\r\nx: y" })],
    1632,
    "http2: stream error with http2 ErrCode PROTOCOL_ERROR",
  ],
  "a status among trailers": [
    [headers(1, OK), headers(1, { ":status": "200" }, true)],
    1632,
    "http2: stream error with http2 ErrCode PROTOCOL_ERROR",
  ],
  "a body before its head": [[data(1, "x")], 1632, "http2: stream error with http2 ErrCode PROTOCOL_ERROR"],
  "trailers that don't end it": [
    [headers(1, OK), headers(1, { "x": "y" })],
    1632,
    "http2: stream error with http2 ErrCode PROTOCOL_ERROR",
  ],
  "an interim answer that ends it": [
    [headers(1, { ":status": "100" }, true)],
    1000,
    "1xx informational response with END_STREAM flag",
  ],
  "interim answers without end": [
    Array.from({ length: 6 }, () => headers(1, { ":status": "102" })),
    1000,
    "http2: too many 1xx informational responses",
  ],
  "a short body": [[headers(1, { ...OK, "content-length": "4" }), data(1, "abc")], 1000, "unexpected EOF"],
  "a long body": [
    [headers(1, { ...OK, "content-length": "2" }), data(1, "abc")],
    1000,
    "net/http: server replied with more than declared Content-Length; truncated",
  ],
  "an update of nothing": [[windowUpdate(1, 0)], 1632, "http2: stream error with http2 ErrCode PROTOCOL_ERROR"],
  "a window beyond all": [
    [windowUpdate(1, 2 ** 31 - 1)],
    1634,
    "http2: stream error with http2 ErrCode FLOW_CONTROL_ERROR",
  ],
};

for (const [what, [frames, code, text]] of Object.entries(WRONG_ANSWERS)) {
  Deno.test(`${what}: the request fails, others don't`, () => {
    const peer = new TestPeer();
    const [wrong, right] = [peer.request(), peer.request()];
    peer.take();
    peer.send(...frames);
    assertEquals([wrong.failure?.code, wrong.failure?.text, wrong.processing], [code, text, "begun"]);
    assertEquals(types(peer.take()), [FrameType.RstStream]);
    peer.send(headers(3, OK), data(3, "fine"));
    assertEquals([right.body, peer.closed], ["fine", false]);
  });
}

/** What is wrong with a connection ends it. */
const WRONG_CONNECTIONS: Readonly<Record<string, readonly [bytes: Uint8Array, code: number]>> = {
  "HTTP/1.1": [new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n"), 6],
  "an answer to no request": [headers(9, OK), 1],
  "an answer on a stream of the server": [headers(2, OK), 1],
  "headers of no stream": [headers(0, OK), 1],
  "padding beyond the end": [frame(FrameType.Headers, Flag.Padded | Flag.EndHeaders, 1, Uint8Array.of(9, 0x88)), 1],
  "an empty frame of padding": [frame(FrameType.Headers, Flag.Padded | Flag.EndHeaders, 1, new Uint8Array(0)), 1],
  "a push": [frame(FrameType.PushPromise, Flag.EndHeaders, 1, uint32(2)), 1],
  "a continuation of nothing": [frame(FrameType.Continuation, Flag.EndHeaders, 1, new Uint8Array(0)), 1],
  "a frame within a header block": [concat([frame(FrameType.Headers, 0, 1, Uint8Array.of(0x88)), settings()]), 1],
  "a body within a header block": [concat([frame(FrameType.Headers, 0, 1, Uint8Array.of(0x88)), data(1, "x")]), 1],
  "a wrong block": [frame(FrameType.Headers, Flag.EndHeaders, 1, Uint8Array.of(0xff, 0xff)), 9],
  "settings of five bytes": [frame(FrameType.Settings, 0, 0, new Uint8Array(5)), 6],
  "settings of a stream": [frame(FrameType.Settings, 0, 1, new Uint8Array(6)), 1],
  "an acknowledgement with settings": [frame(FrameType.Settings, Flag.Ack, 0, new Uint8Array(6)), 6],
  "pushes allowed": [settings([Setting.EnablePush, 1]), 1],
  "a window beyond all in settings": [settings([Setting.InitialWindowSize, 2 ** 31]), 3],
  "frames of a byte": [settings([Setting.MaxFrameSize, 1]), 1],
  "a ping of seven bytes": [frame(FrameType.Ping, 0, 0, new Uint8Array(7)), 6],
  "a ping of a stream": [frame(FrameType.Ping, 0, 1, new Uint8Array(8)), 1],
  "a goaway of a stream": [frame(FrameType.GoAway, 0, 1, new Uint8Array(8)), 1],
  "a goaway without code": [frame(FrameType.GoAway, 0, 0, new Uint8Array(4)), 6],
  "a reset of three bytes": [frame(FrameType.RstStream, 0, 1, new Uint8Array(3)), 6],
  "a reset of a stream that there isn't": [resetStream(9, 0), 1],
  "an update of three bytes": [frame(FrameType.WindowUpdate, 0, 0, new Uint8Array(3)), 6],
  "an update of nothing for all": [windowUpdate(0, 0), 1],
  "a window beyond all": [windowUpdate(0, 2 ** 31 - 1), 3],
};

for (const [what, [bytes, code]] of Object.entries(WRONG_CONNECTIONS)) {
  Deno.test(`${what}: all requests fail, and the server is told why`, () => {
    const peer = new TestPeer();
    const requests = [peer.request(), peer.request()];
    peer.take();
    peer.send(bytes);
    assertEquals(requests.map(({ failure }) => failure?.code), [1651 + code, 1651 + code]);
    assertEquals([peer.closed, peer.connection.isEnded], [true, true]);
    const farewell = peer.take();
    assertEquals(farewell.map(({ type, payload }) => [type, payload.toHex()]), [
      [FrameType.GoAway, concat([uint32(0), uint32(code)]).toHex()],
    ]);
  });
}

Deno.test("settings are the server's first frame", () => {
  const firstFrames: readonly Uint8Array[] = [
    ...[headers(1, OK, true), data(1, "x"), data(1, ""), resetStream(1, 8), goAway(0, 0), windowUpdate(0, 1)],
    ...[frame(FrameType.Ping, 0, 0, new Uint8Array(8)), frame(FrameType.Settings, Flag.Ack, 0, new Uint8Array(0))],
    ...[frame(FrameType.Continuation, Flag.EndHeaders, 1, encodeFields(OK)), frame(99, 0, 0, new Uint8Array(1))],
  ];
  for (const first of firstFrames) {
    const peer = new TestPeer(true);
    const request = peer.request();
    peer.take();
    peer.send(first);
    assertEquals([request.failure?.code, peer.closed], [1652, true]);
  }
});

Deno.test("the answer to HEAD must not have a body; a doubtful length counts as none", () => {
  const peer = new TestPeer();
  const head = peer.request({ method: "HEAD" });
  const doubtful = peer.request();
  const unchanged = peer.request();
  peer.send(headers(1, { ...OK, "content-length": "1" }), data(1, "x"));
  assertEquals([head.failure?.code, head.processing], [1632, "begun"]);
  const lengths = concat([OK, { "content-length": "2" }, { "content-length": "9" }].map(encodeFields));
  peer.send(frame(FrameType.Headers, Flag.EndHeaders, 3, lengths), data(3, "four"));
  assertEquals([doubtful.done, doubtful.body], [true, "four"]);
  peer.send(headers(5, { ":status": "304", "content-length": "9" }), data(5, "x"));
  assertEquals([unchanged.done, unchanged.body], [true, null]);
});

Deno.test("a field that was wrong is wrong again when it comes from the table", () => {
  const peer = new TestPeer();
  const requests = [peer.request(), peer.request(), peer.request(), peer.request()];
  const status = Uint8Array.of(0x88);
  const wrong = encodeFields({ "x-wrong": "a\0b" });
  wrong[0] = 0x40;
  const block = (id: number, ...parts: readonly Uint8Array[]) =>
    frame(FrameType.Headers, Flag.EndHeaders | Flag.EndStream, id, concat([status, ...parts]));
  // In full, by its index, by its name's index, and no more of it.
  peer.send(block(1, wrong), block(3, Uint8Array.of(0xbe)), block(5, Uint8Array.of(0x0f, 47, 1, 97)), block(7));
  assertEquals(requests.map(({ failure }) => failure?.code), [1632, 1632, 1632, undefined]);
  assert(!peer.closed);
});

Deno.test("windows below zero, closed and opened again: every byte is sent once, and never ahead of them", () => {
  const peer = new TestPeer();
  const body = new Uint8Array(100_000).map((_, i) => i % 249);
  const request = peer.request({ method: "POST", body });
  peer.send(windowUpdate(0, 1_000_000));
  let sent = peer.take();
  assertEquals(bodyBytes(sent), 65_535);
  // 65,535 bytes of 10 are used: 65,525 less than nothing.
  peer.send(settings([Setting.InitialWindowSize, 10]));
  assertEquals(bodyBytes(peer.take()), 0);
  peer.send(windowUpdate(1, 65_525));
  assertEquals(bodyBytes(peer.take()), 0);
  peer.send(windowUpdate(1, 1));
  sent = sent.concat(peer.take());
  assertEquals(bodyBytes(sent), 65_536);
  peer.send(settings([Setting.InitialWindowSize, 0]), settings([Setting.InitialWindowSize, 40_000]));
  sent = sent.concat(peer.take());
  assertEquals(concat(sent.filter(({ type }) => type === FrameType.Data).map(({ payload }) => payload)), body);
  assertEquals(sent.at(-1)?.flags, Flag.EndStream);
  peer.send(headers(1, OK, true));
  assert(request.done);
});

Deno.test("what comes for a request that is over counts all the same: the connection's window opens again", () => {
  const peer = new TestPeer();
  const request = peer.request();
  peer.take();
  peer.connection.cancel(request.stream);
  peer.take();
  const piece = concat(Array.from({ length: 64 }, () => data(1, new Uint8Array(16_384), false)));
  let opened = 0;
  for (let mebibyte = 0; mebibyte < 1500; mebibyte++) {
    peer.connection.chunk(piece);
    for (const { type, id, payload } of peer.take()) {
      assertEquals([type, id], [FrameType.WindowUpdate, 0]);
      opened += new DataView(payload.buffer, payload.byteOffset).getUint32(0);
    }
  }
  assert(!peer.closed && opened > 2 ** 30 && opened <= 1500 * 2 ** 20);
});

Deno.test("requests of which nothing has left were not seen, with a body or without", () => {
  const peer = new TestPeer();
  peer.isBlocked = true;
  const sent = peer.request({ method: "POST", body: new Uint8Array(90_000) });
  const queued = [peer.request(), peer.request({ method: "POST", body: new Uint8Array(90_000) })];
  peer.connection.ended(null);
  assertEquals([sent, ...queued].map(({ processing }) => processing), ["unknown", "none", "none"]);
});

Deno.test("the limit of requests at once follows the server's settings", () => {
  const peer = new TestPeer();
  const room = () => peer.connection.hasRoom;
  peer.send(settings([Setting.MaxConcurrentStreams, 0]));
  assertEquals([room(), peer.connection.streamLimit], [false, 0]);
  peer.send(settings([Setting.MaxConcurrentStreams, 1]));
  assert(room());
  peer.request();
  assert(!room());
  peer.send(settings([Setting.MaxConcurrentStreams, 2 ** 32 - 1]));
  assert(room());
  peer.request();
  peer.send(settings([Setting.MaxConcurrentStreams, 1]), headers(1, OK, true));
  assert(!room());
  peer.send(headers(3, OK, true));
  assert(room());
});

Deno.test("the server's table of fields may shrink and grow between requests", () => {
  const peer = new TestPeer();
  const fields = () => {
    peer.request({ headers: "Host: example.com\r\nX-Trace: always the same\r\n" });
    return peer.fields(peer.take().at(-1)!.payload);
  };
  const expected = fields();
  for (const size of [0, 4096, 100, 2 ** 32 - 1, 64, 64, 0]) {
    peer.send(settings([Setting.HeaderTableSize, size]));
    assertEquals(fields(), expected);
    assertEquals(fields(), expected);
  }
  peer.send(settings([Setting.HeaderTableSize, 0], [Setting.HeaderTableSize, 4096]));
  assertEquals(fields(), expected);
});

Deno.test("header lists, blocks and backlogs have limits", () => {
  const tooLong = new TestPeer();
  const request = tooLong.request();
  const block = encodeFields(Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`x-${i}`, "v".repeat(30_000)])));
  const pieces = Array.from({ length: Math.ceil(block.length / 16_384) }, (_, i) => block.subarray(i * 16_384));
  tooLong.send(frame(FrameType.Headers, 0, 1, concat([Uint8Array.of(0x88)])));
  for (const piece of pieces) tooLong.send(frame(FrameType.Continuation, 0, 1, piece.subarray(0, 16_384)));
  assertEquals(request.failure?.code, 1651 + 11);

  const bomb = new TestPeer();
  const victim = bomb.request();
  // A field of 4000 bytes, once in full and then by its index.
  const field = encodeFields({ "x-bomb": "b".repeat(3900) });
  field[0] = 0x40;
  bomb.send(
    frame(FrameType.Headers, Flag.EndHeaders, 1, concat([Uint8Array.of(0x88), field, new Uint8Array(100).fill(0xbe)])),
  );
  assertEquals(victim.failure?.text, "http2: response header list larger than advertised limit");
  assert(!bomb.closed);

  const deaf = new TestPeer();
  const flooded = deaf.request();
  deaf.isBlocked = true;
  const pings = concat(Array.from({ length: 1000 }, () => frame(FrameType.Ping, 0, 0, new Uint8Array(8))));
  for (let i = 0; i < 100 && flooded.failure === null; i++) deaf.send(pings);
  assertEquals(flooded.failure?.code, 1651 + 11);
});

Deno.test("an answer that is cut anywhere is a failure, and whole only at its end", () => {
  const whole = concat([
    settings(),
    headers(1, { ...OK, "content-length": "10" }),
    data(1, "hello", false),
    data(1, "world", false),
    headers(1, { "x-trailer": "t" }, true),
  ]);
  for (let cut = 0; cut <= whole.length; cut++) {
    const peer = new TestPeer();
    const request = peer.request();
    peer.take();
    peer.connection.chunk(whole.slice(0, cut));
    peer.connection.ended(null);
    assertEquals(
      [request.done, request.failure?.text],
      cut === whole.length ? [true, undefined] : [false, "unexpected EOF"],
    );
    // Once the answer has begun, nobody may send the request again.
    assertEquals(request.processing === "begun", request.stream.firstByteAt > 0 && cut < whole.length);
  }
});

const anyFrame = fc.record({
  type: fc.integer({ min: 0, max: 10 }),
  flags: fc.nat(255),
  id: fc.integer({ min: 0, max: 7 }),
  payload: fc.oneof(
    fc.uint8Array({ maxLength: 30 }),
    fc.constantFrom(encodeFields(OK), encodeFields({ ...OK, "content-length": "3" }), uint32(1), new Uint8Array(8)),
  ),
});

Deno.test("whatever a server sends, each request ends exactly once, and nothing but our own errors is thrown", () => {
  const sequences = fc.array(fc.oneof({ weight: 9, arbitrary: anyFrame }, fc.uint8Array({ maxLength: 40 })), {
    maxLength: 20,
  });
  fc.assert(
    fc.property(sequences, fc.array(fc.nat(400), { maxLength: 6 }), (sequence, cuts) => {
      const peer = new TestPeer();
      const requests = [peer.request(), peer.request({ method: "POST", body: new Uint8Array(99_999) }), peer.request()];
      peer.take();
      const bytes = concat(
        sequence.map((part) => part instanceof Uint8Array ? part : frame(part.type, part.flags, part.id, part.payload)),
      );
      let at = 0;
      for (const cut of [...cuts.sort((a, b) => a - b), bytes.length]) {
        const end = Math.max(at, Math.min(cut, bytes.length));
        peer.connection.chunk(bytes.slice(at, end));
        at = end;
        peer.take();
      }
      peer.connection.ended(null);
      assert(requests.every(({ done, failure }) => done !== (failure !== null)));
    }),
    { numRuns: 1000 },
  );
});
