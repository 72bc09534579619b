/** A real nginx on loopback, with its own folder, for tests and the bench of the HTTP client. */

import { findProgram, nginx } from "../support/debian.ts";
import { freePort } from "../support/free_port.ts";
import { makeCertificate } from "./certificate.ts";

/** A running nginx; disposing stops it. */
export interface Nginx extends AsyncDisposable {
  readonly httpUrl: string;
  /** By HTTP/1.1 only. */
  readonly httpsUrl: string;
  /** By HTTP/2 to those who ask for it. */
  readonly http2Url: string;
  /** The server's certificate, PEM; names `localhost` and 127.0.0.1. */
  readonly certificate: string;
  /** Connections that it has accepted so far; asking is one more. */
  connections(): Promise<number>;
}

/** Starts nginx serving `pages` (path to content); keep-alive without limit. `servers` are more blocks of its configuration. */
export async function startNginx(pages: Readonly<Record<string, string>>, servers = ""): Promise<Nginx> {
  const program = findProgram(nginx);
  if (program === null) throw new Error("nginx is missing: apt-get install nginx");
  const folder = await Deno.makeTempDir({ prefix: "k6d-nginx-" });
  await Deno.chmod(folder, 0o755);
  await Deno.mkdir(`${folder}/pages`);
  for (const [path, content] of Object.entries(pages)) await Deno.writeTextFile(`${folder}/pages${path}`, content);
  const { certificate, key } = await makeCertificate("localhost", "DNS:localhost,IP:127.0.0.1");
  await Deno.writeTextFile(`${folder}/server.pem`, certificate);
  await Deno.writeTextFile(`${folder}/server.key`, key);
  const [httpPort, httpsPort, http2Port] = [freePort(), freePort(), freePort()];
  await Deno.writeTextFile(
    `${folder}/nginx.conf`,
    `
daemon off; pid ${folder}/nginx.pid; error_log ${folder}/error.log; worker_processes 1;
events { worker_connections 12000; }
http {
  access_log off; keepalive_requests 1000000000; keepalive_timeout 600s; root ${folder}/pages;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  open_file_cache max=100; ssl_certificate ${folder}/server.pem; ssl_certificate_key ${folder}/server.key;
  ssl_protocols TLSv1.2 TLSv1.3;
  ${servers}
  server {
    listen 127.0.0.1:${httpPort}; listen 127.0.0.1:${httpsPort} ssl; listen 127.0.0.1:${http2Port} ssl http2;
    location /status { stub_status; }
    location /one-request { keepalive_requests 1; return 200 once; }
  }
}`,
  );
  const child = new Deno.Command(program, {
    args: ["-p", folder, "-c", `${folder}/nginx.conf`, "-e", `${folder}/error.log`],
    stdout: "null",
    stderr: "null",
  }).spawn();
  const httpUrl = `http://127.0.0.1:${httpPort}`;
  await untilListening(httpPort);
  return {
    httpUrl,
    httpsUrl: `https://127.0.0.1:${httpsPort}`,
    http2Url: `https://127.0.0.1:${http2Port}`,
    certificate,
    async connections() {
      const text = await (await fetch(`${httpUrl}/status`, { headers: { connection: "close" } })).text();
      return Number(/requests\s+(\d+)/.exec(text)?.[1]);
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await child.status;
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** Resolves when the port takes connections. */
async function untilListening(port: number): Promise<void> {
  const giveUpAt = performance.now() + 10_000;
  for (;;) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return;
    } catch (error) {
      if (performance.now() > giveUpAt) throw new Error(`nginx does not listen on ${port}`, { cause: error });
      await new Promise((retry) => setTimeout(retry, 10));
    }
  }
}
