/** HTTP/2's error codes (RFC 9113, section 7), and failures with them in k6's numbers and words. */

import { ERROR_CODES, type Failure, NetError } from "../errors.ts";

/** The codes that a client sends or looks at. */
export const ErrorCode = {
  NoError: 0,
  ProtocolError: 1,
  FlowControlError: 3,
  StreamClosed: 5,
  FrameSizeError: 6,
  RefusedStream: 7,
  Cancel: 8,
  CompressionError: 9,
  EnhanceYourCalm: 11,
} as const;

const NAMES: readonly string[] = [
  ...["NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED"],
  ...["FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM"],
  ...["INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED"],
];

/** The server broke a rule in a way that ends the connection. `errorCode` is what it is told. */
export class Http2ConnectionError extends NetError {
  override name = "Http2ConnectionError";
  readonly errorCode: number;

  constructor(errorCode: number) {
    super(failure("connection error", ERROR_CODES.http2Connection, errorCode));
    this.errorCode = errorCode;
  }
}

/** The failure of a request whose stream ended with an error, on either side. */
export function streamFailure(errorCode: number): Failure {
  return failure("stream error", ERROR_CODES.http2Stream, errorCode);
}

/** The failure of a request whose connection the server ended with a GOAWAY. */
export function goAwayFailure(errorCode: number): Failure {
  return failure("received GoAway", ERROR_CODES.http2GoAway, errorCode);
}

/** k6 has a number for codes that nobody knows, and then one for each that is known. */
function failure(kind: string, base: number, errorCode: number): Failure {
  const name = NAMES[errorCode];
  return {
    code: name === undefined ? base : base + 1 + errorCode,
    text: `http2: ${kind} with http2 ErrCode ${name ?? `unknown error code 0x${errorCode.toString(16)}`}`,
  };
}
