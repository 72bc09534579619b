/** `http.expectedStatuses`: which statuses count as expected for `http_req_failed` and `expected_response`. */

/** A response callback made by `expectedStatuses`; the only kind that k6 accepts. */
export class ExpectedStatuses {
  /** Bounds of the accepted ranges, flat: min, max, min, max, …, both included. */
  readonly #bounds: readonly number[];

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
  }

  /** Whether a status is expected. Hot: once a request. */
  matches(status: number): boolean {
    const bounds = this.#bounds;
    for (let i = 0; i < bounds.length; i += 2) {
      if (status >= bounds[i]! && status <= bounds[i + 1]!) return true;
    }
    return false;
  }
}

/** What counts as expected until a script says otherwise: 200 to 399. */
export const DEFAULT_EXPECTED_STATUSES: ExpectedStatuses = new ExpectedStatuses([200, 399]);

/**
 * Makes a response callback from statuses and ranges; throws a `TypeError` when there are none or one is malformed.
 *
 * ```ts
 * expectedStatuses(200, { min: 400, max: 404 }).matches(403); // true
 * ```
 */
export function expectedStatuses(...statuses: readonly unknown[]): ExpectedStatuses {
  if (statuses.length === 0) throw new TypeError("expectedStatuses needs at least one status or range");
  const bounds: number[] = [];
  for (const [index, status] of statuses.entries()) {
    const { min, max } = isRange(status) ? status : { min: status, max: status };
    if (!Number.isInteger(min) || !Number.isInteger(max)) {
      throw new TypeError(
        `argument ${index + 1} of expectedStatuses must be an integer or an object like {min: 200, max: 299}`,
      );
    }
    bounds.push(min as number, max as number);
  }
  return new ExpectedStatuses(bounds);
}

/** A response callback as a script gives it, null being none; throws a `TypeError` for anything else. */
export function requireCallback(value: unknown): ExpectedStatuses | null {
  if (value === null || value instanceof ExpectedStatuses) return value;
  throw new TypeError("unsupported responseCallback: use http.expectedStatuses() or null");
}

function isRange(value: unknown): value is { min: unknown; max: unknown } {
  return typeof value === "object" && value !== null && "min" in value && "max" in value;
}
