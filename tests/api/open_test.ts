import { assertEquals } from "@std/assert";
import { openForScript } from "../../src/api/open.ts";
import { type InitSession, setSession } from "../../src/api/session.ts";
import { isUnchangeable } from "../../src/api/shared_file.ts";

/** Opens a file of that many `x`, twice, in a script that may or can't change bytes. */
function openTwice(bytes: number, mayWriteBytes: boolean): [ArrayBuffer, ArrayBuffer] {
  const content = new SharedArrayBuffer(bytes);
  new Uint8Array(content).fill(120);
  const session: Partial<InitSession> = { openFile: () => content, mayWriteBytes };
  setSession(session as InitSession);
  const open = () => openForScript("/file", "b") as ArrayBuffer;
  return [open(), open()];
}

Deno.test("a script that can't change bytes gets a file's one memory, others get copies of their own", () => {
  for (
    const [bytes, mayWrite, expected] of [[10_000, false, true], [10_000, true, false], [10, false, false]] as const
  ) {
    const [first, second] = openTwice(bytes, mayWrite);
    assertEquals([isUnchangeable(first), isUnchangeable(second), first === second], [expected, expected, false]);
    new Uint8Array(first)[0] = 1;
    assertEquals(new Uint8Array(second)[0], expected ? 1 : 120);
  }
});

Deno.test("a file's one memory passes as an ArrayBuffer", () => {
  const [file] = openTwice(10_000, false);
  assertEquals(file instanceof ArrayBuffer, true);
  assertEquals(String(file), "[object ArrayBuffer]");
  assertEquals([file.byteLength, file.maxByteLength, file.resizable, file.detached], [10_000, 10_000, false, false]);
  assertEquals([Object.keys(file), JSON.stringify(file), ArrayBuffer.isView(file)], [[], "{}", false]);
  const copy = file.slice(-3);
  assertEquals([new Uint8Array(copy).join(), isUnchangeable(copy)], ["120,120,120", false]);
});
