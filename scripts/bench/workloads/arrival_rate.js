import http from "k6/http";

export const options = {
  scenarios: {
    arrivals: {
      executor: "constant-arrival-rate",
      rate: 5000,
      timeUnit: "1s",
      duration: __ENV.DURATION,
      preAllocatedVUs: 200,
      maxVUs: 1000,
    },
  },
};

const url = `${__ENV.BASE_URL}/`;

export default function () {
  http.get(url);
}
