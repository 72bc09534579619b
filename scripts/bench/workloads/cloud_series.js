// 20,000 requests a second, to 55 items by turns: with nine metrics a request, some 500 time series.
import exec from "k6/execution";
import http from "k6/http";

export const options = {
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

const ITEMS = 55;
const url = `${__ENV.BASE_URL}/`;
const params = Array.from({ length: ITEMS }, (_, i) => ({ tags: { name: `item ${i}` } }));

export default function () {
  http.get(url, params[exec.scenario.iterationInTest % ITEMS]);
}
