import http from "k6/http";

const file = open(__ENV.FILE, "b");
const body = __ENV.KIND === "form" ? { upload: http.file(file, "upload.bin") } : file;
const url = `${__ENV.BASE_URL}/upload`;

export default function () {
  http.post(url, body, { responseCallback: http.expectedStatuses(204) });
}
