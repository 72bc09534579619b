/** An authority for servers of tests, and what it signs. Self-signed ones: tests/net/certificate.ts. */

import type { Certificate } from "../net/certificate.ts";

/** One that issues certificates of servers. */
export interface Authority {
  /** Its own certificate, PEM. */
  readonly certificate: string;
  /** Issues one for these names, for example `DNS:localhost,IP:127.0.0.1`. */
  issue(names: string): Promise<Certificate>;
}

/** Makes one with `openssl`. */
export async function makeAuthority(): Promise<Authority> {
  const newKey = [
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
    "-nodes",
    "-subj",
    "/CN=test",
    "-days",
    "2",
  ];
  const own = await openssl(["req", "-x509", ...newKey, "-keyout", "-", "-out", "-"]);
  return {
    certificate: certificateIn(own),
    async issue(names) {
      const folder = await Deno.makeTempDir({ prefix: "k6d-test-" });
      try {
        await Deno.writeTextFile(`${folder}/authority.pem`, own);
        const signed = await openssl([
          ...["req", "-x509", ...newKey, "-CA", `${folder}/authority.pem`, "-CAkey", `${folder}/authority.pem`],
          ...[
            "-addext",
            `subjectAltName=${names}`,
            "-addext",
            "basicConstraints=critical,CA:FALSE",
            "-keyout",
            "-",
            "-out",
            "-",
          ],
        ]);
        return { certificate: certificateIn(signed), key: signed.slice(0, signed.indexOf("-----BEGIN CERTIFICATE")) };
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  };
}

function certificateIn(pem: string): string {
  return pem.slice(pem.indexOf("-----BEGIN CERTIFICATE"));
}

async function openssl(args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("openssl", { args: [...args] }).output();
  if (!success) throw new Error(`openssl failed: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}
