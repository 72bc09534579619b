/** Random decisions that can be recorded, replayed and cut down: what a random program is made of. */

/** A part of a recording: the decisions behind one piece of a program, its marker first. */
interface Span {
  readonly start: number;
  end: number;
  readonly kind: string;
}

/** The marker in front of a span's decisions. */
const AS_RECORDED = 0, SIMPLEST = 1;

/** Draws decisions from a seed, or from a recording; where that ends, the simplest decision is taken. */
export class Choices {
  /** All decisions so far, with the markers of the spans. */
  readonly recording: number[] = [];
  readonly spans: Span[] = [];
  readonly #replay: readonly number[] | undefined;
  #state: number;
  /** In a span whose decisions are all the simplest ones; they are not recorded. */
  #simplest = false;

  constructor(source: number | readonly number[]) {
    this.#replay = typeof source === "number" ? undefined : source;
    this.#state = typeof source === "number" ? source : 0;
  }

  /** A whole number from 0, the simplest, to below `bound`. */
  below(bound: number): number {
    if (this.#simplest) return 0;
    const drawn = this.#replay ? (this.#replay[this.recording.length] ?? 0) : this.#random();
    const value = drawn % bound;
    this.recording.push(value);
    return value;
  }

  /** True in `percent` of the cases; false is the simplest. */
  chance(percent: number): boolean {
    return this.below(100) >= 100 - percent;
  }

  /** One of a list; the first is the simplest. */
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  /** Runs `make`, whose decisions belong together: shrinking takes them back as a whole, or puts a part in their place. */
  span<T>(kind: string, make: () => T): T {
    if (this.#simplest) return make();
    const start = this.recording.length;
    const marker = this.#replay?.[start] === SIMPLEST ? SIMPLEST : AS_RECORDED;
    this.recording.push(marker);
    const span: Span = { start, end: start, kind };
    this.spans.push(span);
    this.#simplest = marker === SIMPLEST;
    const made = make();
    this.#simplest = false;
    span.end = this.recording.length;
    return made;
  }

  /** Mulberry32. */
  #random(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }
}

/** Cuts failing choices down to the simplest that are found with at most `tries` runs of `fails`. */
export async function shrink(
  failing: Choices,
  fails: (choices: Choices) => Promise<boolean>,
  tries: number,
): Promise<Choices> {
  let best = failing;
  let left = tries;
  const attempt = async (recording: readonly number[]): Promise<boolean> => {
    if (left-- <= 0) return false;
    const candidate = new Choices(recording);
    if (!await fails(candidate)) return false;
    best = candidate;
    return true;
  };
  const simplify = async (): Promise<boolean> => {
    const { recording, spans } = best;
    for (const { start, end } of spans.toSorted((a, b) => b.end - b.start - (a.end - a.start))) {
      if (end - start < 2) continue;
      if (await attempt(spliced(recording, start, end, [SIMPLEST]))) return true;
    }
    for (const { start, end, kind } of spans) {
      for (const inner of spans) {
        if (inner.kind !== kind || inner.start <= start || inner.end > end) continue;
        if (await attempt(spliced(recording, start, end, recording.slice(inner.start, inner.end)))) return true;
      }
    }
    for (let at = 0; at < recording.length; at++) {
      if (recording[at]! > 0 && await attempt(recording.with(at, 0))) return true;
    }
    return false;
  };
  while (left > 0 && await simplify());
  return best;
}

function spliced(list: readonly number[], start: number, end: number, put: readonly number[]): number[] {
  return [...list.slice(0, start), ...put, ...list.slice(end)];
}
