/** The roots to trust when some are to be added to Mozilla's. */

import { rootCertificates } from "node:tls";

/** Mozilla's roots and `extra` (PEM), for `NetSettings.caCerts`. For the main thread: a worker may not read the roots. */
export function trustedRoots(extra: readonly string[]): string[] {
  return [...rootCertificates, ...extra];
}
