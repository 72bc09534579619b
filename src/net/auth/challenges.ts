/** `WWW-Authenticate` headers, taken apart (RFC 9110, section 11.6.1). */

/** What a server asks for. */
export interface Challenge {
  /** In lower case. */
  readonly scheme: string;
  /** What stands in place of parameters (`NTLM TlRM…`); empty without it. */
  readonly token: string;
  /** Names in lower case, values without their quotes. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** All challenges of an answer's headers, in order; what can't be understood ends the header that it stands in. */
export function parseChallenges(headerValues: readonly string[]): Challenge[] {
  return headerValues.flatMap(parseHeader);
}

const SCHEME = /\s*([\w!#$%&'*+.^`|~-]+)(?=\s|,|$)/y;
const TOKEN = /\s+([A-Za-z0-9+/._~-]+=*)\s*(?=,|$)/y;
const PARAMETER = /[\s,]*([\w!#$%&'*+.^`|~-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))/y;
const SEPARATOR = /[\s,]*/y;

function parseHeader(text: string): Challenge[] {
  const challenges: Challenge[] = [];
  let at = 0;
  const next = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match !== null) at = pattern.lastIndex;
    return match;
  };
  for (;;) {
    next(SEPARATOR);
    const scheme = next(SCHEME)?.[1];
    if (scheme === undefined) return challenges;
    const token = next(TOKEN)?.[1] ?? "";
    const parameters = new Map<string, string>();
    for (let match = next(PARAMETER); match !== null; match = next(PARAMETER)) {
      parameters.set(match[1]!.toLowerCase(), match[2]?.replace(/\\(.)/g, "$1") ?? match[3]!);
    }
    challenges.push({ scheme: scheme.toLowerCase(), token, parameters });
  }
}
