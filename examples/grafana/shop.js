// A load that fills every panel of the dashboards: two scenarios, groups, failing checks and requests, custom metrics of
// each kind, iterations that start late or are dropped. README.md beside it says how to run it.

import { check, group, sleep } from "k6";
import exec from "k6/execution";
import http from "k6/http";
import { Counter, Gauge, Rate, Trend } from "k6/metrics";

const duration = __ENV.DURATION || "5m";
const baseUrl = __ENV.BASE_URL || "http://127.0.0.1:8080";

export const options = {
  tags: { testid: __ENV.TEST_ID || "shop" },
  scenarios: {
    browse: { executor: "constant-vus", exec: "browse", vus: 5, duration, gracefulStop: "1s" },
    // Two users manage 20 orders a second, so that of 25 due some are dropped.
    order: {
      executor: "constant-arrival-rate",
      exec: "order",
      rate: 25,
      duration,
      preAllocatedVUs: 2,
      maxVUs: 2,
      gracefulStop: "1s",
    },
  },
};

const revenue = new Counter("shop_revenue");
const basketItems = new Gauge("shop_basket_items");
const soldOut = new Rate("shop_sold_out");
const pageBytes = new Trend("shop_page_bytes");
const checkoutDuration = new Trend("shop_checkout_duration", true);

export function browse() {
  group("home", () => {
    const home = http.get(`${baseUrl}/`, { tags: { name: "home" } });
    check(home, { "home page is up": (r) => r.status === 200 });
    pageBytes.add(home.body.length);
  });
  group("search", () => {
    const found = http.get(`${baseUrl}/json`, { tags: { name: "search" } });
    check(found, { "something is found": (r) => r.json("items").length > 0 });
    soldOut.add(Math.random() < 0.2);
  });
  sleep(0.1);
}

export function order() {
  const items = 1 + Math.floor(Math.random() * 5);
  basketItems.add(items);
  group("checkout", () => {
    const started = Date.now();
    http.get(`${baseUrl}/delay/${50 + 10 * items}`, { tags: { name: "stock" } });
    const status = exec.scenario.iterationInTest % 10 === 3 ? 503 : 201;
    const paid = http.post(`${baseUrl}/status/${status}`, JSON.stringify({ items }), {
      headers: { "Content-Type": "application/json" },
      tags: { name: "pay" },
    });
    if (check(paid, { "order is paid": (r) => r.status === 201 })) revenue.add(items * 9.5);
    checkoutDuration.add(Date.now() - started);
  });
}
