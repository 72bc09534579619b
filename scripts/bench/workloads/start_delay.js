export const options = {
  scenarios: {
    arrivals: {
      executor: "constant-arrival-rate",
      rate: 10000,
      timeUnit: "1s",
      duration: __ENV.DURATION,
      preAllocatedVUs: 50,
    },
  },
};

export default function () {}
