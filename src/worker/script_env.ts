/** `__ENV`. */

/** `__ENV` of a virtual user: the test's variables, and over them those of its scenario. */
export function scriptEnv(
  env: Readonly<Record<string, string>>,
  ofScenario: Readonly<Record<string, string>> | null,
  { freezeEnv }: { readonly freezeEnv: boolean },
): Record<string, string> {
  const copy = { ...env, ...ofScenario };
  return freezeEnv ? Object.freeze(copy) : copy;
}
