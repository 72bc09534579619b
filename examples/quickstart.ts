// A first k6 script: checks, a group, a custom metric of each kind, and thresholds.
// `deno task quickstart` runs it against a small target; with a target of your own:
//   BASE_URL=http://localhost:8080 k6d run examples/quickstart.ts

import { check, group, sleep } from "k6";
import http from "k6/http";
import { Counter, Gauge, Rate, Trend } from "k6/metrics";
import type { Options } from "k6/options";

export const options: Options = {
  scenarios: {
    visitors: { executor: "constant-vus", vus: 10, duration: "5s", gracefulStop: "2s" },
  },
  thresholds: {
    checks: ["rate>0.99"],
    http_req_failed: ["rate<0.01"],
    "http_req_duration{page:api}": ["p(95)<250"],
    item_bytes: ["avg>0"],
  },
};

const baseUrl = __ENV.BASE_URL ?? "http://127.0.0.1:8080";

const orders = new Counter("orders");
const itemsSeen = new Gauge("items_seen");
const emptyAnswers = new Rate("empty_answers");
const itemBytes = new Trend("item_bytes");

export default function (): void {
  const home = http.get(`${baseUrl}/`);
  check(home, { "home page is up": (r) => r.status === 200 });

  group("api", () => {
    const list = http.get(`${baseUrl}/json`, { tags: { page: "api" } });
    const items = list.json("items") as number[];
    itemsSeen.add(items.length);
    emptyAnswers.add(items.length === 0);

    const order = http.post(`${baseUrl}/echo`, JSON.stringify({ item: items[0] }), {
      headers: { "Content-Type": "application/json" },
      tags: { page: "api" },
    });
    const accepted = check(order, {
      "order is accepted": (r) => r.status === 200,
      "order is echoed": (r) => r.json("body") === `{"item":${items[0]}}`,
    });
    if (accepted) orders.add(1, { item: String(items[0]) });
    itemBytes.add((order.body as string).length);
  });

  sleep(0.1);
}
