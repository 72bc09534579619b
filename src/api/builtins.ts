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
import { timers } from "./timers.ts";

/** Specifier to the module's object: its named exports, and `default` where the default is the object itself. */
export const BUILTIN_MODULES: Readonly<Record<string, Readonly<Record<string, unknown>>>> = freezeShared({
  "k6": k6,
  "k6/data": data,
  "k6/execution": { ...execution, default: execution },
  "k6/experimental/csv": { ...csv, default: csv },
  "k6/experimental/fs": { ...fs, default: fs },
  "k6/http": { ...http, default: http },
  "k6/metrics": metrics,
  "k6/timers": { ...timers, default: timers },
});

// Scripts get hold of a prototype through its instances.
freezeShared(Response);
freezeShared(File);
