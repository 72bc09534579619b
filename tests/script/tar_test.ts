import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { isTar, readTar, type TarEntry, TarError, writeTar } from "../../src/script/tar.ts";

const NAME = fc.string({ minLength: 1, maxLength: 150, unit: "grapheme" }).map((name) =>
  name.replaceAll(/[/\0\n]/g, "_").trim() || "x"
);
const PATH = fc.array(NAME, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));
const ENTRY: fc.Arbitrary<TarEntry> = fc.oneof(
  fc.record({ kind: fc.constant("file" as const), path: PATH, bytes: fc.uint8Array({ maxLength: 1200 }) }),
  fc.record({ kind: fc.constant("folder" as const), path: PATH }),
  fc.record({ kind: fc.constant("link" as const), path: PATH, target: PATH }),
);

Deno.test("what is written is read again, whatever the names and sizes", () => {
  fc.assert(
    fc.property(fc.array(ENTRY, { maxLength: 6 }), fc.nat(2 ** 31), (entries, at) => {
      const bytes = writeTar(entries, at * 1000);
      assertEquals(bytes.length % 512, 0);
      assertEquals(readTar(bytes).map(plain), entries.map(plain));
      if (entries.length > 0) assert(isTar(bytes));
    }),
    { numRuns: 200 },
  );
});

Deno.test("a tar file that ends too early, or whose headers are damaged, is refused", () => {
  const bytes = writeTar([{ kind: "file", path: "a", bytes: new Uint8Array(600) }], 0);
  assertThrows(() => readTar(bytes.subarray(0, 1024)), TarError, "ends too early");
  // Without the zeros that end a tar file the rest may be missing.
  assertThrows(() => readTar(bytes.subarray(0, 1536)), TarError, "ends too early");
  bytes[3] = 65;
  assertThrows(() => readTar(bytes), TarError, "header of the tar file is broken");
  assertEquals(isTar(new TextEncoder().encode("export default function () {}".padEnd(600))), false);
});

Deno.test("the system's tar reads what is written", async () => {
  const path = await Deno.makeTempFile({ suffix: ".tar" });
  const long = `${"long/".repeat(30)}name.txt`;
  try {
    await Deno.writeFile(
      path,
      writeTar([
        { kind: "folder", path: "file" },
        { kind: "file", path: "data", bytes: new TextEncoder().encode("hi") },
        { kind: "link", path: "file/x.js", target: "data" },
        { kind: "file", path: long, bytes: new Uint8Array(3) },
      ], 0),
    );
    const { stdout, code } = await new Deno.Command("tar", { args: ["tf", path] }).output();
    assertEquals([code, new TextDecoder().decode(stdout)], [0, `file/\ndata\nfile/x.js\n${long}\n`]);
  } finally {
    await Deno.remove(path);
  }
});

function plain(entry: TarEntry): unknown {
  return entry.kind === "file" ? { ...entry, bytes: [...entry.bytes] } : entry;
}
