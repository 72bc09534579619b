/** What servers and proxies of tests know of TCP connections that end. */

/** Whether an error says that the connection is gone, whoever ended it. */
export function isDisconnect(error: unknown): boolean {
  return [Deno.errors.ConnectionReset, Deno.errors.BrokenPipe, Deno.errors.BadResource, Deno.errors.Interrupted]
    .some((kind) => error instanceof kind);
}

/** Closes a connection, unless it is closed. */
export function closeConnection(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
