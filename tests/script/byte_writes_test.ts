import { assertEquals } from "@std/assert";
import { load } from "./harness.ts";

/** Whether a script with this line in a module could change bytes of a buffer. */
const MAY_WRITE: Readonly<Record<string, boolean>> = {
  "http.post(url, bytes)": false,
  "bytes.slice(0, 3).byteLength": false,
  "class Body { constructor() {} }": false,
  "globalThis.total = 1": false,
  "url.Function": false,
  "let Uint8 = 1": false,
  "new Uint8Array(bytes)[0] = 1": true,
  "new Float64Array(bytes)": true,
  "new BigInt64Array(bytes)": true,
  "new DataView(bytes)": true,
  "\\u0055int8Array.from(bytes)": true,
  "globalThis['Uint8Array']": true,
  "globalThis[url]": true,
  "globalThis?.[url]": true,
  "const all = globalThis": true,
  "global[url]": true,
  "new TextEncoder().encode('')['constructor']": true,
  "const { constructor } = url": true,
  "url.constructor(bytes)": true,
  "new (class extends Function {})('return Uint' + 8)": true,
  "eval(url)": true,
  "Reflect.get(url, 'x')": true,
  "bytes.transfer()": true,
};

for (const [text, expected] of Object.entries(MAY_WRITE)) {
  Deno.test(`a script that says ${JSON.stringify(text)} ${expected ? "may" : "can't"} change bytes`, async () => {
    const { mayWriteBytes } = await load({
      "s.js": "import './m.js';",
      "m.js": `let http, url, bytes;\n() => { ${text} };`,
    });
    assertEquals(mayWriteBytes, expected);
  });
}
