import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { fromFileUrl } from "../../src/script/file_url.ts";
import {
  anonymize,
  type Archive,
  ArchiveError,
  isArchive,
  readArchive,
  writeArchive,
} from "../../src/script/archive.ts";
import { readTar, type TarEntry, writeTar } from "../../src/script/tar.ts";

const ORIGIN = { k6version: "2.2.0", goos: "linux", dependencies: { k6: "*" } };
const encode = (text: string) => new TextEncoder().encode(text);

function archive(folder: string): Archive {
  return {
    filename: `file://${folder}/script.js`,
    pwd: `file://${folder}`,
    options: { vus: 2, tags: { a: "b" } },
    env: { A: "1" },
    compatibilityMode: "extended",
    files: new Map([
      [`file://${folder}/script.js`, encode("the script")],
      [`file://${folder}/data%20set.json`, encode("{}")],
      ["https://jslib.test/lib/1.0/index.js?v=%C5%BC%202", encode("lib")],
    ]),
  };
}

Deno.test("an archive is read as it was written", () => {
  const given = archive("/shop");
  const bytes = writeArchive(given, ORIGIN);
  assertEquals(isArchive(bytes), true);
  const read = readArchive(bytes);
  assertEquals({ ...read, files: new Map([...read.files].sort()) }, {
    ...given,
    files: new Map([...given.files].sort()),
  });
});

Deno.test("the layout is k6's: metadata, the script, then folders and files in order", () => {
  const entries = readTar(writeArchive(archive("/shop"), ORIGIN));
  assertEquals(entries.map(({ kind, path }) => `${kind} ${path}`), [
    "file metadata.json",
    "file data",
    "folder file",
    "folder file/shop",
    "file file/shop/data set.json",
    "link file/shop/script.js",
    "folder https",
    "folder https/jslib.test",
    "folder https/jslib.test/lib",
    "folder https/jslib.test/lib/1.0",
    "file https/jslib.test/lib/1.0/index.js?v=ż 2",
  ]);
  const metadata = entries[0]!;
  assertEquals(metadata.kind === "file" && JSON.parse(new TextDecoder().decode(metadata.bytes)), {
    type: "js",
    options: { vus: 2, tags: { a: "b" } },
    filename: "file:///shop/script.js",
    pwd: "file:///shop",
    env: { A: "1" },
    compatibilityMode: "extended",
    ...ORIGIN,
  });
});

Deno.test("the user's name does not leave the machine", () => {
  const bytes = writeArchive(archive("/home/alice/shop"), ORIGIN);
  assertEquals(new TextDecoder().decode(bytes).includes("alice"), false);
  const read = readArchive(bytes);
  assertEquals([read.filename, read.pwd], ["file:///home/nobody/shop/script.js", "file:///home/nobody/shop"]);
  assertEquals([...read.files.keys()].sort()[0], "file:///home/nobody/shop/data%20set.json");
  assertEquals(anonymize("/Users/bob/x"), "/Users/nobody/x");
  assertEquals(anonymize("/srv/home/bob/x"), "/srv/home/bob/x");
});

Deno.test("archives of old versions of k6 are read: plain paths, scripts/ and files/, backslashes", () => {
  const metadata = {
    type: "js",
    filename: "C:\\shop\\script.js",
    pwd: "C:\\shop",
    options: {},
    env: null,
  };
  const entries: TarEntry[] = [
    { kind: "file", path: "metadata.json", bytes: encode(JSON.stringify(metadata)) },
    { kind: "file", path: "data", bytes: encode("main") },
    { kind: "file", path: "scripts/C:/shop/lib.js", bytes: encode("lib") },
    { kind: "file", path: "files/C:\\shop\\d.json", bytes: encode("{}") },
  ];
  const read = readArchive(writeTar(entries, 0));
  assertEquals([read.filename, read.pwd, read.env], ["file:///C:/shop/script.js", "file:///C:/shop", {}]);
  assertEquals([...read.files.keys()].sort(), [
    "file:///C:/shop/d.json",
    "file:///C:/shop/lib.js",
    "file:///C:/shop/script.js",
  ]);
});

const BROKEN: readonly (readonly [name: string, entries: readonly TarEntry[], message: string])[] = [
  ["without anything", [], "it is no tar file"],
  ["without metadata", [{ kind: "folder", path: "file" }], "it has no metadata.json"],
  ["with metadata that is no JSON", [{ kind: "file", path: "metadata.json", bytes: encode("{") }], "is invalid"],
  ["of another type", [
    { kind: "file", path: "metadata.json", bytes: encode(`{"type":"har"}`) },
    { kind: "file", path: "data", bytes: encode("") },
  ], `must have the type "js"`],
  [
    "without a script",
    [{ kind: "file", path: "metadata.json", bytes: encode(`{"type":"js","filename":"/x.js"}`) }],
    "it has no data, the script",
  ],
];

for (const [name, entries, message] of BROKEN) {
  Deno.test(`an archive ${name} is refused`, () => {
    assertThrows(() => readArchive(writeTar(entries, 0)), ArchiveError, message);
  });
}

Deno.test("whatever is damaged, an archive is read or refused", () => {
  const good = writeArchive(archive("/shop"), ORIGIN);
  const damage = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(damage, fc.nat(good.length), (changes, length) => {
      const bytes = good.slice(0, length < 512 ? good.length : length);
      for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
      readOrRefuse(bytes);
    }),
    { numRuns: 1000 },
  );
});

Deno.test("whatever its metadata say, an archive is read or refused", () => {
  const value = fc.oneof(
    fc.string(),
    fc.webUrl(),
    fc.jsonValue(),
    fc.constantFrom("file:///%zz", "https://[", "C:\\x"),
  );
  const metadata = fc.record({ type: fc.constant("js"), filename: value, pwd: value, options: value, env: value });
  fc.assert(
    fc.property(metadata, fc.string(), (given, path) => {
      readOrRefuse(writeTar([
        { kind: "file", path: "metadata.json", bytes: encode(JSON.stringify(given)) },
        { kind: "file", path: "data", bytes: encode("") },
        { kind: "file", path: `file/${path}`, bytes: encode("") },
      ], 0));
    }),
    { numRuns: 500 },
  );
});

function readOrRefuse(bytes: Uint8Array): void {
  try {
    const { filename, pwd } = readArchive(bytes);
    for (const url of [filename, pwd]) if (url.startsWith("file:")) fromFileUrl(url);
  } catch (error) {
    if (!(error instanceof ArchiveError)) throw error;
  }
}
