/** Who calls: each API has its own way of showing a token. */

import { ApiError } from "./http.ts";
import type { Call } from "./operation.ts";
import type { Account, TestRun } from "./store.ts";

/** The account of `Authorization: Token …`, as the first API has it. Throws an `ApiError`. */
export async function tokenAccount(call: Call): Promise<Account> {
  return await accountOf(call, credentials(call, "Token"));
}

/** The account of `Authorization: Bearer …` whose stack `X-Stack-Id` names. Throws an `ApiError`. */
export async function stackAccount(call: Call): Promise<Account> {
  const account = await accountOf(call, credentials(call, "Bearer"));
  const stackId = call.request.headers.get("x-stack-id");
  if (stackId === null || !/^\d+$/.test(stackId)) {
    call.deviates(stackId === null ? "no X-Stack-Id" : `X-Stack-Id ${stackId} is no number`);
    throw new ApiError(400, "X-Stack-Id must name the stack");
  }
  if (Number(stackId) !== account.stackId) throw new ApiError(403, `the token is not for stack ${stackId}`);
  return account;
}

/** The account of `Authorization: Bearer …` whose stack `X-Stack-Url` names. Throws an `ApiError`. */
export async function urlAccount(call: Call): Promise<Account> {
  const account = await accountOf(call, credentials(call, "Bearer"));
  const stackUrl = call.request.headers.get("x-stack-url");
  if (stackUrl === null || !/^https?:\/\/[^/]+$/.test(stackUrl)) {
    call.deviates(stackUrl === null ? "no X-Stack-Url" : `X-Stack-Url ${stackUrl} is no scheme and host`);
    throw new ApiError(400, "X-Stack-Url must be the URL of the stack");
  }
  if (stackUrl !== account.stackUrl) throw new ApiError(403, `the token is not for ${stackUrl}`);
  return account;
}

/** The run whose own token `Authorization: Bearer …` is. Throws an `ApiError`. */
export async function scopedRun(call: Call): Promise<TestRun> {
  const run = await call.store.testRunOfToken(credentials(call, "Bearer"));
  if (run === undefined) throw new ApiError(401, "the token is of no test run");
  return run;
}

/** The run of the path, whose own token is shown. Throws an `ApiError`. */
export async function ownRun(call: Call): Promise<TestRun> {
  const run = await scopedRun(call);
  if (run.id !== call.parameters["id"]) {
    throw new ApiError(403, `the token is not of test run ${call.parameters["id"]}`);
  }
  return run;
}

/** The run of the path, in the account's stack. Throws an `ApiError`. */
export async function runOfPath(call: Call, account: Account): Promise<TestRun> {
  const run = await call.store.testRun(call.parameters["id"] ?? "");
  if (run === undefined || run.stackId !== account.stackId) {
    throw new ApiError(404, `there is no test run ${call.parameters["id"]}`);
  }
  return run;
}

/** The token of a scheme's credentials; the scheme's spelling counts. */
export function credentials({ request, deviates }: Call, scheme: "Token" | "Bearer" | "token"): string {
  const given = request.headers.get("authorization");
  if (given === null) throw new ApiError(401, "no Authorization header");
  const [, givenScheme, token] = /^(\S+) (\S+)$/.exec(given) ?? [];
  if (givenScheme !== scheme || token === undefined) {
    deviates(`Authorization ${givenScheme ?? "of an unknown form"} instead of ${scheme}`);
    throw new ApiError(401, `Authorization must be ${scheme} and the token`);
  }
  return token;
}

async function accountOf(call: Call, token: string): Promise<Account> {
  const account = await call.store.account(token);
  if (account === undefined) throw new ApiError(401, "the token is invalid");
  return account;
}
