/** The module `k6/crypto/x509`: reading certificates. Loaded only for scripts that import it. */

import { type KeyObject, X509Certificate } from "node:crypto";

/** A distinguished name, as `getSubject()` gives it. Parts that it lacks are empty. */
interface Subject extends Issuer {
  readonly postalCode: string;
  readonly streetAddress: string;
  readonly organizationalUnitName: readonly string[];
}

/** A distinguished name, as `getIssuer()` gives it. */
interface Issuer {
  readonly commonName: string;
  readonly country: string;
  readonly stateOrProvinceName: string;
  readonly localityName: string;
  readonly organizationName: string;
  /** All its parts in order, with their object identifiers. */
  readonly names: readonly { readonly type: string; readonly value: string }[];
}

/** A certificate, as `parse()` gives it. */
interface Certificate {
  readonly subject: Subject;
  readonly issuer: Issuer;
  /** RFC 3339, in UTC, to the second. */
  readonly notBefore: string;
  readonly notAfter: string;
  readonly altNames: readonly string[];
  /** By Go's names, for instance `SHA256-RSA`. */
  readonly signatureAlgorithm: string;
  /** The bytes of the SHA-1 digest. */
  readonly fingerPrint: readonly number[];
  readonly publicKey: { readonly algorithm: string; readonly key: Readonly<Record<string, unknown>> };
}

/** The module's object. Each function takes a certificate in PEM form. */
export const exports: Readonly<Record<string, unknown>> = {
  parse(pem?: unknown): Certificate {
    const certificate = read(pem, "parse()");
    return {
      subject: subjectOf(certificate),
      issuer: issuerOf(certificate),
      notBefore: rfc3339(certificate.validFrom),
      notAfter: rfc3339(certificate.validTo),
      altNames: altNamesOf(certificate),
      signatureAlgorithm: signatureAlgorithmOf(certificate),
      fingerPrint: [...Uint8Array.fromHex(certificate.fingerprint.replaceAll(":", ""))],
      publicKey: publicKeyOf(certificate.publicKey),
    };
  },
  getAltNames(pem?: unknown): string[] {
    return altNamesOf(read(pem, "getAltNames()"));
  },
  getIssuer(pem?: unknown): Issuer {
    return issuerOf(read(pem, "getIssuer()"));
  },
  getSubject(pem?: unknown): Subject {
    return subjectOf(read(pem, "getSubject()"));
  },
};

/** Classes that scripts get instances of. */
export const classes: readonly unknown[] = [];

const PEM = /-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/;

function read(pem: unknown, what: string): X509Certificate {
  const text = PEM.exec(String(pem))?.[0];
  if (text === undefined) throw new Error(`${what} failed: the text holds no certificate in PEM form`);
  try {
    return new X509Certificate(text);
  } catch (error) {
    if (error instanceof Error) throw new Error(`${what} failed: the certificate can't be read: ${error.message}`);
    throw error;
  }
}

/** Object identifiers (RFC 5280, appendix A) of the parts of a name, by OpenSSL's names for them. */
const NAME_TYPES: Readonly<Record<string, string>> = {
  CN: "2.5.4.3",
  SN: "2.5.4.4",
  serialNumber: "2.5.4.5",
  C: "2.5.4.6",
  L: "2.5.4.7",
  ST: "2.5.4.8",
  street: "2.5.4.9",
  streetAddress: "2.5.4.9",
  O: "2.5.4.10",
  OU: "2.5.4.11",
  title: "2.5.4.12",
  postalCode: "2.5.4.17",
  GN: "2.5.4.42",
  DC: "0.9.2342.19200300.100.1.25",
  UID: "0.9.2342.19200300.100.1.1",
  emailAddress: "1.2.840.113549.1.9.1",
};

