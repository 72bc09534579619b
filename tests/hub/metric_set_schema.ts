/** The messages of docs/outputs/cloud/metrics.proto by protobufjs's reflection: a second reader and writer beside the hub's own. */

import protobuf, { type Type } from "protobufjs";

const source = new URL("../../docs/outputs/cloud/metrics.proto", import.meta.url);

/** The type `MetricSet`; its objects have the names of the schema in camelCase. */
export const MetricSetType: Type = load();

function load(): Type {
  const root = new protobuf.Root();
  const timestamp = protobuf.common.get("google/protobuf/timestamp.proto")?.nested;
  if (timestamp === undefined) throw new Error("protobufjs has no timestamp.proto");
  root.addJSON(timestamp);
  protobuf.parse(Deno.readTextFileSync(source), root);
  return root.resolveAll().lookupType("metrics.MetricSet");
}
