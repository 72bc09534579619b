import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { secretsOfOptions, withoutSecrets, withSecretsOf } from "../../src/output/option_secrets.ts";

const OPTIONS = {
  vus: 2,
  tags: { token: "a tag" },
  cloud: {
    projectID: 7,
    token: "tok-1",
    distribution: { tokenTown: { loadZone: "a", percent: 100 } },
    drop_tags: ["token"],
    apm: [
      { provider: "prometheus", remoteWriteURL: "https://u:word@h/w?api_key=k-2&a=b", credentials: { token: "tok-3" } },
      { provider: "datadog", api_key: "k-4", credentials: null },
    ],
  },
  ext: { loadimpact: { Token: "tok-5", name: "shop" } },
  tlsAuth: [{ cert: "a certificate", key: "k-8" }, { cert: "b", key: "k-9", password: "p-10", domains: ["a.test"] }],
  prometheusRemoteWrite: {
    url: "https://h/w",
    username: "who",
    password: 1234,
    sigV4AccessKey: "id",
    sigV4SecretKey: "s-6",
    headers: { "X-Scope-OrgID": "1", "X-Api-Key": "k-7" },
  },
};

const BARE = {
  vus: 2,
  tags: { token: "a tag" },
  cloud: {
    projectID: 7,
    distribution: { tokenTown: { loadZone: "a", percent: 100 } },
    drop_tags: ["token"],
    apm: [
      { provider: "prometheus", remoteWriteURL: "https://h/w?a=b" },
      { provider: "datadog", credentials: null },
    ],
  },
  ext: { loadimpact: { name: "shop" } },
  tlsAuth: [{ cert: "a certificate" }, { cert: "b", domains: ["a.test"] }],
  prometheusRemoteWrite: {
    url: "https://h/w",
    username: "who",
    sigV4AccessKey: "id",
    headers: { "X-Scope-OrgID": "1" },
  },
};

Deno.test("the secrets of all outputs are taken out of options, and nothing else", () => {
  assertEquals(withoutSecrets(OPTIONS), BARE);
  assertEquals(secretsOfOptions(OPTIONS).map(({ place, texts }) => `${place} ${texts}`), [
    "options.cloud.token tok-1",
    `options.cloud.apm[0].remoteWriteURL word,${btoa("u:word")},k-2`,
    "options.cloud.apm[0].credentials tok-3",
    "options.cloud.apm[1].api_key k-4",
    "options.ext.loadimpact.Token tok-5",
    "options.prometheusRemoteWrite.password 1234",
    "options.prometheusRemoteWrite.sigV4SecretKey s-6",
    "options.prometheusRemoteWrite.headers.X-Api-Key k-7",
    "options.tlsAuth[0].key k-8",
    "options.tlsAuth[1].key k-9",
    "options.tlsAuth[1].password p-10",
  ]);
});

Deno.test("a script's secrets come back where its archive has left them out", () => {
  assertEquals(withSecretsOf(OPTIONS, BARE), OPTIONS);
  const other = { ...BARE, cloud: { apm: [{ remoteWriteURL: "https://other/w" }], token: "the archive's" } };
  assertEquals(withSecretsOf(OPTIONS, other).cloud, {
    apm: [{ remoteWriteURL: "https://other/w", credentials: { token: "tok-3" } }],
    token: "the archive's",
  });
  assertEquals(withSecretsOf(OPTIONS, { vus: 1 }), { vus: 1 });
  assertEquals(withSecretsOf(undefined, BARE), BARE);
});

Deno.test("whatever a script exports, its options without secrets have none, and get them back from it", () => {
  const leaf = fc.oneof(fc.string(), fc.integer(), fc.constant(null), fc.constant("http://a:b@h/?token=c"));
  const name = fc.oneof(fc.string(), fc.constantFrom("token", "credentials", "headers", "password", "__proto__"));
  const block = fc.letrec<{ node: unknown }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 4 },
      leaf,
      fc.array(tie("node"), { maxLength: 3 }),
      fc.dictionary(name, tie("node"), { maxKeys: 3, noNullPrototype: true }),
    ),
  })).node;
  fc.assert(fc.property(fc.record({ cloud: block, remoteWrite: block, tlsAuth: block }), (options) => {
    const bare = withoutSecrets(options);
    assertEquals(secretsOfOptions(bare), []);
    assertEquals(withSecretsOf(options, bare), structuredClone(options) as typeof bare);
  }));
});
