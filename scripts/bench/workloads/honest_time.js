import http from "k6/http";

export const options = {
  scenarios: {
    arrivals: {
      executor: "constant-arrival-rate",
      rate: 2000,
      timeUnit: "1s",
      duration: __ENV.DURATION,
      preAllocatedVUs: 100,
      maxVUs: 500,
    },
  },
};

const url = `${__ENV.BASE_URL}/`;

export default function () {
  http.get(url);
}
