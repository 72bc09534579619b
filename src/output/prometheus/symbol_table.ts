/** The table of texts of one remote-write 2.0 request after another. */

import { util } from "protobufjs/minimal";
import { varintLength, WireBuffer } from "../wire_buffer.ts";

/** `Request.symbols`: a field of texts. */
const SYMBOLS = 4 << 3 | 2;

/**
 * Gives texts references within the current request. A text is looked up once in the encoder's life, for its id; after that an
 * id is turned into a reference by two array reads, and the text is written by the first in each request who asks.
 */
export class SymbolTable {
  /** The fields of the current request's table. */
  readonly fields = new WireBuffer();
  readonly #ids = new Map<string, number>();
  /** By id. */
  readonly #texts: string[] = [];
  /** By id: the last request that had the text, and its reference there. */
  readonly #requests: number[] = [];
  readonly #references: number[] = [];
  #request = 0;
  #size = 0;

  constructor() {
    this.begin();
  }

  /** Begins the next request's table, whose first text is empty, as the specification wants it. */
  begin(): void {
    this.fields.clear();
    this.#request++;
    this.#size = 0;
    this.reference(this.id(""));
  }

  /** The id of a text, the same in all requests. */
  id(text: string): number {
    let id = this.#ids.get(text);
    if (id === undefined) {
      id = this.#texts.length;
      this.#ids.set(text, id);
      this.#texts.push(text);
      this.#requests.push(0);
      this.#references.push(0);
    }
    return id;
  }

  /** The reference of a text in the current request. Hot. */
  reference(id: number): number {
    if (this.#requests[id] === this.#request) return this.#references[id]!;
    this.#requests[id] = this.#request;
    this.#references[id] = this.#size;
    this.#write(this.#texts[id]!);
    return this.#size++;
  }

  /** The reference of a text that is not worth an id, because other requests won't have it. */
  referenceOnce(text: string): number {
    this.#write(text);
    return this.#size++;
  }

  #write(text: string): void {
    const length = util.utf8.length(text);
    const { fields } = this;
    fields.reserve(1 + varintLength(length) + length);
    fields.byte(SYMBOLS);
    fields.text(text, length);
  }
}
