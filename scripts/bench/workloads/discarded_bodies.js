import http from "k6/http";

export const options = { discardResponseBodies: true };

const url = `${__ENV.BASE_URL}/megabyte`;

export default function () {
  http.get(url);
}
