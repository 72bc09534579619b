/**
 * Cases that k6d is known to fail, with the reason. A deviation on purpose stands in docs/compatibility.md too; what waits
 * for work names the topic. The runner reports a case that passes although it is listed here.
 */

const WEBSOCKETS = "waits for WebSockets";
const URL_OBJECTS = "on purpose: what `http.url` gives, without the undocumented `clean` and `getURL`";
const EXTERNALLY_CONTROLLED = "on purpose: `externally-controlled`, which k6 2 dropped, is kept";

/** By reason, to keep the list short. */
const CASES: Readonly<Record<string, readonly string[]>> = {
  [WEBSOCKETS]: [
    "flows/ws-room",
    "modules/deprecated-modules",
    "modules/websockets-basic",
    "modules/ws-basic",
    "modules/ws-blocking-inside",
    "modules/ws-params",
    "modules/ws-timers-and-ping",
  ],
  [URL_OBJECTS]: ["http/url-template"],
  [EXTERNALLY_CONTROLLED]: ["executors/unknown-executor"],
};

/** The reason of each case, by `area/name`. */
export const EXPECTED_FAILURES: ReadonlyMap<string, string> = new Map(
  Object.entries(CASES).flatMap(([reason, ids]) => ids.map((id) => [id, reason] as const)),
);
