/** Lists of version 6, a page at a time. */

import { ApiError, type HubResponse, json } from "./http.ts";
import type { Call } from "./operation.ts";

/** The page that `$skip` and `$top` ask for; `@nextLink` leads to the next one. Throws an `ApiError`. */
export function page({ request, settings }: Call, elements: readonly unknown[]): HubResponse {
  const skip = wholeNumber(request.query, "$skip") ?? 0;
  const top = Math.min(wholeNumber(request.query, "$top") ?? settings.pageSize, settings.pageSize);
  const end = skip + top;
  const next = new URLSearchParams(request.query);
  next.set("$skip", String(end));
  next.set("$top", String(top));
  return json({
    value: elements.slice(skip, end),
    ...(end < elements.length ? { "@nextLink": `${request.origin}${request.path}?${next}` } : {}),
  });
}

function wholeNumber(query: URLSearchParams, name: string): number | undefined {
  const given = query.get(name);
  if (given === null) return undefined;
  if (!/^\d+$/.test(given)) throw new ApiError(400, `${name} must be a whole number`);
  return Number(given);
}
