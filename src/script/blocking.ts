/** The built-in functions that block: where the suspend compiler's inference starts. */

/** `never` blocks; `always` may block whatever it is given; `callback` blocks only if a function (or an object's functions) among its arguments does. */
export type Blocking = "never" | "always" | "callback";

/** What the compiler knows of one built-in module. */
export interface BuiltinBlocking {
  /** By exported name. */
  readonly members: Readonly<Record<string, Blocking>>;
  /** What an unlisted member is. */
  readonly others: Blocking;
  /** Blocking methods of the objects that the module hands out. */
  readonly methods: readonly string[];
  /** Their methods that call back while they run, beside those of `CALLBACK_METHODS`. */
  readonly callbackMethods?: readonly string[];
}

const NEVER: BuiltinBlocking = { members: {}, others: "never", methods: [] };

/** Methods of k6/html's `Selection`. */
const SELECTION_CALLBACKS = ["each", "is", "not"];

const BUILTINS: Readonly<Record<string, BuiltinBlocking>> = {
  k6: {
    members: { sleep: "always", group: "callback", check: "callback", fail: "never", randomSeed: "never" },
    others: "always",
    methods: [],
  },
  "k6/http": {
    members: {
      asyncRequest: "never",
      cookieJar: "never",
      CookieJar: "never",
      expectedStatuses: "never",
      file: "never",
      setResponseCallback: "never",
      url: "never",
    },
    others: "always",
    methods: ["submitForm", "clickLink"],
    callbackMethods: SELECTION_CALLBACKS,
  },
  "k6/html": { ...NEVER, callbackMethods: SELECTION_CALLBACKS },
  "k6/crypto": NEVER,
  "k6/crypto/x509": NEVER,
  "k6/encoding": NEVER,
  "k6/metrics": NEVER,
  "k6/secrets": NEVER,
  "k6/timers": NEVER,
  "k6/experimental/csv": NEVER,
  "k6/experimental/fs": NEVER,
  "k6/data": { members: { SharedArray: "never" }, others: "always", methods: [] },
  // `exec.test.abort` suspends and is never resumed, so that no script can catch it.
  "k6/execution": { members: {}, others: "never", methods: ["abort"] },
};

/** Names of `k6/http` that are worth assuming on any object once the module's object is passed around. */
export const HTTP_METHODS: readonly string[] = [
  "get",
  "head",
  "post",
  "put",
  "patch",
  "del",
  "options",
  "request",
  "batch",
];

/** What may block in a built-in module; of an unknown one, everything. */
export function builtinBlocking(specifier: string): BuiltinBlocking {
  return BUILTINS[specifier] ?? { members: {}, others: "always", methods: [] };
}

/** Native methods that call back while they run and have a suspending form (native_callbacks.ts). They neither keep nor return the callback. */
export const CALLBACK_METHODS: ReadonlySet<string> = new Set([
  "map",
  "forEach",
  "filter",
  "reduce",
  "reduceRight",
  "some",
  "every",
  "find",
  "findIndex",
  "findLast",
  "findLastIndex",
  "flatMap",
  "from",
]);

/** Native methods that never hand out or call a function that a script gave them. */
export const INERT_METHODS: ReadonlySet<string> = new Set([
  "log",
  "info",
  "warn",
  "error",
  "debug",
  "stringify",
  "join",
  "toString",
  "includes",
  "indexOf",
]);

/** Names of the methods that natives have. */
export const NATIVE_METHODS: ReadonlySet<string> = new Set(
  [Array, String, Number, Map, Set, WeakMap, Date, RegExp, Uint8Array, Object.getPrototypeOf(Uint8Array), Promise]
    .flatMap((native) => Object.getOwnPropertyNames(native.prototype))
    .concat([Math, JSON, Object, Number, String, Array, Date].flatMap((native) => Object.getOwnPropertyNames(native)))
    .filter((name) => name !== "constructor" && name !== "name"),
);
