/** What the authentications that take more than one request have in common. */

import type { Challenge } from "./challenges.ts";

/** Who a request is from. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** What of a request may be signed besides the credentials. */
export interface AuthRequest {
  readonly method: string;
  /** Path and query, as in the request line. */
  readonly target: string;
  readonly body: Uint8Array | null;
}

/** One request's way through an authentication. */
export interface AuthScheme {
  /**
   * Value of the Authorization header to send the request again with, after an answer of status 401; null when that
   * answer is final.
   */
  answer(challenges: readonly Challenge[], request: AuthRequest): string | null;
}
