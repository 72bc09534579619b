/** The one target of a benchmark: nginx with one worker and no access log where it is installed, else the embedded target. */

import { makeCertificate } from "../../tests/net/certificate.ts";
import { findProgram, nginx } from "../../tests/support/debian.ts";
import { freePort } from "../../tests/support/free_port.ts";
import { ROOT } from "../repository.ts";
import { withManyFiles } from "./measured_process.ts";

/** A running target in a process of its own. */
export interface BenchTarget extends AsyncDisposable {
  readonly name: string;
  readonly url: string;
}

/** A target of TLS, with a self-signed certificate. */
export interface TlsTargets extends AsyncDisposable {
  /** By HTTP/1.1 only. */
  readonly https: string;
  /** By HTTP/2 to those who ask for it. */
  readonly http2: string;
}

/** Starts nginx or, without it, the embedded target, on a free loopback port, and waits until it answers. */
export async function startBenchTarget(): Promise<BenchTarget> {
  await using resources = new AsyncDisposableStack();
  const port = freePort();
  const program = findProgram(nginx);
  const folder = await Deno.makeTempDir({ prefix: "k6d-bench-" });
  resources.defer(() => Deno.remove(folder, { recursive: true }));

  let command = [Deno.execPath(), "run", "-A", "scripts/target.ts", String(port)];
  if (program !== null) {
    await Deno.writeTextFile(`${folder}/nginx.conf`, nginxConfig(port));
    await Deno.writeFile(`${folder}/megabyte`, new Uint8Array(1_000_000).fill(120));
    command = [program, "-p", folder, "-c", "nginx.conf", "-e", "error.log"];
  }
  const args = withManyFiles(command);
  await startServer(port, new Deno.Command("bash", { args, cwd: ROOT, stdin: "piped", stdout: "null" }), resources);
  const owned = resources.move();
  return {
    name: program === null ? "embedded target" : "nginx",
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Starts nginx for TLS; null without it: the embedded target has none. */
export async function startTlsTargets(): Promise<TlsTargets | null> {
  const program = findProgram(nginx);
  if (program === null) return null;
  await using resources = new AsyncDisposableStack();
  const [port, https, http2] = [freePort(), freePort(), freePort()];
  const folder = await Deno.makeTempDir({ prefix: "k6d-bench-" });
  resources.defer(() => Deno.remove(folder, { recursive: true }));
  const { certificate, key } = await makeCertificate("localhost", "DNS:localhost,IP:127.0.0.1");
  await Deno.writeTextFile(`${folder}/server.pem`, certificate);
  await Deno.writeTextFile(`${folder}/server.key`, key);
  const listen = `ssl_certificate server.pem; ssl_certificate_key server.key; ssl_protocols TLSv1.2 TLSv1.3;
    listen 127.0.0.1:${https} ssl backlog=16384; listen 127.0.0.1:${http2} ssl http2 backlog=16384;`;
  await Deno.writeTextFile(`${folder}/nginx.conf`, nginxConfig(port, listen));
  const args = withManyFiles([program, "-p", folder, "-c", `${folder}/nginx.conf`, "-e", "error.log"]);
  await startServer(port, new Deno.Command("bash", { args, cwd: ROOT, stdin: "piped", stdout: "null" }), resources);
  const owned = resources.move();
  return {
    https: `https://127.0.0.1:${https}`,
    http2: `https://127.0.0.1:${http2}`,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Starts a server that answers every request after 10 ms. */
export async function startDelayServer(): Promise<BenchTarget> {
  await using resources = new AsyncDisposableStack();
  const port = freePort();
  const args = ["run", "-A", "scripts/bench/delay_server.ts", String(port), "10"];
  await startServer(port, new Deno.Command(Deno.execPath(), { args, cwd: ROOT, stdin: "piped" }), resources);
  const owned = resources.move();
  return {
    name: "delay server",
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Starts a server whose end `resources` will own, and waits until it listens at a loopback port; throws when it ends before. */
async function startServer(port: number, command: Deno.Command, resources: AsyncDisposableStack): Promise<void> {
  const child = command.spawn();
  let ended: Deno.CommandStatus | undefined;
  const status = child.status.then((status) => ended = status);
  resources.defer(async () => {
    if (ended === undefined) child.kill("SIGTERM");
    await status;
    await child.stdin.abort();
  });
  while (!await accepts(port)) {
    if (ended !== undefined) throw new Error(`the server for port ${port} ended with code ${ended.code}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function accepts(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return false;
    throw error;
  }
}

function nginxConfig(port: number, listen = ""): string {
  return `
daemon off;
master_process off;
pid nginx.pid;
error_log error.log crit;
events { worker_connections 20000; }
http {
  access_log off;
  keepalive_timeout 3600s;
  keepalive_requests 1000000000;
  default_type text/plain;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  server {
    listen 127.0.0.1:${port} backlog=16384; ${listen}
    location / { return 200 "Hello from nginx\\n"; }
    location = /megabyte { root .; }
    location = /upload { client_max_body_size 0; client_body_buffer_size 1m; return 204; }
  }
}
`;
}
