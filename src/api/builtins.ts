/** Every module that a script can import by a name of k6's. */

import { csv } from "./csv.ts";
import { data } from "./data.ts";
import { encoding, encodingNames } from "./encoding.ts";
import { execution } from "./execution.ts";
import { freezeShared } from "./freeze_shared.ts";
import { File, fs } from "./fs.ts";
import { http } from "./http.ts";
import { Response } from "./http_response.ts";
import { k6 } from "./k6.ts";
import { type LazyName, loadModule } from "./lazy_modules.ts";
import { metrics } from "./metrics.ts";
import { listResponseFields } from "./response_fields.ts";
import { addPageMethods } from "./response_page.ts";
import { secrets } from "./secrets.ts";
import { timers } from "./timers.ts";

type Exports = Readonly<Record<string, unknown>>;

const defaultExports: Record<string, Exports> = {
  "k6": k6,
  "k6/data": data,
  "k6/encoding": encoding,
  "k6/execution": execution,
  "k6/experimental/csv": csv,
  "k6/experimental/fs": fs,
  "k6/http": http,
  "k6/metrics": metrics,
  "k6/secrets": secrets,
  "k6/timers": timers,
};

const builtinModules: Record<string, Exports> = {};

/** What a default import of each module is. Every virtual user may change it for itself (script/builtin_changes.ts). */
export const DEFAULT_EXPORTS: Readonly<Record<string, Exports>> = defaultExports;

/** Specifier to the module's object: its named exports and `default`. */
export const BUILTIN_MODULES: Readonly<Record<string, Exports>> = builtinModules;

/** Adds a module whose code is loaded only for scripts that use it. */
export async function addLazyModule(name: LazyName): Promise<void> {
  const { exports, classes } = await loadModule(name);
  classes.forEach(freezeShared);
  defaultExports[name] = exports;
  addModule(name, exports);
}

function addModule(name: string, exports: Exports): void {
  const names = name === "k6/encoding" ? encodingNames : exports;
  builtinModules[name] = Object.freeze({ ...names, default: exports });
  for (const value of [...Object.values(exports), ...Object.values(names)]) freezeShared(value);
}

for (const [name, exports] of Object.entries(defaultExports)) addModule(name, exports);
addPageMethods();
listResponseFields();
// Scripts get hold of a prototype through its instances.
freezeShared(Response);
freezeShared(File);
