/** Whether a run may need outputs: only then is their code loaded, which takes longer than all else that an empty test does. */

/** The script's options in which outputs are asked for. */
const OPTIONS = ["remoteWrite", "prometheusRemoteWrite", "cloud", "ext"] as const;

/** False when nothing asks for an output: neither `-o` and `--apm` nor an option of the script. */
export function mayNeedOutputs(
  { outputs, apm }: { readonly outputs: readonly string[]; readonly apm: boolean },
  options: Readonly<Record<string, unknown>>,
): boolean {
  return outputs.length > 0 || apm || OPTIONS.some((name) => options[name] !== undefined && options[name] !== null);
}
