/** What outputs keep out of the log: the passwords and tokens that they know, in each form in which a receiver may repeat them. */

/** User name and password as basic authentication sends them (RFC 7617). */
export function basicCredentials({ username, password }: BasicIdentity): string {
  return new TextEncoder().encode(`${username}:${password}`).toBase64();
}

/** Who basic authentication says that k6d is. */
export interface BasicIdentity {
  readonly username: string;
  readonly password: string;
}

/** The forms of a password; none of a missing one. */
export function passwordSecrets(identity: BasicIdentity | null): string[] {
  return identity === null || identity.password === "" ? [] : [identity.password, basicCredentials(identity)];
}

/** The values of those headers, or parameters of a URL, whose names say that they are secret; with and without their scheme. */
export function secretsAmong(fields: Iterable<readonly [name: string, value: string]>): string[] {
  return Array.from(fields)
    .filter(([name]) => isSecretName(name))
    .flatMap(([, value]) => value.includes(" ") ? [value, value.slice(value.lastIndexOf(" ") + 1)] : [value]);
}

/** Whether the name of a header, or of a parameter of a URL, says that its value is secret. */
export function isSecretName(name: string): boolean {
  return /auth|token|key|secret|password|cookie|signature/i.test(name);
}

/** Those that are worth hiding: shorter ones would blot out half of the log, and hide nothing. */
export function longEnough(secrets: readonly string[]): string[] {
  return secrets.filter(({ length }) => length >= 4);
}
