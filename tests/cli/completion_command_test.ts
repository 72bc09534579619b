import { assertEquals } from "@std/assert";
import { completions } from "../../src/cli/completion_command.ts";

const CASES: readonly (readonly [words: readonly string[], candidates: readonly string[]])[] = [
  [["in"], ["inspect"]],
  [["run", "--summary-t"], ["--summary-trend-stats", "--summary-time-unit"]],
  [["--quiet", "run", "--linger"], ["--linger"]],
  [["inspect", "--vus"], []],
  [["run", ""], []],
  [["help", "ru"], ["run"]],
  [["completion", ""], ["bash", "zsh", "fish", "powershell"]],
  [["__"], []],
  [["cloud", "log"], ["login"]],
  [["cloud", "test", ""], ["list"]],
  [["help", "cloud", "pro"], ["project"]],
  [["cloud", "login", "--to"], ["--token"]],
  [["login", ""], []],
];

for (const [words, candidates] of CASES) {
  Deno.test(`completes: k6d ${words.join(" ")}`, () => {
    assertEquals(completions(words).map(([text]) => text).sort(), [...candidates].sort());
  });
}
