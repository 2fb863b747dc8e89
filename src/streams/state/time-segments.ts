/**
 * The tables of a store with a retention, one per piece of time: a window's start, or some span of span ends. A piece of
 * time expires as a whole, in memory and on disk, where its rows lie behind one another.
 */
import type { SlotTable } from './slot-table.ts';
import type { SavedStore } from './store.ts';

/** The newest time written, also where nothing is left of it: what has expired stays so. JSON has no infinity. */
export function savedTime(storeTime: number): { readonly storeTime?: number } {
  return storeTime === Number.NEGATIVE_INFINITY ? {} : { storeTime };
}

export class TimeSegment<V> {
  readonly start: number;
  readonly suffix: Buffer;
  readonly prefix: Buffer;
  /** Entries, where no table has been asked for yet. */
  readonly #savedKeys: number;
  readonly #create: (segment: TimeSegment<V>) => SlotTable<V>;
  #table: SlotTable<V> | undefined;

  constructor(
    start: number,
    { suffix, prefix }: { readonly suffix: Buffer; readonly prefix: Buffer },
    create: (segment: TimeSegment<V>) => SlotTable<V>,
    savedKeys: number,
  ) {
    this.start = start;
    this.suffix = suffix;
    this.prefix = prefix;
    this.#create = create;
    this.#savedKeys = savedKeys;
  }

  /** Made when it is asked for: most of the time that is kept is not touched any more. */
  get table(): SlotTable<V> {
    if (this.#table === undefined) {
      this.#table = this.#create(this);
      if (this.#savedKeys > 0) this.#table.resume(this.#savedKeys);
    }
    return this.#table;
  }

  /** The table, if somebody has asked for it. */
  get touched(): SlotTable<V> | undefined {
    return this.#table;
  }

  /** Keys with a value. */
  get keys(): number {
    return this.#table?.size ?? this.#savedKeys;
  }
}

/** What is asked of a segment, whatever its values are. */
interface Piece {
  readonly start: number;
  readonly touched: { close(): void } | undefined;
}

export class TimeSegments<S extends Piece> {
  /** Ascending. */
  readonly starts: number[] = [];
  readonly #segments = new Map<number, S>();
  readonly #create: (start: number, saved: number) => S;
  #last: S | undefined;
  /** Segments that began before this are gone, and don't come back. */
  expiredBefore = Number.NEGATIVE_INFINITY;
  #clearedBefore = Number.NEGATIVE_INFINITY;

  constructor(create: (start: number, saved: number) => S) {
    this.#create = create;
  }

  get(start: number): S | undefined {
    return this.#last?.start === start ? this.#last : this.#segments.get(start);
  }

  /** The segment, made if there is none. */
  at(start: number): S {
    if (this.#last?.start === start) return this.#last;
    return (this.#last = this.#segments.get(start) ?? this.#add(start, 0));
  }

  all(): IterableIterator<S> {
    return this.#segments.values();
  }

  /** Drops the segments that begin before a time. */
  expire(before: number): void {
    const { starts } = this;
    let count = 0;
    while (count < starts.length && starts[count]! < before) {
      const start = starts[count++]!;
      this.#segments.get(start)!.touched?.close();
      this.#segments.delete(start);
    }
    if (count === 0) return;
    starts.splice(0, count);
    this.#last = undefined;
    this.expiredBefore = before;
  }

  /** Where rows on disk begin that count, if more have expired since this was asked last. */
  takeExpired(): number | undefined {
    if (this.expiredBefore <= this.#clearedBefore) return undefined;
    this.#clearedBefore = this.expiredBefore;
    return this.expiredBefore;
  }

  resume({ segments = [] }: SavedStore, staysInMemory: boolean): void {
    for (const [start, size] of segments) this.#add(start, staysInMemory ? 0 : size);
  }

  close(): void {
    for (const { touched } of this.all()) touched?.close();
  }

  #add(start: number, saved: number): S {
    const segment = this.#create(start, saved);
    this.#segments.set(start, segment);
    const { starts } = this;
    let at = starts.length;
    while (at > 0 && starts[at - 1]! > start) at--;
    starts.splice(at, 0, start);
    return segment;
  }
}
