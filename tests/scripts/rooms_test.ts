/** The rules of docs/architecture.md about which room may import from which. */

import { assertEquals } from "@std/assert";
import { listFiles, ROOT } from "../../scripts/repository.ts";

const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  net: [],
  script: [],
  options: ["metrics"],
  metrics: ["options"],
  executor: ["options", "metrics"],
  output: ["metrics"],
  summary: ["metrics", "options"],
  control: ["metrics", "summary"],
  hub: ["script"],
  api: ["net", "metrics", "options", "script", "executor", "worker"],
  worker: ["api", "net", "metrics", "options", "script", "executor"],
};

for (const [room, allowed] of Object.entries(MAY_IMPORT)) {
  Deno.test(`src/${room} imports from no other room than ${allowed.join(", ") || "itself"}`, () => {
    const wrong = listFiles(`src/${room}`, ".ts").flatMap((path) =>
      importedRooms(path)
        .filter((imported) => imported !== room && !allowed.includes(imported))
        .map((imported) => `${path} imports from src/${imported}`)
    );
    assertEquals(wrong, []);
  });
}

function importedRooms(path: string): string[] {
  const source = Deno.readTextFileSync(ROOT + path);
  const specifiers = [...source.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)].map(([, specifier = ""]) =>
    specifier
  );
  return specifiers
    .map((specifier) => new URL(specifier, `file://${ROOT}${path}`).pathname.replace(`${ROOT}src/`, ""))
    .map((imported) => imported.split("/")[0] ?? "");
}
