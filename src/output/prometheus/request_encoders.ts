/** The encoders of remote write, by version of the protocol. */

import type { EncoderOptions, RequestEncoder } from "./request_encoder.ts";
import { WriteRequestEncoder } from "./write_request.ts";
import { WriteRequestV2Encoder } from "./write_request_v2.ts";

/** The versions of remote write. */
export type ProtocolVersion = "1.0" | "2.0";

/** An encoder for requests of that version. */
export function createRequestEncoder(version: ProtocolVersion, options: EncoderOptions): RequestEncoder {
  return version === "1.0" ? new WriteRequestEncoder(options) : new WriteRequestV2Encoder(options);
}
