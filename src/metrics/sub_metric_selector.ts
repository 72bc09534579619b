/** Sub-metric keys: `metric{tag:value,other:value}` names the samples of a metric that carry all of these tags. */

import type { TagPairs } from "./types.ts";

/** A parsed sub-metric key. */
export interface SubMetricSelector {
  readonly metric: string;
  /** What stands between the braces, trimmed. */
  readonly suffix: string;
  /** The tags to match, all of them, exactly; in the order written. */
  readonly tags: TagPairs;
}

/** A sub-metric key that can't be understood; the message is for the user. */
export class SubMetricError extends Error {
  override name = "SubMetricError";
}

/** Whether a threshold's key names a sub-metric instead of a metric. */
export function isSubMetricKey(key: string): boolean {
  return key.includes("{");
}

/**
 * Parses a key. The selector runs from the first `{` to the closing `}` at the end, so values may contain braces and
 * colons, but no commas. Names and values lose the spaces and quotes around them. Throws a `SubMetricError`.
 */
export function parseSubMetricKey(key: string): SubMetricSelector {
  const open = key.indexOf("{");
  if (open < 0 || !key.endsWith("}")) throw malformed(key, 'it must end with "{tag:value}"');
  const suffix = key.slice(open + 1, -1).trim();
  const tags = suffix.split(",").map((pair): [string, string] => {
    const colon = pair.indexOf(":");
    const name = unquote(colon < 0 ? pair : pair.slice(0, colon));
    const value = colon < 0 ? "" : unquote(pair.slice(colon + 1));
    if (name === "" || value === "") throw malformed(key, `"${pair.trim()}" is not a tag and its value`);
    return [name, value];
  });
  return { metric: key.slice(0, open).trim(), suffix, tags };
}

function unquote(text: string): string {
  return text.trim().replace(/^["']+|["']+$/g, "");
}

function malformed(key: string, reason: string): SubMetricError {
  return new SubMetricError(
    `malformed sub-metric "${key}": ${reason}; write it like "http_req_duration{status:200,method:GET}"`,
  );
}
