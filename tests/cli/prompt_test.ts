import { assertEquals, assertThrows } from "@std/assert";
import { Prompt, PromptCancelled } from "../../src/cli/prompt.ts";

/** What is typed, chunk by chunk, and what the terminal is told. */
function terminal(...chunks: readonly (string | Uint8Array)[]) {
  const typed = [...chunks];
  const seen: string[] = [];
  const prompt = new Prompt({
    read(buffer) {
      const chunk = typed.shift();
      if (chunk === undefined) return null;
      const bytes = typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk;
      buffer.set(bytes);
      return bytes.length;
    },
    setRaw: (isRaw) => seen.push(isRaw ? "<raw>" : "<plain>"),
  }, { write: (text) => seen.push(String(text)) });
  return { prompt, seen };
}

Deno.test("a hidden answer is read key by key, and the terminal is as before then", () => {
  const { prompt, seen } = terminal("a", "b", "\x7f", "c\r");
  assertEquals(prompt.askHidden("Token: "), "ac");
  assertEquals(seen, ["<raw>", "Token: ", "<plain>", "\n"]);
});

Deno.test("answers that come in one piece are those of their questions", () => {
  const { prompt } = terminal(" token \rstack\n");
  assertEquals([prompt.askHidden("Token: "), prompt.ask("Stack: ")], ["token", "stack"]);
});

Deno.test("a character that comes in two pieces is one", () => {
  const bytes = new TextEncoder().encode("é\n");
  const { prompt } = terminal(bytes.subarray(0, 1), bytes.subarray(1));
  assertEquals(prompt.ask("Name: "), "é");
});

Deno.test("Ctrl-U begins anew", () => {
  assertEquals(terminal("wrong\x15right\r").prompt.askHidden("Token: "), "right");
});

for (const typed of ["abc\x03", "\x04", ""]) {
  Deno.test(`${JSON.stringify(typed)} cancels, and the terminal is as before`, () => {
    const { prompt, seen } = typed === "" ? terminal() : terminal(typed);
    assertThrows(() => prompt.askHidden("Token: "), PromptCancelled);
    assertEquals(seen.slice(-2), ["<plain>", "\n"]);
  });
}
