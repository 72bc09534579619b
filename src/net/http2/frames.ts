/** Frames as bytes (RFC 9113, section 4 and 6). */

/** Bytes before the payload of each frame. */
export const FRAME_HEAD_BYTES = 9;
/** The longest payload that is allowed unless a side says otherwise. We never do. */
export const MAX_FRAME_BYTES = 16_384;
/** Size of the windows of flow control before a side says otherwise. */
export const DEFAULT_WINDOW_BYTES = 65_535;
/** The largest window. */
export const MAX_WINDOW_BYTES = 2 ** 31 - 1;

/** Types of frames. */
export const FrameType = {
  Data: 0,
  Headers: 1,
  Priority: 2,
  RstStream: 3,
  Settings: 4,
  PushPromise: 5,
  Ping: 6,
  GoAway: 7,
  WindowUpdate: 8,
  Continuation: 9,
} as const;

/** Flags of frames; what they mean depends on the type. */
export const Flag = {
  Ack: 1,
  EndStream: 1,
  EndHeaders: 4,
  Padded: 8,
  Priority: 32,
} as const;

/** Identifiers of settings. */
export const Setting = {
  HeaderTableSize: 1,
  EnablePush: 2,
  MaxConcurrentStreams: 3,
  InitialWindowSize: 4,
  MaxFrameSize: 5,
  MaxHeaderListSize: 6,
} as const;

/** What a client sends before its first frame. */
export const PREFACE: Uint8Array = new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** Writes a frame's head to `out` at `at`; returns where its payload begins. */
export function writeFrameHead(
  out: Uint8Array,
  at: number,
  length: number,
  type: number,
  flags: number,
  stream: number,
): number {
  out[at] = length >>> 16;
  out[at + 1] = length >>> 8;
  out[at + 2] = length;
  out[at + 3] = type;
  out[at + 4] = flags;
  writeStream(out, at, stream);
  return at + FRAME_HEAD_BYTES;
}

/** Writes the stream of the frame at `at`. */
export function writeStream(out: Uint8Array, at: number, stream: number): void {
  writeUint32(out, at + 5, stream);
}

/** A whole frame. */
export function frame(type: number, flags: number, stream: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(FRAME_HEAD_BYTES + payload.length);
  bytes.set(payload, writeFrameHead(bytes, 0, payload.length, type, flags, stream));
  return bytes;
}

/** A header block as one HEADERS frame and as many CONTINUATION frames as it needs. */
export function headersFrames(
  stream: number,
  block: Uint8Array,
  endsStream: boolean,
  maxFrameBytes: number,
): Uint8Array {
  const end = endsStream ? Flag.EndStream : 0;
  if (block.length <= maxFrameBytes) return frame(FrameType.Headers, end | Flag.EndHeaders, stream, block);
  const count = Math.ceil(block.length / maxFrameBytes);
  const bytes = new Uint8Array(count * FRAME_HEAD_BYTES + block.length);
  for (let i = 0, at = 0; i < count; i++) {
    const part = block.subarray(i * maxFrameBytes, (i + 1) * maxFrameBytes);
    const flags = (i === 0 ? end : 0) | (i === count - 1 ? Flag.EndHeaders : 0);
    at = writeFrameHead(bytes, at, part.length, i === 0 ? FrameType.Headers : FrameType.Continuation, flags, stream);
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** A frame whose payload is one number: RST_STREAM, WINDOW_UPDATE. */
export function numberFrame(type: number, stream: number, value: number): Uint8Array {
  const bytes = new Uint8Array(FRAME_HEAD_BYTES + 4);
  writeUint32(bytes, writeFrameHead(bytes, 0, 4, type, 0, stream), value);
  return bytes;
}

/** A SETTINGS frame of identifiers and values. */
export function settingsFrame(settings: readonly (readonly [identifier: number, value: number])[]): Uint8Array {
  const bytes = new Uint8Array(FRAME_HEAD_BYTES + 6 * settings.length);
  let at = writeFrameHead(bytes, 0, 6 * settings.length, FrameType.Settings, 0, 0);
  for (const [identifier, value] of settings) {
    bytes[at] = identifier >>> 8;
    bytes[at + 1] = identifier;
    writeUint32(bytes, at + 2, value);
    at += 6;
  }
  return bytes;
}

/** A GOAWAY frame of a client, which has never taken a stream of the server. */
export function goAwayFrame(errorCode: number): Uint8Array {
  const bytes = new Uint8Array(FRAME_HEAD_BYTES + 8);
  writeUint32(bytes, writeFrameHead(bytes, 0, 8, FrameType.GoAway, 0, 0) + 4, errorCode);
  return bytes;
}

/** The 32 bits at `at`, without a sign. */
export function readUint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

function writeUint32(out: Uint8Array, at: number, value: number): void {
  out[at] = value >>> 24;
  out[at + 1] = value >>> 16;
  out[at + 2] = value >>> 8;
  out[at + 3] = value;
}
