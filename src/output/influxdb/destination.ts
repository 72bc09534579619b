/** Where lines go: an InfluxDB server's HTTP API, or its UDP port. */

/** How a write fared. */
export type Outcome =
  | { readonly kind: "accepted" }
  /** Final. `lines` of them, all or some, were not stored. */
  | { readonly kind: "refused"; readonly lines: number; readonly cause: string; readonly detail: string }
  /** A later attempt may succeed, after `retryAfterMs` where the server says so. `answered`: there is a server at all. */
  | {
    readonly kind: "failed";
    readonly answered: boolean;
    readonly cause: string;
    readonly detail: string;
    readonly retryAfterMs: number | null;
  };

/** Takes lines. */
export interface Destination {
  /** Gets ready; throws an `OutputError` when that can't be. */
  open(): Promise<void>;
  /** Writes `lines` lines, UTF-8, each with its line feed; `signal` gives the write up. Never rejects. */
  write(body: Uint8Array<ArrayBuffer>, lines: number, signal: AbortSignal): Promise<Outcome>;
  close(): void;
}
