/** The system tags: names that k6d itself puts on samples, chosen by the option `systemTags`. */

/** Every system tag, in the order in which they are documented. */
export const SYSTEM_TAGS = [
  "proto",
  "subproto",
  "status",
  "method",
  "url",
  "name",
  "group",
  "check",
  "error",
  "error_code",
  "tls_version",
  "scenario",
  "service",
  "expected_response",
  "iter",
  "vu",
  "ocsp_status",
  "ip",
] as const;

/** The name of a system tag. */
export type SystemTag = typeof SYSTEM_TAGS[number];

/** The system tags that are on unless `systemTags` says otherwise. */
export const DEFAULT_SYSTEM_TAGS: readonly SystemTag[] = SYSTEM_TAGS.filter((tag) =>
  tag !== "iter" && tag !== "vu" && tag !== "ocsp_status" && tag !== "ip"
);

/** System tags that never become part of a time series: they differ with each iteration or virtual user. */
export const METADATA_SYSTEM_TAGS: readonly SystemTag[] = ["iter", "vu"];

/** The system tags that `names` (the option `systemTags`) turns on; names that aren't system tags are ignored, as in k6. */
export function enabledSystemTags(names: readonly string[]): ReadonlySet<SystemTag> {
  return new Set(SYSTEM_TAGS.filter((tag) => names.includes(tag)));
}