/** The parts of a name, which stand one in a line. */
function namesOf(name: string): { type: string; value: string }[] {
  return name.split("\n").filter((line) => line.includes("=")).map((line) => {
    const at = line.indexOf("=");
    const key = line.slice(0, at);
    return { type: NAME_TYPES[key] ?? key, value: line.slice(at + 1) };
  });
}

function issuerOf({ issuer }: X509Certificate): Issuer {
  return issuerPart(namesOf(issuer));
}

function issuerPart(names: Issuer["names"]): Issuer {
  return {
    commonName: valuesOf(names, "CN").at(-1) ?? "",
    country: first(names, "C"),
    stateOrProvinceName: first(names, "ST"),
    localityName: first(names, "L"),
    organizationName: first(names, "O"),
    names,
  };
}

function subjectOf({ subject }: X509Certificate): Subject {
  const names = namesOf(subject);
  return {
    ...issuerPart(names),
    postalCode: first(names, "postalCode"),
    streetAddress: first(names, "street"),
    organizationalUnitName: valuesOf(names, "OU"),
  };
}

function first(names: Issuer["names"], key: string): string {
  return valuesOf(names, key)[0] ?? "";
}

function valuesOf(names: Issuer["names"], key: string): string[] {
  return names.filter(({ type }) => type === NAME_TYPES[key]).map(({ value }) => value);
}

const ALT_NAME_KINDS = ["DNS", "email", "IP Address", "URI"];

/** By kind, as Go tells them. */
function altNamesOf({ subjectAltName }: X509Certificate): string[] {
  const names = subjectAltName?.split(", ") ?? [];
  return ALT_NAME_KINDS.flatMap((kind) =>
    names.filter((name) => name.startsWith(`${kind}:`)).map((name) => name.slice(kind.length + 1))
  );
}

/** From the way in which OpenSSL writes a time: `Nov 21 14:21:30 2026 GMT`. */
function rfc3339(time: string): string {
  return new Date(time).toISOString().replace(".000Z", "Z");
}

/** Go's names, by OpenSSL's. */
const SIGNATURE_ALGORITHMS: Readonly<Record<string, string>> = {
  md5WithRSAEncryption: "MD5-RSA",
  sha1WithRSAEncryption: "SHA1-RSA",
  sha256WithRSAEncryption: "SHA256-RSA",
  sha384WithRSAEncryption: "SHA384-RSA",
  sha512WithRSAEncryption: "SHA512-RSA",
  "dsa-with-sha256": "DSA-SHA256",
  "ecdsa-with-SHA1": "ECDSA-SHA1",
  "ecdsa-with-SHA256": "ECDSA-SHA256",
  "ecdsa-with-SHA384": "ECDSA-SHA384",
  "ecdsa-with-SHA512": "ECDSA-SHA512",
  ED25519: "Ed25519",
};

function signatureAlgorithmOf(certificate: X509Certificate): string {
  const { signatureAlgorithm } = certificate as unknown as { signatureAlgorithm: string };
  return SIGNATURE_ALGORITHMS[signatureAlgorithm] ?? signatureAlgorithm;
}

/** Numbers of a key are text in decimal digits: they are beyond those of JavaScript. */
function publicKeyOf(key: KeyObject): Certificate["publicKey"] {
  switch (key.asymmetricKeyType) {
    case "rsa":
    case "rsa-pss": {
      const { n, e } = key.export({ format: "jwk" });
      return { algorithm: "RSA", key: { n: decimal(n), e: Number(decimal(e)) } };
    }
    case "ec": {
      const { crv, x, y } = key.export({ format: "jwk" });
      return { algorithm: "ECDSA", key: { curve: crv, x: decimal(x), y: decimal(y) } };
    }
    case "dsa":
      return { algorithm: "DSA", key: {} };
    default:
      return { algorithm: key.asymmetricKeyType ?? "", key: {} };
  }
}

function decimal(base64url: unknown): string {
  const bytes = Uint8Array.fromBase64(String(base64url), { alphabet: "base64url" });
  return BigInt(`0x${bytes.toHex()}`).toString();
}
