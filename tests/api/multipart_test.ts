import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { encodeMultipart, file, hasFile } from "../../src/api/multipart.ts";
import { type RequestBody, wholeBody } from "../../src/net/request_body.ts";

const text = (body: RequestBody) => new TextDecoder().decode(wholeBody(body));
const parse = ({ body, contentType }: ReturnType<typeof encodeMultipart>) =>
  new Response(new Uint8Array(wholeBody(body)), { headers: { "content-type": contentType } }).formData();

Deno.test("fields and files become parts in their order", () => {
  const { body, contentType } = encodeMultipart(
    { field: "value", upload: file("file text", "a.txt", "text/plain") },
    "B",
  );
  assertEquals(contentType, "multipart/form-data; boundary=B");
  assertEquals(
    text(body),
    [
      "--B",
      'Content-Disposition: form-data; name="field"',
      "",
      "value",
      "--B",
      'Content-Disposition: form-data; name="upload"; filename="a.txt"',
      "Content-Type: text/plain",
      "",
      "file text",
      "--B--",
      "",
    ].join("\r\n"),
  );
});

Deno.test("quotes, backslashes and line breaks in names stay inside their header", () => {
  const { body } = encodeMultipart({ 'a"\r\nb': file("", 'c"\\\n', "text/x\r\nX-Evil: 1") }, "B");
  const [, disposition, type] = text(body).split("\r\n");
  assertEquals(disposition, 'Content-Disposition: form-data; name="a\\"%0D%0Ab"; filename="c\\"\\\\%0A"');
  assertEquals(type, "Content-Type: text/x X-Evil: 1");
});

Deno.test("any files and fields are read back by a multipart parser", async () => {
  const name = fc.stringMatching(/^[a-z]{1,5}$/);
  const content = fc.oneof(fc.uint8Array(), fc.string().map((s) => s.toWellFormed()));
  await fc.assert(fc.asyncProperty(fc.dictionary(name, content, { minKeys: 1 }), async (files) => {
    const form = await parse(encodeMultipart({
      ...Object.fromEntries(Object.entries(files).map(([key, data]) => [key, file(data, "f")])),
      N: [1, "two"],
    }));
    assertEquals(form.getAll("N"), ["1", "two"]);
    for (const [key, data] of Object.entries(files)) {
      const got = form.get(key) as File;
      assertEquals(got.name, "f");
      const sent = typeof data === "string" ? new TextEncoder().encode(data) : data;
      assertEquals([...new Uint8Array(await got.arrayBuffer())], [...sent]);
    }
  }));
});

Deno.test("binary data may come as a buffer or as a part of one", async () => {
  const bytes = Uint8Array.of(0, 1, 254, 255);
  const form = await parse(encodeMultipart({ a: file(bytes.buffer, "b.bin"), b: file(bytes.subarray(1, 3), "c.bin") }));
  const contents = await Promise.all(["a", "b"].map((key) => (form.get(key) as File).arrayBuffer()));
  assertEquals(contents.map((content) => [...new Uint8Array(content)]), [[0, 1, 254, 255], [1, 254]]);
});

Deno.test("a file has k6's defaults and refuses what is no content", () => {
  const { filename, content_type, data } = file("x");
  assertEquals([/^\d{19}$/.test(filename), content_type, data], [true, "application/octet-stream", "x"]);
  assertThrows(() => file(5), TypeError, "http.file");
});

Deno.test("a form with a file in it is recognised, nested values are warned of", () => {
  assertEquals([hasFile({ a: 1 }), hasFile({ a: file("x") }), hasFile({ a: [1, file("x")] })], [false, true, true]);
  assertEquals(encodeMultipart({ o: { inner: 1 }, f: file("x") }).warnings.length, 1);
});
