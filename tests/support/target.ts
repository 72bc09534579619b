/** The HTTP target that tests send their requests to; each test starts and disposes its own. */

export { startTarget, type Target } from "../../scripts/target.ts";
