import { check } from "k6";
import http from "k6/http";

const url = `${__ENV.BASE_URL}/`;

export default function () {
  check(http.get(url), { "status is 200": (r) => r.status === 200 });
}
