// 20,000 requests a second, each of which adds to one of 20,000 time series.
import exec from "k6/execution";
import http from "k6/http";
import { Counter } from "k6/metrics";

export const options = {
  systemTags: ["status"],
  scenarios: {
    arrivals: {
      executor: "constant-arrival-rate",
      rate: 20000,
      timeUnit: "1s",
      duration: __ENV.DURATION,
      preAllocatedVUs: 1000,
      // With 1,000 a stall of 50 ms anywhere on the machine drops iterations, with or without the output.
      maxVUs: 4000,
    },
  },
};

const SERIES = 20000;
const orders = new Counter("orders");
const url = `${__ENV.BASE_URL}/`;

export default function () {
  http.get(url);
  orders.add(1, { shop: String(exec.scenario.iterationInTest % SERIES) });
}
