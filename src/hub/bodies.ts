/** What the bodies of requests hold: JSON, forms with files, archives of tests. */

import { type Archive, ArchiveError, readArchive } from "../script/archive.ts";
import { Fields } from "./fields.ts";
import { ApiError, type HubRequest } from "./http.ts";
import type { Call } from "./operation.ts";

/** The object that a JSON body is. Throws an `ApiError`. */
export function jsonFields(call: Call): Fields {
  assertContentType(call.request, "application/json");
  return new Fields(parse(new TextDecoder().decode(call.request.body)), "the body", call.deviates);
}

/** A form's texts, and its file if it has one. */
export interface Form {
  readonly fields: Fields;
  readonly file: { readonly name: string; readonly bytes: Uint8Array } | null;
}

/** Reads `multipart/form-data`; `fileField` is the one field that may be a file. Throws an `ApiError`. */
export async function form(call: Call, fileField: string): Promise<Form> {
  const contentType = call.request.headers.get("content-type") ?? "";
  if (!contentType.startsWith("multipart/form-data;")) throw new ApiError(415, `${contentType} is no form`);
  const data = await parseForm(call.request.body, contentType);
  const texts: Record<string, string> = {};
  let file: Form["file"] = null;
  for (const [name, value] of data) {
    if (Object.hasOwn(texts, name)) call.deviates(`the form has ${name} twice`);
    if (typeof value === "string") texts[name] = value;
    else if (name === fileField) file = { name: value.name, bytes: await value.bytes() };
    else throw new ApiError(400, `the form's field ${name} must not be a file`);
  }
  return { fields: new Fields(texts, "the form", call.deviates), file };
}

/** Checks that bytes are an archive of a test. Throws an `ApiError`. */
export function assertArchive(bytes: Uint8Array): Archive {
  try {
    return readArchive(bytes);
  } catch (error) {
    if (error instanceof ArchiveError) throw new ApiError(400, `the archive is invalid: ${error.message}`);
    throw error;
  }
}

/** Checks the body's media type, parameters aside. Throws an `ApiError`. */
export function assertContentType({ headers }: HubRequest, wanted: string): void {
  const given = headers.get("content-type");
  if (given?.split(";")[0] !== wanted) throw new ApiError(415, `Content-Type ${given} instead of ${wanted}`);
}

/** Parses JSON. Throws an `ApiError`. */
export function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ApiError(400, `invalid JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function parseForm(body: Uint8Array<ArrayBuffer>, contentType: string): Promise<FormData> {
  try {
    return await new Response(body, { headers: { "content-type": contentType } }).formData();
  } catch (error) {
    throw new ApiError(400, `invalid form: ${error instanceof Error ? error.message : String(error)}`);
  }
}
