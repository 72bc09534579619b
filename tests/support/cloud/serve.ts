/**
 * `deno run -A tests/support/cloud/serve.ts [port]`: the contract server for trying things by hand. It prints every call and violation,
 * and makes believe that it runs tests.
 */

import { print, printError } from "../../../scripts/repository.ts";
import { ACCOUNT, ContractServer } from "./contract_server.ts";

const port = Number(Deno.args[0] ?? 0);
const server = await ContractServer.start({
  port,
  runsTests: true,
  onCall: ({ operation, request: { method, path, body }, status }) => {
    print(`${operation ?? "?"}: ${method} ${path}, ${body.length} bytes: ${status ?? "no answer"}`);
    for (const violation of server.violations.splice(0)) print(`VIOLATION ${violation}`);
  },
}).catch((error) => {
  if (error.code !== "EADDRINUSE") throw error;
  printError(`port ${port} is taken: name another one`);
  Deno.exit(1);
});

print(
  `K6_CLOUD_HOST=${server.origin} K6_CLOUD_HOST_V6=${server.origin} K6_CLOUD_LOGS_TAIL_URL=${server.tailUrl} K6_CLOUD_WEB_APP_URL=${server.origin}
K6_CLOUD_TOKEN=${ACCOUNT.token} K6_CLOUD_STACK_ID=${ACCOUNT.stackId} K6_CLOUD_TRACES_ENABLED=false`,
);
