/** Modules that k6 had once and has no longer, and what took their place. */
const SUCCESSORS: Readonly<Record<string, string>> = {
  "k6/experimental/browser": `"k6/browser"`,
  "k6/experimental/grpc": `"k6/net/grpc"`,
  "k6/experimental/redis": `the extension "k6/x/redis"`,
  "k6/experimental/timers": `"k6/timers", or the global setTimeout() and its kin`,
  "k6/experimental/tracing": `"https://jslib.k6.io/http-instrumentation-tempo/1.0.0/index.js"`,
  "k6/experimental/webcrypto": "the global crypto",
};

/** Why a specifier of k6's leads nowhere; `builtins` are those that do lead somewhere. */
export function absentModule(specifier: string, builtins: readonly string[]): string {
  if (Object.hasOwn(SUCCESSORS, specifier)) {
    return `k6 has removed the module "${specifier}"; use ${SUCCESSORS[specifier]}`;
  }
  return `k6d has no module "${specifier}" (yet); it has ${builtins.join(", ")}`;
}
