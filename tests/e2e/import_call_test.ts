import { assertEquals, assertMatch } from "@std/assert";
import { consoleMessages, runSuccessfully } from "./support/k6d.ts";

Deno.test("import() and top-level await: evaluation when called, once, errors, cycles, computed names", async () => {
  const result = await runSuccessfully({
    files: {
      "script.js": `
import { first } from "./awaits.js";
const log = (...values) => console.log(values.join(" "));
log("script", first);
const [a, b] = await Promise.all([import("./slow.js"), import("./slow.js")]);
log("same", a === b, a.value, Object.isSealed(a), Object.keys(a).join());
const name = "data";
log("json", (await import(\`./\${name}.json\`)).default.x, (await import("./c.cjs")).named, (await import("k6")).sleep.name);
for (const load of [() => import("./throws.js"), () => import("./throws.js"), () => import("./none.js"), () => import("x" + name)]) {
  try { await load(); } catch (error) { log("error", error.message); }
}
log("meta", import.meta === import.meta, import.meta.url.split("/").pop(), import.meta.resolve("./x.js") === import.meta.url.replace("script.js", "x.js"), import.meta.resolve("k6/http"));
export const options = { vus: 1, iterations: 1 };
export default async function () {
  const { run } = await import("./slow.js");
  log("blocking", run());
}
`,
      "awaits.js": `export const first = await Promise.resolve("awaited");`,
      "slow.js":
        `import { sleep } from "k6"; console.log("slow begins"); await null; await null; export const value = 1; export function run() { sleep(0.001); return "slept"; } console.log("slow ends");`,
      "throws.js": `console.log("throws runs"); throw new Error("thrown");`,
      "c.cjs": `exports.named = "cjs";`,
      "data.json": `{"x": 7}`,
    },
  });
  // The init code runs for the first look at the script, for the virtual user, and for the summary at most.
  const messages = consoleMessages(result);
  const once = messages.slice(0, messages.indexOf("script awaited", 1));
  assertEquals(once.filter((line) => !line.startsWith("error")), [
    "script awaited",
    "slow begins",
    "slow ends",
    "same true 1 true run,value",
    "json 7 cjs sleep",
    "throws runs",
    "meta true script.js true k6/http",
  ]);
  const errors = once.filter((line) => line.startsWith("error"));
  assertEquals(errors.slice(0, 2), ["error thrown", "error thrown"]);
  assertMatch(errors[2]!, /^error The module ".\/none.js" couldn't be found on local disk/);
  assertMatch(errors[3]!, /^error import\("xdata"\) can't be followed/);
  assertEquals(messages.filter((line) => line === "blocking slept").length, 1);
});
