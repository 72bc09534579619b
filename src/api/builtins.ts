/** Every module that a script can import by a name of k6's. */

import { csv } from "./csv.ts";
import { data } from "./data.ts";
import { execution } from "./execution.ts";
import { freezeShared } from "./freeze_shared.ts";
import { File, fs } from "./fs.ts";
import { http } from "./http.ts";
import { Response } from "./http_response.ts";
import { k6 } from "./k6.ts";
import { metrics } from "./metrics.ts";
import { listResponseFields } from "./response_fields.ts";
import { secrets } from "./secrets.ts";
import { timers } from "./timers.ts";

/** What a default import of each module is. Every virtual user may change it for itself (script/builtin_changes.ts). */
export const DEFAULT_EXPORTS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "k6": k6,
  "k6/data": data,
  "k6/execution": execution,
  "k6/experimental/csv": csv,
  "k6/experimental/fs": fs,
  "k6/http": http,
  "k6/metrics": metrics,
  "k6/secrets": secrets,
  "k6/timers": timers,
};

/** Specifier to the module's object: its named exports and `default`. */
export const BUILTIN_MODULES: Readonly<Record<string, Readonly<Record<string, unknown>>>> = Object.fromEntries(
  Object.entries(DEFAULT_EXPORTS).map(([name, exports]) => [name, Object.freeze({ ...exports, default: exports })]),
);

for (const exports of Object.values(DEFAULT_EXPORTS)) Object.values(exports).forEach(freezeShared);
listResponseFields();
// Scripts get hold of a prototype through its instances.
freezeShared(Response);
freezeShared(File);
