// From 0 to 10,000 virtual users in 10 seconds: user n should start after n milliseconds.
import { sleep } from "k6";
import exec from "k6/execution";
import { Trend } from "k6/metrics";

const startDelay = new Trend("start_delay", true);
let isFirst = true;

export const options = {
  scenarios: {
    ramp: {
      executor: "ramping-vus",
      startVUs: 0,
      stages: [{ duration: "10s", target: 10000 }],
      gracefulRampDown: "0s",
      gracefulStop: "0s",
    },
  },
};

export default function () {
  if (isFirst) startDelay.add(Math.max(0, Date.now() - exec.scenario.startTime - exec.vu.idInTest));
  isFirst = false;
  sleep(1);
}
