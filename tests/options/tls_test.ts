import { assertEquals } from "@std/assert";
import { consolidate } from "../../src/options/consolidate.ts";

/** Consolidates a script's options with these variables around. */
function read(script: Record<string, unknown>, env: Record<string, string> = {}) {
  return consolidate({ script, env, flags: {}, exportedFunctions: ["default"] });
}

Deno.test("without options the runtime chooses the version, and HTTP/2 is offered", () => {
  assertEquals(read({}).options.tls, {
    http2: true,
    minVersion: null,
    maxVersion: null,
    resumesSessions: false,
    cipherSuites: null,
    logsSecrets: false,
    auth: [],
  });
});

Deno.test("a version is both bounds; bounds below what there is are the lowest there is", () => {
  const boundsOf = (tlsVersion: unknown) => {
    const { minVersion, maxVersion } = read({ tlsVersion }).options.tls;
    return [minVersion, maxVersion];
  };
  assertEquals(boundsOf("tls1.2"), ["tls1.2", "tls1.2"]);
  assertEquals(boundsOf({ min: "tls1.0", max: "tls1.2" }), [null, "tls1.2"]);
  assertEquals(boundsOf({ min: "tls1.3" }), ["tls1.3", null]);
  assertEquals(boundsOf({ max: "" }), [null, null]);
});

Deno.test("HTTP/2 is left out as for Go's programs, unless an option says otherwise", () => {
  const isOffered = (env: Record<string, string>, script = {}) => read(script, env).options.tls.http2;
  assertEquals(isOffered({ GODEBUG: "http2client=0" }), false);
  assertEquals(isOffered({ GODEBUG: "gctrace=1, http2client=0" }), false);
  assertEquals(isOffered({ GODEBUG: "http2client=1" }), true);
  assertEquals(isOffered({ GODEBUG: "http2client=0" }, { http2: true }), true);
  assertEquals(isOffered({ K6D_HTTP2: "false" }, { http2: true }), false);
});

Deno.test("client certificates are read with what may be left out", () => {
  const tlsAuth = [{ cert: "c", key: "k" }, { cert: "d", key: "l", password: "p", domains: ["*.test"] }];
  assertEquals(read({ tlsAuth }).options.tls.auth, [
    { cert: "c", key: "k", password: "", domains: [] },
    { cert: "d", key: "l", password: "p", domains: ["*.test"] },
  ]);
});

Deno.test("secrets of TLS are logged unless options ask for what the runtime then can't do", () => {
  const logs = (script: Record<string, unknown>, env: Record<string, string> = {}) => {
    const { options, warnings } = read(script, { SSLKEYLOGFILE: "keys", ...env });
    return [options.tls.logsSecrets, ...warnings];
  };
  const warning = "SSLKEYLOGFILE: the secrets of TLS connections go to keys; responses have no tls_version";
  assertEquals(logs({ tlsVersion: { min: "tls1.0", max: "tls1.3" }, http2: false, tlsAuth: [] }), [true, warning]);
  assertEquals(logs({}, { https_proxy: "http://proxy" }), [
    ...[true, `${warning}; connections through a proxy keep their secrets`],
  ]);
  const why = "SSLKEYLOGFILE has no effect: the runtime doesn't tell secrets of connections with";
  assertEquals(logs({ insecureSkipTLSVerify: true, tlsVersion: "tls1.2" }), [
    ...[false, `${why} insecureSkipTLSVerify, tlsVersion`],
  ]);
  assertEquals(logs({ tlsAuth: [{ cert: "c", key: "k" }] }), [false, `${why} tlsAuth`]);
  assertEquals(read({}, { SSLKEYLOGFILE: "" }).warnings, []);
});

Deno.test("cipher suites have IANA's names; the warning says what becomes of the others", () => {
  const suitesOf = (tlsCipherSuites: readonly string[]) => {
    const { options, warnings } = read({ tlsCipherSuites });
    return [options.tls.cipherSuites, ...warnings];
  };
  assertEquals(suitesOf([]), [null]);
  assertEquals(suitesOf(["TLS_RSA_WITH_RC4_128_SHA", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305"]), [
    ["TLS_RSA_WITH_RC4_128_SHA", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"],
    'option "tlsCipherSuites": the runtime offers others as well, and connections fail when a server chooses one of those with TLS 1.2',
  ]);
  assertEquals(
    suitesOf(["TLS_RSA_WITH_RC4_128_SHA"])[1],
    [
      'option "tlsCipherSuites": the runtime has none of them for TLS 1.2, so that only TLS 1.3 connects',
    ][0],
  );
});

Deno.test("resumed sessions don't show certificates, and the warning says so", () => {
  const tlsAuth = [{ cert: "c", key: "k" }];
  assertEquals(read({ tlsAuth, tlsSessionResumption: true }).warnings, [
    'option "tlsSessionResumption" has no effect on connections that show a certificate of "tlsAuth"',
  ]);
  assertEquals(read({ tlsVersion: "tls1.3", tlsAuth }).warnings, []);
});
