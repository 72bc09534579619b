// A server thread that answers requests in pairs: the first waits until the second is there.

let first: (() => void) | null = null;

const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
  if (first === null) await new Promise<void>((resolve) => first = resolve);
  else first();
  return new Response(new URL(request.url).pathname);
});
postMessage(server.addr.port);
