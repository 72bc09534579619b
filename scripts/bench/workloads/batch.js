import http from "k6/http";

export const options = { batch: 20, batchPerHost: 20 };

const urls = Array(20).fill(`${__ENV.BASE_URL}/`);

export default function () {
  http.batch(urls);
}
