import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { UsageError } from "../../src/cli/args.ts";
import { readSecretSources } from "../../src/cli/secret_sources.ts";

const plain = (sources: readonly string[]) =>
  readSecretSources(sources).map(({ name, isDefault, secrets }) => ({
    name,
    isDefault,
    secrets: Object.fromEntries(secrets),
  }));

Deno.test("a mock source holds what it is given; a single source is the default", () => {
  assertEquals(plain([]), []);
  assertEquals(plain(["mock=a=1,b=x=y"]), [{ name: "mock", isDefault: true, secrets: { a: "1", b: "x=y" } }]);
});

Deno.test("a file has a secret in each line; of several sources one is the default", () => {
  const path = Deno.makeTempFileSync();
  try {
    Deno.writeTextFileSync(path, "token = s3cr,et\r\n\nempty=\n");
    const file = { isDefault: true, secrets: { token: " s3cr,et", empty: "" } };
    assertEquals(plain([`file=${path}`]), [{ name: "file", ...file }]);
    assertEquals(plain([`file=filename=${path},name=vault,default`, "mock=a=1"]), [
      { name: "vault", ...file },
      { name: "mock", isDefault: false, secrets: { a: "1" } },
    ]);
    Deno.writeTextFileSync(path, "token=x\ntopsecret\n");
    const { message } = assertThrows(() => readSecretSources([`file=${path}`]), UsageError);
    assertEquals(message, `line 2 of ${path} is no key=value`);
  } finally {
    Deno.removeSync(path);
  }
});

const REFUSED: readonly (readonly [sources: readonly string[], message: string, code: number])[] = [
  [["vault=x"], `unknown secret source "vault"; use file, mock, url`, 255],
  [["cloud"], "the secret source cloud can't be asked for", 104],
  [["url=https://x"], "the secret source url is not supported by k6d yet; use file or mock", 255],
  [["file"], "the secret source file needs a path", 255],
  [["file=/nowhere/secrets"], "cannot read the secrets of /nowhere/secrets", 255],
  [["mock=topsecret"], "part 1 of the secret source mock is no key=value", 255],
  [["mock=a=1", "mock=b=2,default"], "two secret sources have the name mock; use name=…", 255],
  [["mock=a=1", "mock=b=2,name=b"], "one of the 2 secret sources must be the default, not 0", 255],
  [["mock=a=1,default", "mock=b=2,name=b,default"], "one of the 2 secret sources must be the default, not 2", 255],
];

for (const [sources, message, code] of REFUSED) {
  Deno.test(`refused: --secret-source ${sources.join(" ")}`, () => {
    const error = assertThrows(() => readSecretSources(sources), UsageError);
    assertStringIncludes(error.message, message);
    assertEquals([error.exitCode, error.message.includes("topsecret")], [code, false]);
  });
}
