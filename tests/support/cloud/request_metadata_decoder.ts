/** Reads what an output tells of traced requests, with the schema of docs/outputs/cloud/request_metadata.proto. */

import protobuf, { type Type } from "protobufjs";

/** A request that carried a trace id. */
export interface ReceivedRequestMetadata {
  readonly traceId: string;
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly testRunId: string;
  readonly scenario: string;
  readonly group: string;
  readonly url: string;
  readonly method: string;
  readonly status: number;
}

/** The request's type, for clients of tests. */
export const RequestMetadatasType: Type = protobuf
  .parse(Deno.readTextFileSync(new URL("../../../docs/outputs/cloud/request_metadata.proto", import.meta.url)))
  .root.resolveAll()
  .lookupType("k6.cloud.insights.proto.v1.ingester.BatchCreateRequestMetadatasRequest");

/** Decodes a message; throws when it breaks a rule. */
export function decodeRequestMetadatas(message: Uint8Array): ReceivedRequestMetadata[] {
  const decoded = RequestMetadatasType.decode(message);
  // What the schema doesn't know is lost when the message is encoded again.
  const understood = RequestMetadatasType.encode(decoded).finish().length;
  if (understood !== message.length) {
    throw new Error(`${message.length - understood} bytes of unknown or default fields`);
  }
  const { requests } = RequestMetadatasType.toObject(decoded, { longs: String, arrays: true }) as Message;
  if (requests.length === 0) throw new Error("a call without a request");
  return requests.map(({ requestMetadata }) => readMetadata(requestMetadata));
}

interface Message {
  readonly requests: readonly { readonly requestMetadata?: Metadata }[];
}

interface Metadata {
  readonly traceId?: string;
  readonly startTimeUnixNano?: string;
  readonly endTimeUnixNano?: string;
  readonly testRunLabels?: { readonly id?: string; readonly scenario?: string; readonly group?: string };
  readonly httpLabels?: { readonly url?: string; readonly method?: string; readonly statusCode?: string };
}

function readMetadata(metadata: Metadata | undefined): ReceivedRequestMetadata {
  const { traceId = "", startTimeUnixNano = "0", endTimeUnixNano = "0", testRunLabels, httpLabels } = metadata ?? {};
  if (!/^[0-9a-f]{32}$/.test(traceId)) throw new Error(`trace id ${JSON.stringify(traceId)}`);
  if (testRunLabels === undefined || httpLabels === undefined) throw new Error(`${traceId} has no labels`);
  const { id = "0", scenario = "", group = "" } = testRunLabels;
  const { url = "", method = "", statusCode = "0" } = httpLabels;
  const [startNs, endNs] = [BigInt(startTimeUnixNano), BigInt(endTimeUnixNano)];
  if (startNs <= 0n || endNs < startNs) throw new Error(`${traceId} lasts from ${startNs} to ${endNs}`);
  if (id === "0") throw new Error(`${traceId} is of no test run`);
  if (url === "" || !/^[A-Z]+$/.test(method)) throw new Error(`${traceId} is of ${method} ${JSON.stringify(url)}`);
  return { traceId, startNs, endNs, testRunId: id, scenario, group, url, method, status: Number(statusCode) };
}
