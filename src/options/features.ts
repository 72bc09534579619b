/** Feature flags: parts of k6 that are experimental there, chosen with `--features`, `K6_FEATURES` or the configuration file. */

/** One feature flag. */
export interface Feature {
  readonly name: string;
  readonly help: string;
  /** A variable from before there were feature flags; a true value asks for the feature. */
  readonly legacyVariable?: string;
}

/** All feature flags, by name. k6 calls all of them experimental. */
export const FEATURES: readonly Feature[] = [
  { name: "freeze-env", help: "__ENV can't be changed by the script" },
  { name: "merge-run-tags", help: "tags of all layers are merged; without it the highest layer replaces them" },
  {
    name: "native-histograms",
    help: "remote write sends Trends as native histograms",
    legacyVariable: "K6_PROMETHEUS_RW_TREND_AS_NATIVE_HISTOGRAM",
  },
];

/** The tag that samples carry for each feature that is on: `k6_feature_merge_run_tags="true"`. */
export function featureTags(features: readonly string[]): Record<string, string> {
  return Object.fromEntries(features.map((name) => [`k6_feature_${name.replaceAll("-", "_")}`, "true"]));
}
