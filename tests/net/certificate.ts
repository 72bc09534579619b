/** Self-signed certificates for servers of tests. */

/** A certificate and its key, PEM. */
export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

/** Makes one with `openssl`; `names` is the text of its subjectAltName, for example `DNS:localhost,IP:127.0.0.1`. */
export async function makeCertificate(commonName: string, names: string): Promise<Certificate> {
  const { success, stdout, stderr } = await new Deno.Command("openssl", {
    args: [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"],
      ...["-keyout", "-", "-out", "-", "-subj", `/CN=${commonName}`, "-addext", `subjectAltName=${names}`],
    ],
  }).output();
  if (!success) throw new Error(`openssl failed: ${new TextDecoder().decode(stderr)}`);
  const pem = new TextDecoder().decode(stdout);
  const certificateAt = pem.indexOf("-----BEGIN CERTIFICATE");
  return { certificate: pem.slice(certificateAt), key: pem.slice(0, certificateAt) };
}
