import { assertEquals, assertRejects } from "@std/assert";
import { RunSecrets, SecretError } from "../../src/engine/run_secrets.ts";
import type { RemoteSecrets } from "../../src/output/run_facts.ts";
import { ContractServer } from "../support/cloud/contract_server.ts";
import { htmlAnswer, MALFORMED, v6ErrorAnswer } from "../support/cloud/faults.ts";

const OPERATION = "provisioning.decryptSecret";

/** A run with secrets at a service that keeps to the contract. */
async function serviceWithSecrets(change: Partial<RemoteSecrets> = {}) {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await ContractServer.start());
  const { id, scopedToken } = await server.addTestRun();
  const endpoint = `${server.origin}/provisioning/v1/test_runs/${id}/decrypt_secret?name={key}`;
  const secrets = new RunSecrets({ token: scopedToken, endpoint, responsePath: "plaintext", ...change });
  stack.defer(() => secrets.close());
  return { server, secrets, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

Deno.test("a secret is asked for once, however many ask", async () => {
  await using service = await serviceWithSecrets();
  const { server, secrets } = service;
  const values = await Promise.all([secrets.read("api-key"), secrets.read("api-key")]);
  assertEquals([...values, await secrets.read("api-key")], Array(3).fill("the value of api-key"));
  assertEquals(server.callsOf(OPERATION).length, 1);
  assertEquals(server.violations, []);
});

Deno.test("a key may have any characters", async () => {
  await using service = await serviceWithSecrets();
  const { server, secrets } = service;
  server.lastingFault(OPERATION, { rewrite: () => ({ status: 200, body: `{"plaintext":"v"}` }) });
  assertEquals(await secrets.read("a&b=$& ü{key}"), "v");
  assertEquals(server.calls[0]?.request.query.get("name"), "a&b=$& ü{key}");
});

Deno.test("what may go better the next time is tried three times, and again when a script asks again", async () => {
  await using service = await serviceWithSecrets();
  const { server, secrets } = service;
  server.fault(OPERATION, "reset", v6ErrorAnswer(429, "busy", "later"), v6ErrorAnswer(503, "down", "later"));
  const { message } = await assertRejects(() => secrets.read("api-key"), SecretError);
  assertEquals(
    message,
    `cannot read the secret "api-key" from the cloud at ${new URL(server.origin).host}: it answered 503`,
  );
  assertEquals(await secrets.read("api-key"), "the value of api-key");
  assertEquals(server.callsOf(OPERATION).length, 4);
  assertEquals(server.violations, []);
});

Deno.test("what will never go better is told at once, and not asked for again", async () => {
  await using service = await serviceWithSecrets();
  const { server, secrets } = service;
  for (let time = 0; time < 2; time++) {
    const { message } = await assertRejects(() => secrets.read("nothing"), SecretError);
    assertEquals(message, 'the cloud has no secret with the key "nothing"');
  }
  assertEquals(server.callsOf(OPERATION).length, 1);
});

Deno.test("a token that is not valid for secrets is told of, but never shown", async () => {
  await using service = await serviceWithSecrets({ token: "another-token" });
  const { message } = await assertRejects(() => service.secrets.read("api-key"), SecretError);
  assertEquals(
    message,
    'the cloud refuses to tell the secret "api-key" (status 401): the test run\'s token is not valid for it',
  );
});

for (
  const [title, answer] of [
    ["is no JSON", MALFORMED],
    ["is a page", htmlAnswer(200)],
    ["has a number there", { status: 200, body: `{"data":{"value":7}}` }],
    ["has nothing there", { status: 200, body: `{}` }],
  ] as const
) {
  Deno.test(`an answer that ${title} gives no secret`, async () => {
    await using service = await serviceWithSecrets({ responsePath: "data.value" });
    service.server.fault(OPERATION, answer);
    const { message } = await assertRejects(() => service.secrets.read("k"), SecretError);
    assertEquals(message, 'the cloud\'s answer for the secret "k" (status 200) has no text at data.value');
  });
}

Deno.test("the value stands where the service says", async () => {
  await using service = await serviceWithSecrets({ responsePath: "data.value" });
  service.server.fault(OPERATION, { status: 200, body: `{"data":{"value":"deep"}}` });
  assertEquals(await service.secrets.read("k"), "deep");
});

Deno.test("the end of a run ends a read that has no answer", async () => {
  await using service = await serviceWithSecrets();
  const { server, secrets } = service;
  server.fault(OPERATION, "hang");
  const read = assertRejects(() => secrets.read("api-key"), SecretError);
  await server.called(OPERATION);
  secrets.close();
  await read;
});
