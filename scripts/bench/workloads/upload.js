import http from "k6/http";

// Filled: memory that nobody has written to is none.
const body = new Uint8Array(100_000_000).fill(120).buffer;
const url = `${__ENV.BASE_URL}/upload`;

export default function () {
  http.post(url, body, { responseCallback: http.expectedStatuses(204) });
}
