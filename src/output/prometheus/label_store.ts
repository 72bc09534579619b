/** Label sets in their wire format, encoded once: requests are put together from copies of them. */

import { util } from "protobufjs/minimal";
import type { LabelSet } from "./exported_series.ts";
import { varintLength, WireBuffer } from "../wire_buffer.ts";

/** Field numbers and wire types of `TimeSeries.labels` and `Label`, as tags on the wire (remote-write 1.0 specification). */
const LABEL = 1 << 3 | 2;
const LABEL_NAME = 1 << 3 | 2;
const LABEL_VALUE = 2 << 3 | 2;

/** Label sets are packed into pages: a typed array for each of them would cost more memory than it holds. */
const PAGE_SIZE = 1 << 18;

/** Where a page's first label set begins: not at 0, because an end of 0 says that there is none. */
const FIRST = 1;

/** What is known of a label set, five numbers in a row: its page, where it begins there, where `__name__` and `le` belong, its end. */
const PLACE_SIZE = 5;

/** The label fields of time series, for each label set those of its own labels. */
export class LabelStore {
  readonly #pages: Uint8Array[] = [new Uint8Array(PAGE_SIZE)];
  /** Bytes in use of the last page. */
  #used = FIRST;
  /** By the label set's id, `PLACE_SIZE` numbers each; an end of 0: not encoded yet. */
  #places = new Uint32Array(64 * PLACE_SIZE);
  readonly #scratch = new WireBuffer();

  /** The size of a label set's fields, which are encoded now if they were not yet. */
  size(set: LabelSet): number {
    const place = set.id * PLACE_SIZE;
    if (place >= this.#places.length || this.#places[place + 4] === 0) this.#add(set);
    return this.#places[place + 4]! - this.#places[place + 1]!;
  }

  /** Copies a label set's fields to `out`, with the encoded labels `__name__` and `le` (which may be empty) at their places. `size` comes first. */
  write(out: WireBuffer, set: LabelSet, name: Uint8Array, le: Uint8Array): void {
    const place = set.id * PLACE_SIZE;
    const page = this.#pages[this.#places[place]!]!;
    const begin = this.#places[place + 1]!;
    const nameAt = this.#places[place + 2]!;
    const leAt = this.#places[place + 3]!;
    const end = this.#places[place + 4]!;
    if (nameAt > begin) out.range(page, begin, nameAt);
    out.raw(name);
    if (le.length === 0) {
      out.range(page, nameAt, end);
    } else {
      out.range(page, nameAt, leAt);
      out.raw(le);
      out.range(page, leAt, end);
    }
  }

  #add({ id, labels }: LabelSet): void {
    const scratch = this.#scratch;
    scratch.clear();
    let nameAt = -1;
    let leAt = -1;
    for (const [name, value] of labels) {
      // Before __name__ stand only names that begin with a capital letter, or with `_` and one.
      if (nameAt === -1 && name > "__name__") nameAt = scratch.length;
      if (leAt === -1 && name > "le") leAt = scratch.length;
      writeLabel(scratch, LABEL, name, value);
    }
    const { length } = scratch;
    if (this.#used + length > PAGE_SIZE) {
      this.#pages.push(new Uint8Array(Math.max(PAGE_SIZE, FIRST + length)));
      this.#used = FIRST;
    }
    const begin = this.#used;
    this.#used += length;
    this.#pages.at(-1)!.set(scratch.written(), begin);
    const place = id * PLACE_SIZE;
    if (place >= this.#places.length) this.#growPlaces(place);
    this.#places[place] = this.#pages.length - 1;
    this.#places[place + 1] = begin;
    this.#places[place + 2] = nameAt === -1 ? begin + length : begin + nameAt;
    this.#places[place + 3] = leAt === -1 ? begin + length : begin + leAt;
    this.#places[place + 4] = begin + length;
  }

  #growPlaces(place: number): void {
    const grown = new Uint32Array(2 * place + PLACE_SIZE);
    grown.set(this.#places);
    this.#places = grown;
  }
}

/** Appends a message of a label's name and value, as a field with that tag. */
export function writeLabel(out: WireBuffer, tag: number, name: string, value: string): void {
  const nameLength = util.utf8.length(name);
  const valueLength = util.utf8.length(value);
  const size = 2 + varintLength(nameLength) + nameLength + varintLength(valueLength) + valueLength;
  out.reserve(size + 8);
  out.byte(tag);
  out.varint(size);
  out.byte(LABEL_NAME);
  out.text(name, nameLength);
  out.byte(LABEL_VALUE);
  out.text(value, valueLength);
}
