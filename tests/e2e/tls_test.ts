/** What scripts and their environment say of TLS: secrets for other tools, sessions, cipher suites, names. */

import { assertEquals, assertMatch } from "@std/assert";
import { makeCertificate } from "../net/certificate.ts";
import { startNginx } from "../net/nginx.ts";
import { nginx, testWithPrograms } from "../support/debian.ts";
import { makeAuthority } from "../support/tls_certificates.ts";
import { freePort } from "../support/free_port.ts";
import { readArchive } from "../../src/script/archive.ts";
import { consoleMessages, type K6dCommand, K6dProcess, logEntries, runK6d, runSuccessfully } from "./support/k6d.ts";

/** Two servers of a new authority: one with all of TLS, that speaks HTTP/2, and one with TLS 1.2. They tell how they are called. */
async function startServers() {
  const authority = await makeAuthority();
  const { certificate, key } = await authority.issue("DNS:localhost,DNS:xn--bcher-kva.test,IP:127.0.0.1,IP:::1");
  const folder = await Deno.makeTempDir({ prefix: "k6d-test-" });
  await Deno.writeTextFile(`${folder}/cert.pem`, certificate);
  await Deno.writeTextFile(`${folder}/key.pem`, key);
  const [port, oldPort] = [freePort(), freePort()];
  const common = `ssl_certificate ${folder}/cert.pem; ssl_certificate_key ${folder}/key.pem;
    location / { return 200 "$ssl_protocol $ssl_session_reused $ssl_server_name"; }
    location /to/ { return 302 $arg_url; }`;
  const server = await startNginx(
    {},
    `ssl_session_cache shared:sessions:1m;
     server { listen 127.0.0.1:${port} ssl http2; listen [::1]:${port} ssl http2; ${common} }
     server { listen 127.0.0.1:${oldPort} ssl; ssl_protocols TLSv1.2; ${common} }`,
  );
  return {
    newPort: port,
    oldPort,
    newUrl: `https://localhost:${port}`,
    oldUrl: `https://localhost:${oldPort}`,
    authority: authority.certificate,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** Runs `body` once, trusting `authority`. */
function command(
  authority: string,
  body: string,
  options: Readonly<Record<string, unknown>> = {},
  env: Readonly<Record<string, string>> = {},
): K6dCommand {
  const script = `import http from "k6/http";
export const options = ${JSON.stringify(options)};
export default function () {
${body}
}`;
  return { files: { "script.js": script, "roots.pem": authority }, env: { SSL_CERT_FILE: "roots.pem", ...env } };
}

testWithPrograms(
  "SSLKEYLOGFILE gets the secrets of HTTP/1.1 and HTTP/2, and the answers are the same",
  [nginx],
  async () => {
    await using server = await startServers();
    const keys = await Deno.makeTempFile();
    try {
      const urls = JSON.stringify([server.newUrl, server.oldUrl]);
      const result = await runSuccessfully(command(
        server.authority,
        `for (const url of ${urls}) {
  const { proto, body, timings } = http.get(url);
  console.log(proto, body, timings.tls_handshaking > 0, http.get(url).timings.tls_handshaking, http.post(url, "x".repeat(100000)).status);
}
const { error, error_code } = http.get("https://127.0.0.2:${server.newPort}".replace("127.0.0.2", "other.test"));
console.log(error_code, error);`,
        { hosts: { "other.test": "127.0.0.1" } },
        { SSLKEYLOGFILE: keys },
      ));
      assertEquals(consoleMessages(result), [
        "HTTP/2.0 TLSv1.3 . localhost true 0 200",
        "HTTP/1.1 TLSv1.2 . localhost true 0 200",
        "1311 x509: certificate doesn't match hostname",
      ]);
      const labels = (await Deno.readTextFile(keys)).split("\n").map((line) => line.split(" ")[0]);
      for (const label of ["CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0", "CLIENT_RANDOM"]) {
        assertEquals(labels.filter((each) => each === label).length, 1, label);
      }
      const warnings = logEntries(result.stderr).filter(({ msg }) => msg?.startsWith("SSLKEYLOGFILE"));
      assertEquals(warnings.length, 1);
    } finally {
      await Deno.remove(keys);
    }
  },
);

testWithPrograms("a file that SSLKEYLOGFILE names in vain ends the run with one line", [nginx], async () => {
  const result = await runK6d(command("", "", {}, { SSLKEYLOGFILE: "missing/keys", SSL_CERT_FILE: "" }));
  assertEquals(result.code, 255);
  const [error] = logEntries(result.stderr).filter(({ level }) => level === "error");
  assertMatch(error!.msg!, /^SSLKEYLOGFILE names missing\/keys, which can't be written to: No such file or directory/);
});

Deno.test("a file of SSL_CERT_FILE without a certificate ends the run with one line", async () => {
  for (const roots of ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]) {
    const result = await runK6d(command(roots, ""));
    const errors = logEntries(result.stderr).filter(({ level }) => level === "error").map(({ msg }) => msg);
    assertEquals([result.code, errors], [255, ["SSL_CERT_FILE names roots.pem, which holds no certificate in PEM"]]);
  }
});

testWithPrograms("sessions are resumed with roots and versions of one's own, too", [nginx], async () => {
  await using server = await startServers();
  for (const [url, version] of [[server.newUrl, "TLSv1.3"], [server.oldUrl, "TLSv1.2"]]) {
    const result = await runSuccessfully(command(
      server.authority,
      `const bodies = [];
for (let i = 0; i < 6; i++) bodies.push(http.get("${url}").body.split(" ").slice(0, 2).join(" "));
console.log(bodies[0], bodies.includes("${version} r"), http.get("https://other.test:" + url.split(":").pop()).error);`
        .replace("url.split", `"${url}".split`),
      {
        tlsSessionResumption: true,
        noConnectionReuse: true,
        tlsVersion: { min: "tls1.2", max: "tls1.3" },
        hosts: { "other.test": "127.0.0.1" },
      },
    ));
    assertEquals(consoleMessages(result), [`${version} . true x509: certificate doesn't match hostname`]);
  }
});

testWithPrograms(
  "a suite that tlsCipherSuites doesn't list fails with TLS 1.2; TLS 1.3 has its own",
  [nginx],
  async () => {
    await using server = await startServers();
    const body = `for (const url of ["${server.newUrl}", "${server.oldUrl}"]) {
  const { status, error_code, error, tls_cipher_suite } = http.get(url);
  console.log(status, error_code, error, tls_cipher_suite);
}`;
    const outcomes = async (tlsCipherSuites: readonly string[]) =>
      consoleMessages(await runSuccessfully(command(server.authority, body, { tlsCipherSuites })));
    const chosen = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384";
    assertEquals(await outcomes([chosen]), ["200 0  TLS_AES_256_GCM_SHA384", `200 0  ${chosen}`]);
    assertEquals(await outcomes(["TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"]), [
      "200 0  TLS_AES_256_GCM_SHA384",
      `0 1300 tls: the server chose ${chosen}, which tlsCipherSuites doesn't allow `,
    ]);
  },
);

testWithPrograms(
  "an archive has no key of a client certificate, and its runs take it from the script again",
  [nginx],
  async () => {
    const port = freePort();
    await using _server = await startNginx(
      {},
      `server { listen 127.0.0.1:${port} ssl; ssl_verify_client optional_no_ca; return 200 "$ssl_client_s_dn"; }`,
    );
    const { certificate, key } = await makeCertificate("somebody", "DNS:somebody");
    const files = {
      "script.js": `import http from "k6/http";
export const options = {
  insecureSkipTLSVerify: true,
  tlsAuth: [{ cert: open("cert.pem"), key: __ENV.KEY }],
};
const sameKey = __ENV.READS ? open("key.pem") : "";
export default function () {
  console.log(http.get("https://127.0.0.1:${port}").body);
}`,
      "cert.pem": certificate,
      "key.pem": key,
    };
    const archive = async (...args: string[]) => {
      await using archiving = await K6dProcess.start({
        files,
        args: ["archive", "-e", `KEY=${key}`, ...args, "script.js"],
      });
      const { code, stderr } = await archiving.ended();
      assertEquals(code, 0, stderr);
      const [warning] = logEntries(stderr).map(({ msg }) => msg!.replace(archiving.folder, ""));
      return { warning, bytes: await Deno.readFile(`${archiving.folder}/archive.tar`) };
    };
    const { warning, bytes } = await archive();
    assertMatch(warning!, /^secrets were left out of the archive: options\.tlsAuth\[0\]\.key/);
    assertEquals(readArchive(bytes).options["tlsAuth"], [{ cert: certificate }]);
    const result = await runSuccessfully({ files: { "x.tar": bytes }, args: ["run", "-e", `KEY=${key}`, "x.tar"] });
    assertEquals(consoleMessages(result), ["CN=somebody"]);
    // What a script reads is a part of its archive.
    assertMatch(
      (await archive("-e", "READS=1")).warning!,
      /^the archive holds options\.tlsAuth\[0\]\.key, because \/key\.pem has it/,
    );
  },
);

testWithPrograms("names and addresses in every spelling; each hop of a redirect has its version, for tags, too", [
  nginx,
], async () => {
  await using server = await startServers();
  const { newPort, oldPort, newUrl, oldUrl } = server;
  const urls = [`https://LocalHost:${newPort}/`, `https://localhost.:${newPort}/`, `https://[::1]:${newPort}/`];
  const urlsOfNames = [...urls, `https://127.0.0.1:${oldPort}/`, `https://bücher.test:${newPort}/`];
  await using run = await K6dProcess.start({
    ...command(
      server.authority,
      `for (const url of ${JSON.stringify(urlsOfNames)}) {
  const { body, error, remote_ip } = http.get(url);
  console.log(body, error, remote_ip);
}
const { tls_version, tls_cipher_suite, ocsp, proto } = http.get("${newUrl}/to/?url=${oldUrl}/", { tags: { name: "hops" } });
console.log(tls_version, tls_cipher_suite, ocsp.status, proto);`,
      { hosts: { "bücher.test": "127.0.0.1", "xn--bcher-kva.test": "127.0.0.1" } },
    ),
    args: ["run", "--quiet", "--out", "json=samples.json", "script.js"],
  });
  const result = await run.ended();
  assertEquals(consoleMessages(result), [
    "TLSv1.3 . localhost  127.0.0.1",
    "TLSv1.3 . localhost  127.0.0.1",
    "TLSv1.3 .   ::1",
    "TLSv1.2 .   127.0.0.1",
    "TLSv1.3 . xn--bcher-kva.test  127.0.0.1",
    "tls1.2 TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 unknown HTTP/1.1",
  ]);
  const samples = (await Deno.readTextFile(`${run.folder}/samples.json`)).trimEnd().split("\n").map((line) =>
    JSON.parse(line)
  );
  const hops = samples.filter(({ type, metric, data }) =>
    type === "Point" && metric === "http_reqs" && data.tags.name === "hops"
  );
  assertEquals(hops.map(({ data }) => `${data.tags.status} ${data.tags.proto} ${data.tags.tls_version}`), [
    ...["302 HTTP/2.0 tls1.3", "200 HTTP/1.1 tls1.2"],
  ]);
});
