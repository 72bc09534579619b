/** A real InfluxDB 1.x, for tests. */

import { ChildServer } from "./child_server.ts";
import { freePort } from "./free_port.ts";

/** What a query gives for one series: its tags, and its rows by the names of their columns (`time` in nanoseconds, as text). */
export interface InfluxSeries {
  readonly name: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

/** A running server; dispose of it to end it. */
export class InfluxDb implements AsyncDisposable {
  readonly base: string;
  /** Writes to the database `udp`. */
  readonly udpAddress: string;
  readonly #server: ChildServer;

  /** What queries say of who asks; nothing unless set. */
  credentials: Readonly<Record<string, string>> = {};

  private constructor(base: string, udpAddress: string, server: ChildServer) {
    this.base = base;
    this.udpAddress = udpAddress;
    this.#server = server;
  }

  /** Starts InfluxDB on free loopback ports; `path` is its executable. With `auth` it wants to know users, of which there are none yet. */
  static async start(path: string, { auth = false } = {}): Promise<InfluxDb> {
    const [http, udp] = [`127.0.0.1:${freePort()}`, `127.0.0.1:${freePort()}`];
    const server = await ChildServer.start(path, (folder) => {
      Deno.writeTextFileSync(
        `${folder}/influxdb.conf`,
        `reporting-disabled = true
bind-address = "127.0.0.1:0"
[meta]
dir = "${folder}/meta"
[data]
dir = "${folder}/data"
wal-dir = "${folder}/wal"
[http]
bind-address = "${http}"
log-enabled = false
auth-enabled = ${auth}
[monitor]
store-enabled = false
[[udp]]
enabled = true
bind-address = "${udp}"
database = "udp"
batch-timeout = "10ms"
[logging]
level = "warn"
`,
      );
      return ["-config", `${folder}/influxdb.conf`];
    }, `http://${http}/ping`);
    return new InfluxDb(`http://${http}`, `udp://${udp}`, server);
  }

  /** The series that a query gives; throws with InfluxDB's words when it fails. */
  async query(database: string, query: string): Promise<InfluxSeries[]> {
    const parameters = new URLSearchParams({ db: database, epoch: "ns", q: query, ...this.credentials });
    const response = await fetch(`${this.base}/query?${parameters}`, { method: "POST" });
    // Nanoseconds are too long for a number.
    const text = (await response.text()).replace(/\[(\d{15,}),/g, '["$1",');
    const { results, error } = JSON.parse(text) as QueryAnswer;
    const problem = error ?? results?.[0]?.error;
    if (problem !== undefined) throw new Error(`${query}: ${problem}`);
    return (results?.[0]?.series ?? []).map(({ name, tags, columns, values }) => ({
      name,
      ...tags === undefined ? {} : { tags },
      rows: values.map((row) => Object.fromEntries(columns.map((column, i) => [column, row[i]]))),
    }));
  }

  /** The one number that a query gives; 0 when it gives nothing. */
  async number(database: string, query: string): Promise<number> {
    const [series] = await this.query(database, query);
    const { time: _, ...values } = series?.rows[0] ?? {};
    return Number(Object.values(values)[0] ?? 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }
}

interface QueryAnswer {
  readonly error?: string;
  readonly results?: readonly {
    readonly error?: string;
    readonly series?: readonly {
      readonly name: string;
      readonly tags?: Record<string, string>;
      readonly columns: readonly string[];
      readonly values: readonly (readonly unknown[])[];
    }[];
  }[];
}
