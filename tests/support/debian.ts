/**
 * Tests that need a program from a Debian package. Where the program is missing the test is ignored and its name says which
 * command installs it; with `CI=true` in the environment a missing program fails the test instead.
 */

/** A program that tests start, and where it comes from. */
export interface DebianProgram {
  /** Name of the executable, looked up on `PATH` and in the sbin folders. */
  readonly program: string;
  /** The Debian package that holds it. */
  readonly debianPackage: string;
}

/** Programs that k6d's tests use. */
export const prometheus: DebianProgram = { program: "prometheus", debianPackage: "prometheus" };
export const victoriaMetrics: DebianProgram = { program: "victoria-metrics", debianPackage: "victoria-metrics" };
export const influxdb: DebianProgram = { program: "influxd", debianPackage: "influxdb" };
export const nginx: DebianProgram = { program: "nginx", debianPackage: "nginx" };
export const curl: DebianProgram = { program: "curl", debianPackage: "curl" };
export const tinyproxy: DebianProgram = { program: "tinyproxy", debianPackage: "tinyproxy-bin" };
export const microsocks: DebianProgram = { program: "microsocks", debianPackage: "microsocks" };

/** Absolute path of a program, or null when it isn't installed. */
export function findProgram({ program }: DebianProgram): string | null {
  const folders = (Deno.env.get("PATH") ?? "").split(":").concat("/usr/sbin", "/usr/local/sbin");
  for (const folder of folders) {
    if (folder === "") continue;
    const path = `${folder}/${program}`;
    if (isFile(path)) return path;
  }
  return null;
}

/** Registers a test that gets the paths of the programs it needs, in the order given. */
export function testWithPrograms(
  name: string,
  needed: readonly DebianProgram[],
  run: (...paths: string[]) => void | Promise<void>,
): void {
  const missing = needed.filter((program) => findProgram(program) === null);
  if (missing.length === 0) {
    Deno.test(name, () => run(...needed.map((program) => findProgram(program) ?? program.program)));
    return;
  }
  const command = `apt-get install ${missing.map((program) => program.debianPackage).join(" ")}`;
  if (Deno.env.get("CI") === "true") {
    Deno.test(name, () => {
      throw new Error(`cannot run this test: ${missing.map((each) => each.program).join(", ")} missing; ${command}`);
    });
    return;
  }
  Deno.test({ name: `${name} (needs: ${command})`, ignore: true, fn: () => {} });
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return false;
    throw error;
  }
}
