// An open model: 200 iterations start each second, however long the target takes to answer.
//   BASE_URL=http://localhost:8080 k6d run examples/arrival_rate.js

import { check } from "k6";
import { SharedArray } from "k6/data";
import http from "k6/http";
import { Counter, Gauge, Trend } from "k6/metrics";

export const options = {
  scenarios: {
    constant_load: {
      executor: "constant-arrival-rate",
      rate: 200,
      timeUnit: "1s",
      duration: __ENV.DURATION || "30s",
      preAllocatedVUs: 100,
      maxVUs: 200,
    },
  },
  thresholds: {
    http_req_failed: ["rate<0.01"],
    order_duration: ["p(99)<500"],
  },
};

const customers = new SharedArray("customers", function () {
  return Array.from({ length: 100 }, (_, i) => ({ id: i + 1, region: i % 2 === 0 ? "eu" : "us" }));
});

const orderDuration = new Trend("order_duration", true);
const basketSize = new Gauge("basket_size");
const ordersPlaced = new Counter("orders_placed");

const baseUrl = __ENV.BASE_URL || "http://127.0.0.1:8080";

export default function () {
  const customer = customers[Math.floor(Math.random() * customers.length)];
  const basket = 1 + Math.floor(Math.random() * 5);

  const response = http.post(`${baseUrl}/echo`, JSON.stringify({ customer: customer.id, basket }), {
    headers: { "Content-Type": "application/json" },
    tags: { name: "order" },
  });

  check(response, { "order placed": (r) => r.status === 200 });
  orderDuration.add(response.timings.duration, { region: customer.region });
  basketSize.add(basket);
  ordersPlaced.add(1, { region: customer.region });
}
