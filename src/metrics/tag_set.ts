/** Interned tag sets: one object for each distinct set, so that two sets are compared, and their series found, by identity. */

import type { SeriesOverflow } from "./series_overflow.ts";
import type { TagPairs } from "./types.ts";

/**
 * An immutable set of tags. Within one tree (`TagSet.root()`), sets with the same tags are the same object, in whatever
 * order their tags were added. A set lives as long as its tree.
 */
export class TagSet {
  readonly #tree: Tree;
  /** From 0: its number; else `UNNUMBERED`, `LOOSE`, or from -3 downwards a loose set's folded one. */
  #id: number;
  /** The set without its greatest name; undefined for the empty set. */
  readonly #parent: TagSet | undefined;
  /** The greatest name of the set and its value; empty for the empty set. */
  readonly #last: readonly [name: string, value: string];
  /** The first set that adds one greater name: most sets lead to no other, and need no map. */
  #first: TagSet | undefined;
  /** The other sets that `with` has led to from here, by name and value. */
  #next: Map<string, Map<string, TagSet>> | undefined;

  private constructor(parent: TagSet | undefined, last: readonly [name: string, value: string]) {
    this.#tree = parent === undefined ? { root: this, ids: 0, seal: null } : parent.#tree;
    this.#id = this.#tree.seal === null ? UNNUMBERED : LOOSE;
    this.#parent = parent;
    this.#last = last;
  }

  /** The empty set of a new tree. */
  static root(): TagSet {
    return new TagSet(undefined, ["", ""]);
  }

  /**
   * Dense within the tree: sets are numbered when they are first asked for it. A set that its sealed tree doesn't remember
   * has the number of the one that it is folded into.
   */
  get id(): number {
    return this.#id >= 0 ? this.#id : this.#number();
  }

  /** The set of that number: this one, or the one that it is folded into. */
  get counted(): TagSet {
    return this.#id > LOOSE ? this : this.#fold(this.#tree.seal!);
  }

  /** From now on the tree remembers no further sets; what is made nevertheless counts as what `overflow` folds it into. */
  seal(overflow: SeriesOverflow): void {
    this.#tree.seal ??= { overflow, folded: new Map() };
  }

  /**
   * This set with one tag added or replaced. An empty name adds nothing; an empty value is kept, as in k6.
   * Hot: two map look-ups when asked before.
   */
  with(name: string, value: string): TagSet {
    const first = this.#first;
    if (first !== undefined && first.#last[0] === name && first.#last[1] === value) return first;
    return this.#next?.get(name)?.get(value) ?? this.#extend(name, value);
  }

  /** This set with each of the tags added or replaced; the last of a name wins. Makes no sets for other orders than that of the names. */
  withAll(tags: TagPairs): TagSet {
    if (ascends(this.#last[0], tags)) {
      return tags.reduce<TagSet>((set, [name, value]) => set.with(name, value), this);
    }
    const all = new Map(this.toPairs());
    for (const [name, value] of tags) if (name !== "") all.set(name, value);
    return this.#tree.root.withAll([...all].sort(([a], [b]) => a < b ? -1 : 1));
  }

  /** This set without the tag of that name. */
  without(name: string): TagSet {
    if (this.get(name) === undefined) return this;
    return this.#tree.root.withAll(this.toPairs().filter(([other]) => other !== name));
  }

  /** The value of a tag; undefined when the set has no tag of that name. */
  get(name: string): string | undefined {
    return TagSet.#valueOf(this, name);
  }

  /** The tags in the order of their names; sets that begin with the same tags share their pairs. */
  toPairs(): TagPairs {
    return TagSet.#pairsOf(this);
  }

  // No recursion: a script may give a request more tags than the stack is deep.

  static #valueOf(set: TagSet, name: string): string | undefined {
    for (; set.#parent !== undefined; set = set.#parent) if (set.#last[0] === name) return set.#last[1];
    return undefined;
  }

  static #pairsOf(set: TagSet): TagPairs {
    const pairs: TagPairs[number][] = [];
    for (; set.#parent !== undefined; set = set.#parent) pairs.push(set.#last);
    return pairs.reverse();
  }

  #number(): number {
    if (this.#id === UNNUMBERED) return this.#id = this.#tree.ids++;
    if (this.#id === LOOSE) this.#id = FOLDED - this.#fold(this.#tree.seal!).id;
    return FOLDED - this.#id;
  }

  #fold({ overflow, folded }: Seal): TagSet {
    const pairs = overflow.fold(this.toPairs());
    let set = folded.get(pairs);
    if (set === undefined) {
      const tree = this.#tree;
      const { seal } = tree;
      tree.seal = null;
      set = tree.root.withAll(pairs);
      tree.seal = seal;
      folded.set(pairs, set);
    }
    return set;
  }

  #extend(name: string, value: string): TagSet {
    if (name === "") return this;
    const set = this.#find(name, value);
    if (this.#tree.seal !== null) return set;
    if (this.#first === undefined && set.#parent === this) {
      this.#first = set;
      return set;
    }
    this.#next ??= new Map();
    const byValue = this.#next.get(name);
    if (byValue === undefined) this.#next.set(name, new Map([[value, set]]));
    else byValue.set(value, set);
    return set;
  }

  /**
   * A set has one canonical way from the root: its tags in the order of their names. Only a tag that comes after all
   * others makes a new set; any other goes the canonical way, whose steps are all of the first kind.
   */
  #find(name: string, value: string): TagSet {
    if (name > this.#last[0]) return new TagSet(this, [name, value]);
    if (this.get(name) === value) return this;
    return this.withAll([[name, value]]);
  }
}

/** Whether each name is greater than the one before, and the first one than `last`. */
function ascends(last: string, tags: TagPairs): boolean {
  for (const [name] of tags) {
    if (name <= last) return false;
    last = name;
  }
  return true;
}

/** What all sets of a tree share. */
interface Tree {
  readonly root: TagSet;
  /** How many sets have an id. */
  ids: number;
  /** Null while the tree may grow. */
  seal: Seal | null;
}

/** What becomes of sets that a tree doesn't remember. */
interface Seal {
  readonly overflow: SeriesOverflow;
  /** By what `overflow` folds to. */
  readonly folded: Map<TagPairs, TagSet>;
}

/** Values of `TagSet.#id` that are no numbers of sets. */
const UNNUMBERED = -1;
const LOOSE = -2;
const FOLDED = -3;
