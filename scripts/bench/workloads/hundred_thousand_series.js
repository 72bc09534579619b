// 100,000 time series of one metric, each with news every five seconds: 20,000 samples a second.
import exec from "k6/execution";
import { Counter } from "k6/metrics";

export const options = {
  scenarios: {
    orders: {
      executor: "constant-arrival-rate",
      rate: 1000,
      timeUnit: "1s",
      duration: __ENV.DURATION,
      preAllocatedVUs: 100,
    },
  },
};

const SERIES = 100_000;
const PER_ITERATION = 20;
const orders = new Counter("orders");

export default function () {
  const first = exec.scenario.iterationInTest * PER_ITERATION;
  for (let i = 0; i < PER_ITERATION; i++) orders.add(1, { shop: `shop-${(first + i) % SERIES}` });
}
