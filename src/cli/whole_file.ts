/** Files that are there completely or not at all. */

/**
 * Writes a file under another name beside it and then gives it its own, so that a full disk leaves neither half a file nor harms
 * the one that was there. What is no regular file (`/dev/stdout`, a pipe) is written to. `permissions`: those of the file that was
 * there unless they are given. Throws as Deno does.
 */
export function writeWholeFile(path: string, bytes: Uint8Array, permissions?: number): void {
  const target = existing(path);
  if (target !== null && !target.isFile) return Deno.writeFileSync(path, bytes);
  const place = target?.realPath ?? path;
  const mode = permissions ?? target?.mode ?? 0o666;
  const draft = `${place}.${crypto.randomUUID().slice(0, 8)}.part`;
  try {
    Deno.writeFileSync(draft, bytes, { createNew: true, mode: mode & 0o777 });
    Deno.renameSync(draft, place);
  } catch (error) {
    removeIfThere(draft);
    throw error;
  }
}

function existing(path: string) {
  try {
    const { isFile, mode } = Deno.statSync(path);
    return { isFile, mode, realPath: Deno.realPathSync(path) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
