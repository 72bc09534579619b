import { assertEquals } from "@std/assert";
import { WORKER_PERMISSIONS } from "../../src/worker/permissions.ts";

// `deno` is an unstable part of the options, which the stable types don't have.
const options: WorkerOptions & { deno: unknown } = {
  type: "module",
  deno: { permissions: WORKER_PERMISSIONS },
};

Deno.test("the API's pure parts need no host globals and no permission but the network", async () => {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const worker = new Worker(new URL("./bare_worker.ts", import.meta.url), options);
  worker.onmessage = ({ data }) => resolve(data);
  worker.onerror = (event) => {
    event.preventDefault();
    reject(new Error(event.message));
  };
  try {
    assertEquals(await promise, {
      globals: [false, false],
      bodies: ["text", "text", "text", "text"],
      failures: [1701, 1701, 1701],
      console: 'a { b: Uint8Array(1) [ 0 ], c: "1970-01-01T00:00:00.000Z" }',
      cookie: "a=1",
      cookies: 1,
      form: "a=%C5%BC",
      headers: ["X-A", "1"],
      json: 1,
      multipart: true,
      invalid: "\ufffd",
      shared: { a: "ż" },
    });
  } finally {
    worker.terminate();
  }
});
