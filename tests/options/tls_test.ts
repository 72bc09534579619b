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

Deno.test("what the runtime can't do is said once", () => {
  assertEquals(read({}, { SSLKEYLOGFILE: "keys" }).warnings, [
    "SSLKEYLOGFILE has no effect: the runtime of k6d does not tell the secrets of TLS connections",
  ]);
  assertEquals(read({ tlsCipherSuites: ["TLS_AES_128_GCM_SHA256"] }).warnings, [
    'option "tlsCipherSuites" is not supported by k6d yet and has no effect',
  ]);
  assertEquals(read({ tlsVersion: "tls1.3", tlsAuth: [{ cert: "c", key: "k" }] }).warnings, []);
});
