/** The plan of a test that runs in the cloud, as it is shown before. */

import { renderPlan } from "../banner.ts";
import type { CloudScript } from "./cloud_script.ts";

/** The lines `execution`, `script`, `output` (its place in the cloud) and `scenarios`. */
export function planOf({ plan: { settings }, test }: Pick<CloudScript, "plan" | "test">, place: string): string {
  const { script, color } = settings;
  return renderPlan({ execution: "cloud", script, outputs: [place], options: test.options }, color);
}
