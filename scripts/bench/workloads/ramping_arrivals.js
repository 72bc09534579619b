// Counts the iterations that start in each second: `started_00`, `started_01`, …
import exec from "k6/execution";
import { Counter } from "k6/metrics";

const SECONDS = 20;
const started = [];
for (let second = 0; second <= SECONDS; second++) {
  started.push(new Counter(`started_${String(second).padStart(2, "0")}`));
}

export const options = {
  scenarios: {
    arrivals: {
      executor: "ramping-arrival-rate",
      startRate: 0,
      timeUnit: "1s",
      stages: [{ duration: `${SECONDS}s`, target: 20000 }],
      preAllocatedVUs: 100,
    },
  },
};

export default function () {
  started[Math.floor((Date.now() - exec.scenario.startTime) / 1000)].add(1);
}
