// Indexes of a table, in the memory of a host that keeps a part of it: by the values of some columns, the keys of the rows that
// have them. The index of a copy of a partition is made of all its rows when somebody first asks for it; from then on the store
// tells whose rows change, and these are looked at again when the next one asks. What is found are keys: the rows are read, and
// looked at, as they are then.
import type { KeyChanges, StorePart } from '../../streams/index.ts';
import { type Environment, yieldToEventLoop } from '../../util/index.ts';
import { compareValues, identityOf, type Row, type SqlValue } from '../values/value.ts';
import { type Bound, type IndexLookup, type IndexRange, readable, type RowOf } from './materialization.ts';

/** More changed keys than this are not noted one by one: the index is made anew. */
const CHANGES_MAX = 100_000;
const ROWS_PER_SLICE = 500;

export class TableIndexes {
  readonly #environment: Environment;
  /** By name, then by copy. */
  readonly #parts = new Map<string, Map<object, PartIndex>>();

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  /** The keys of the rows that are looked up, in the copies that are here. */
  async keys(parts: readonly StorePart<Row, Row>[], rowOf: RowOf, lookup: IndexLookup): Promise<Row[]> {
    const { name, places } = lookup;
    const known = this.#parts.get(name) ?? new Map<object, PartIndex>();
    this.#parts.set(name, known);
    const here = new Set(parts.map(({ identity }) => identity));
    for (const [identity, index] of known) {
      if (here.has(identity)) continue;
      index.close();
      known.delete(identity);
    }
    const indexes = parts.map((part) => {
      const index = known.get(part.identity) ?? new PartIndex(part, rowOf, places, this.#environment);
      known.set(part.identity, index);
      return index;
    });
    return (await Promise.all(indexes.map((index) => index.keys(lookup)))).flat();
  }

  drop(name: string): void {
    for (const index of this.#parts.get(name)?.values() ?? []) index.close();
    this.#parts.delete(name);
  }
}

/** The keys of the rows that have the same values. */
interface IndexEntry {
  readonly identity: SqlValue;
  readonly values: Row;
  readonly keys: Map<SqlValue, Row>;
}

class PartIndex {
  readonly #part: StorePart<Row, Row>;
  readonly #rowOf: RowOf;
  readonly #places: readonly number[];
  readonly #environment: Environment;
  readonly #changes: KeyChanges<Row>;
  readonly #entries = new Map<SqlValue, IndexEntry>();
  /** By key, the entry that it is in. */
  readonly #entryOf = new Map<SqlValue, IndexEntry>();
  /** By their first value; undefined: not asked for since there were others. */
  #sorted: readonly IndexEntry[] | undefined;
  #isMade = false;
  #turn: Promise<void> = Promise.resolve();

  constructor(part: StorePart<Row, Row>, rowOf: RowOf, places: readonly number[], environment: Environment) {
    this.#part = part;
    this.#rowOf = rowOf;
    this.#places = places;
    this.#environment = environment;
    this.#changes = part.changes(CHANGES_MAX);
  }

  close(): void {
    this.#changes.close();
  }

  async keys({ values, range }: IndexLookup): Promise<Row[]> {
    // One after another: nobody looks at an index that somebody else is changing.
    const turn = this.#turn.then(() => this.#refresh());
    this.#turn = turn.catch(() => {});
    await turn;
    const found =
      values === undefined ? this.#within(range) : values.flatMap((each) => this.#entries.get(identityOf(each)) ?? []);
    return found.flatMap(({ keys }) => [...keys.values()]);
  }

  async #refresh(): Promise<void> {
    if (!this.#isMade) await this.#make();
    const changed = this.#changes.take();
    if (changed === undefined) {
      this.#isMade = false;
      return this.#refresh();
    }
    let looked = 0;
    try {
      for (const key of changed) {
        const found = await readable(() => this.#part.getWithTimestamp(key));
        this.#put(key, found === null ? null : found.value);
        if (++looked % ROWS_PER_SLICE === 0) await yieldToEventLoop(this.#environment);
      }
    } catch (error) {
      this.#isMade = false;
      throw error;
    }
  }

  async #make(): Promise<void> {
    // Those that change from here on are looked at when all have been.
    this.#changes.take();
    this.#entries.clear();
    this.#entryOf.clear();
    this.#sorted = undefined;
    let looked = 0;
    for await (const { key, value } of this.#part.all()) {
      this.#put(key, value);
      if (++looked % ROWS_PER_SLICE === 0) await yieldToEventLoop(this.#environment);
    }
    this.#isMade = true;
  }

  #put(key: Row, stored: Row | null): void {
    const keyIdentity = identityOf(key);
    const row = stored === null ? null : this.#rowOf(key, stored);
    const values = row === null ? undefined : this.#places.map((place) => row[place]!);
    const identity = values === undefined ? undefined : identityOf(values);
    const before = this.#entryOf.get(keyIdentity);
    if (before?.identity === identity && before !== undefined) return;
    if (before !== undefined) {
      before.keys.delete(keyIdentity);
      this.#entryOf.delete(keyIdentity);
      if (before.keys.size === 0) {
        this.#entries.delete(before.identity);
        this.#sorted = undefined;
      }
    }
    if (values === undefined || identity === undefined) return;
    let entry = this.#entries.get(identity);
    if (entry === undefined) {
      entry = { identity, values, keys: new Map() };
      this.#entries.set(identity, entry);
      this.#sorted = undefined;
    }
    entry.keys.set(keyIdentity, key);
    this.#entryOf.set(keyIdentity, entry);
  }

  #within({ from, to }: IndexRange): readonly IndexEntry[] {
    this.#sorted ??= [...this.#entries.values()]
      .filter(({ values }) => values[0] !== null)
      .sort((a, b) => compareValues(a.values[0]!, b.values[0]!));
    const sorted = this.#sorted;
    const start = from === undefined ? 0 : firstWhere(sorted, (value) => isBehind(value, from));
    const end = to === undefined ? sorted.length : firstWhere(sorted, (value) => isAbove(value, to));
    return sorted.slice(start, end);
  }
}

const isBehind = (value: SqlValue, { value: bound, isIncluded }: Bound): boolean =>
  compareValues(value, bound) >= (isIncluded ? 0 : 1);
const isAbove = (value: SqlValue, { value: bound, isIncluded }: Bound): boolean =>
  compareValues(value, bound) >= (isIncluded ? 1 : 0);

/** The place of the first entry for which a test is true that is true of all behind it, too. */
function firstWhere(sorted: readonly IndexEntry[], test: (value: SqlValue) => boolean): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (test(sorted[middle]!.values[0]!)) high = middle;
    else low = middle + 1;
  }
  return low;
}
