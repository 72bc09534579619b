/** `k6d cloud project list`, `cloud load-zone list` and `cloud test list`. */

import { V6Api } from "../../output/cloud/api/v6_api.ts";
import { oneLine } from "../../output/http_client.ts";
import { UsageError } from "../args.ts";
import type { CommandMain } from "../commands.ts";
import { type CloudCommandContext, runLogged, stackAccess, withCloud } from "./cloud_command.ts";

/** Prints the projects of the stack. */
export const projectListCommand: CommandMain = list(async (api) =>
  (await api.projects()).map(({ id, name, isDefault }) => ({ id, name, is_default: isDefault }))
);

/** Prints where load can come from. */
export const loadZoneListCommand: CommandMain = list(async (api) =>
  (await api.loadZones()).map(({ id, name, scriptName }) => ({ id, name, k6_load_zone_id: scriptName }))
);

/** Prints the tests of a project: that of `--project-id`, of the settings, or the stack's default one. */
export const testListCommand: CommandMain = list(async (api, { config, log }) => {
  const projectId = config.projectId ?? config.defaultProjectId;
  if (projectId === null) throw new UsageError("no project: name one with --project-id or K6_CLOUD_PROJECT_ID");
  if (config.projectId === null) log.debug(`the stack's default project ${projectId} is used`);
  return (await api.loadTests(projectId)).map(({ id, name, created, updated }) => ({ id, name, created, updated }));
});

/** A row: JSON's names become the table's headings. */
type Row = Readonly<Record<string, string | number | boolean | null>>;

/** A command that prints rows as a table or, with `--json`, as JSON. */
function list(ask: (api: V6Api, context: CloudCommandContext) => Promise<readonly Row[]>): CommandMain {
  return (line, context) =>
    runLogged(line, context, (logged) => {
      const projectID = logged.read.text("project-id");
      return withCloud(logged, projectID === "" ? {} : { projectID }, async (cloud) => {
        const rows = await ask(new V6Api(cloud.client, stackAccess(line, cloud.config)), cloud);
        cloud.stdout.write(cloud.read.isOn("json") ? `${JSON.stringify(rows, null, 2)}\n` : table(rows));
      });
    });
}

/** Columns under headings; the service's texts in one line each. */
function table(rows: readonly Row[]): string {
  const [first] = rows;
  if (first === undefined) return "none\n";
  const headings = Object.keys(first).map((key) => key.replaceAll("_", " ").toUpperCase());
  const lines = [headings, ...rows.map((row) => Object.values(row).map((value) => oneLine(String(value ?? ""))))];
  const widths = headings.map((_, column) => Math.max(...lines.map((cells) => cells[column]?.length ?? 0)));
  return lines.map((cells) => `${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd()}\n`)
    .join("");
}
