/** Attribute sets of data points, interned: series of different metrics that have the same tags share one, and its encoding. */

import { Writer } from "protobufjs/minimal";
import type { TagPairs } from "../../metrics/types.ts";

/** Where a data point's message keeps its attributes: the field numbers of the OTLP definitions. */
export type AttributesField = typeof NUMBER_POINT_ATTRIBUTES | typeof HISTOGRAM_POINT_ATTRIBUTES;

/** `NumberDataPoint.attributes` */
export const NUMBER_POINT_ATTRIBUTES = 7;
/** `HistogramDataPoint.attributes` */
export const HISTOGRAM_POINT_ATTRIBUTES = 9;

/** Attributes of one data point: no two have the same key, none is empty. */
export class AttributeSet {
  readonly pairs: TagPairs;
  #ofNumberPoint: Uint8Array | undefined;
  #ofHistogramPoint: Uint8Array | undefined;

  constructor(pairs: TagPairs) {
    this.pairs = pairs;
  }

  /** The fields that hold the attributes, made at the first call. */
  encoded(field: AttributesField): Uint8Array {
    return field === NUMBER_POINT_ATTRIBUTES
      ? this.#ofNumberPoint ??= encodeAttributes(field, this.pairs)
      : this.#ofHistogramPoint ??= encodeAttributes(field, this.pairs);
  }
}

/** All attribute sets of a run; sets with the same attributes are the same object. */
export class AttributeSets {
  readonly #sets = new Map<string, AttributeSet>();

  /** Tags without a value are left out, as in k6. Of two tags with the same name the last counts. */
  of(tags: TagPairs): AttributeSet {
    const pairs = tags.every(isAttribute) ? tags : toAttributes(tags);
    const key = JSON.stringify(pairs);
    let set = this.#sets.get(key);
    if (set === undefined) this.#sets.set(key, set = new AttributeSet(pairs));
    return set;
  }
}

/** Whether a tag can be an attribute as it is, as nearly all can. */
function isAttribute([name, value]: TagPairs[number]): boolean {
  return value !== "" && name.isWellFormed() && value.isWellFormed();
}

/** Protobuf has Unicode only: halves of surrogate pairs become U+FFFD, by which names may come to be the same. */
function toAttributes(tags: TagPairs): TagPairs {
  const attributes = new Map<string, string>();
  for (const [name, value] of tags) if (value !== "") attributes.set(name.toWellFormed(), value.toWellFormed());
  return Array.from(attributes);
}

/** Reused, because a writer takes several times the memory of what it writes, and for as long as that is kept. */
const writer = new Writer();

/** Text attributes as fields of type `KeyValue` (`opentelemetry.proto.common.v1`). */
export function encodeAttributes(field: number, pairs: TagPairs): Uint8Array {
  for (const [key, value] of pairs) {
    writer.uint32(field << 3 | 2).fork().uint32(KEY).string(key);
    writer.uint32(VALUE).fork().uint32(STRING_VALUE).string(value).ldelim().ldelim();
  }
  const encoded = writer.finish(true).slice();
  writer.reset();
  return encoded;
}

const KEY = 1 << 3 | 2;
const VALUE = 2 << 3 | 2;
const STRING_VALUE = 1 << 3 | 2;
