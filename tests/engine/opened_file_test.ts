import { assertEquals, assertThrows } from "@std/assert";
import { openDiskFile } from "../../src/engine/opened_file.ts";

Deno.test("a file is read into the memory that it is wanted in, whatever its size", async () => {
  const path = await Deno.makeTempFile();
  try {
    for (const size of [0, 10, 3_000_000]) {
      const bytes = new Uint8Array(size).map((_, i) => i % 251);
      await Deno.writeFile(path, bytes);
      const file = openDiskFile(path);
      const target = new Uint8Array(new SharedArrayBuffer(file.size));
      file.readInto(target);
      assertEquals([target.length, target.every((byte, i) => byte === bytes[i])], [size, true]);
    }
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("a large file that becomes shorter before it is read is an error, as is a missing one", async () => {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeFile(path, new Uint8Array(2_000_000));
    const file = openDiskFile(path);
    await Deno.truncate(path, 1_000_000);
    assertThrows(() => file.readInto(new Uint8Array(file.size)), Deno.errors.UnexpectedEof);
  } finally {
    await Deno.remove(path);
  }
  assertThrows(() => openDiskFile(path), Deno.errors.NotFound);
});
