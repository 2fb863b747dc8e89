/**
 * The DSL as its users see it: what can be done with streams, tables and groups of their records. Each method adds an
 * operator to the builder's graph and returns what is behind it; nothing runs until the topology does. Functions get (key,
 * value, context); a null key or value of a topic arrives as null, so name it in the type where the topic holds any:
 * `stream<string, Order | null>`.
 *
 * All types are declared here, together, as they name each other; the implementation (`streams/dsl`) has none of them.
 */
import type { ByteWriter } from '../../util/index.ts';
import type { AsyncCall, RecordContext } from './context.ts';
import type {
  AsyncOptions,
  EmitStrategy,
  Grouped,
  Joined,
  KeyRead,
  Materialized,
  Named,
  Produced,
  Reading,
  Reads,
  Repartitioned,
  StreamJoined,
  Suppressed,
  TableJoined,
  ValueRead,
  WindowTime,
  WritingSerdeOf,
} from './options.ts';
import type {
  AsyncProcessor,
  ProcessorSupplier,
  TableTransformerSupplier,
  ValueProcessorSupplier,
} from './processor.ts';
import type {
  JoinWindows,
  SessionWindows,
  SlidingWindows,
  TimeWindows,
  Windowed,
  UnlimitedWindows,
  Windows,
} from './windows.ts';

/** A user's function, which gets of keys and values those that it `reads`. */
type Mapper<K, V, R, Rd extends Reads = 'both'> = (
  key: KeyRead<K, Rd>,
  value: ValueRead<V, Rd>,
  context: RecordContext,
) => R;

/** Stands beside functions whose results are used at once. */
type NotAsync<R> = [R] extends [PromiseLike<unknown>]
  ? 'It returns a promise: mapValuesAsync, flatMapAsync and processAsync wait for it.'
  : unknown;

type Guard<K, V, V2 extends V, Rd extends Reads> = (
  key: KeyRead<K, Rd>,
  value: V,
  context: RecordContext,
) => value is V2;

type Joiner<K, V, V2, R> = ((value: V, other: V2, key: K) => R) & NotAsync<R>;

/** `reads` says what the user's functions look at; see `Reads`. */
export type AggregateOptions<K, A> = Materialized<K, A> & { readonly reads?: Reads; readonly operatorName?: string };

/** Returns an aggregate; null deletes it. It may change and return the aggregate it was given, unless the old one is needed downstream. */
export type Aggregator<K, V, A> = (key: K, value: NonNullable<V>, aggregate: A) => A;

/** Makes one value of two. */
export type Reducer<V> = (aggregate: NonNullable<V>, value: NonNullable<V>) => V;

/** A stream of records: every record counts for itself. */
export interface KStream<K, V> {
  /** A predicate that narrows the type of the value narrows that of the stream. */
  filter<V2 extends V, Rd extends 'both' | 'value' = 'both'>(
    predicate: Guard<K, V, V2, Rd>,
    options?: Reading<Rd>,
  ): KStream<K, V2>;
  filter<Rd extends Reads = 'both'>(predicate: Mapper<K, V, boolean, Rd>, options?: Reading<Rd>): KStream<K, V>;
  filterNot<Rd extends Reads = 'both'>(predicate: Mapper<K, V, boolean, Rd>, options?: Reading<Rd>): KStream<K, V>;

  selectKey<K2, Rd extends Reads = 'both'>(
    mapper: Mapper<K, V, K2, Rd> & NotAsync<K2>,
    options?: Reading<Rd> & { readonly key?: WritingSerdeOf<K2> },
  ): KStream<K2, V>;
  map<K2, V2, Rd extends Reads = 'both'>(
    mapper: Mapper<K, V, readonly [K2, V2], Rd>,
    options?: Reading<Rd> & { readonly key?: WritingSerdeOf<K2>; readonly value?: WritingSerdeOf<V2> },
  ): KStream<K2, V2>;
  mapValues<V2, Rd extends Reads = 'both'>(
    mapper: Mapper<K, V, V2, Rd> & NotAsync<V2>,
    options?: Reading<Rd> & { readonly value?: WritingSerdeOf<V2> },
  ): KStream<K, V2>;
  flatMap<K2, V2, Rd extends Reads = 'both'>(
    mapper: Mapper<K, V, Iterable<readonly [K2, V2]>, Rd>,
    options?: Reading<Rd> & { readonly key?: WritingSerdeOf<K2>; readonly value?: WritingSerdeOf<V2> },
  ): KStream<K2, V2>;
  flatMapValues<V2, Rd extends Reads = 'both'>(
    mapper: Mapper<K, V, Iterable<V2>, Rd>,
    options?: Reading<Rd> & { readonly value?: WritingSerdeOf<V2> },
  ): KStream<K, V2>;
  /**
   * Turns the bytes of a value into the bytes of another, without an object in between: `transform` reads `[start, end)` of
   * `bytes`, writes to `out` and returns true, or false to leave the record out. A null value stays null. `value` is the
   * serde of what is written, for those behind that want it decoded.
   */
  mapValueBytes<V2>(
    transform: (bytes: Buffer, start: number, end: number, out: ByteWriter, context: RecordContext) => boolean,
    options: Named & { readonly value: WritingSerdeOf<V2> },
  ): KStream<K, V2>;

  /** As `mapValues`, by a function that is waited for. Its results are in the transaction of their records; it is called at least once. */
  mapValuesAsync<V2>(
    mapper: (key: K, value: V, call: AsyncCall) => Promise<V2> | V2,
    options?: AsyncOptions & {
      readonly value?: WritingSerdeOf<V2>;
      /** The value of a record whose attempts have all failed. Default: `onProcessingError` decides. */
      readonly orElse?: (error: unknown, key: K, value: V) => V2;
    },
  ): KStream<K, V2>;
  /** As `flatMap`, by a function that is waited for. */
  flatMapAsync<K2, V2>(
    mapper: (key: K, value: V, call: AsyncCall) => Promise<Iterable<readonly [K2, V2]>>,
    options?: AsyncOptions & { readonly key?: WritingSerdeOf<K2>; readonly value?: WritingSerdeOf<V2> },
  ): KStream<K2, V2>;
  /** A function that is waited for, with state stores: with `order: 'key'` nobody else is at a key's state meanwhile. */
  processAsync<K2, V2>(
    process: AsyncProcessor<K, V, K2, V2>,
    options?: AsyncOptions & {
      readonly stores?: readonly string[];
      readonly key?: WritingSerdeOf<K2>;
      readonly value?: WritingSerdeOf<V2>;
    },
  ): KStream<K2, V2>;

  peek<R, Rd extends Reads = 'both'>(action: Mapper<K, V, R, Rd> & NotAsync<R>, options?: Reading<Rd>): KStream<K, V>;
  foreach<R, Rd extends Reads = 'both'>(action: Mapper<K, V, R, Rd> & NotAsync<R>, options?: Reading<Rd>): void;

  /** Sends every record to the first branch whose predicate holds. */
  split(options?: Named): BranchedStream<K, V>;
  /** The records of both streams, in no particular order between them. */
  merge(other: KStream<K, V>, options?: Named): KStream<K, V>;

  /** Through a topic of the application, so that equal keys meet in one partition. Records without a key are kept. */
  repartition(options?: Repartitioned<K, V>): KStream<K, V>;
  to(topic: string | Mapper<K, V, string>, options?: Produced<K, V>): void;
  /** Writes to a topic that exists, and goes on with what is read back from it. */
  through(
    topic: string,
    options?: Produced<K, V> & { readonly key?: WritingSerdeOf<K>; readonly value?: WritingSerdeOf<V> },
  ): KStream<K, V>;
  /** The latest value per key; a null value deletes. */
  toTable(materialized?: Materialized<K, V> & Named): KTable<K, V>;

  groupBy<K2, Rd extends Reads = 'both'>(
    selector: Mapper<K, V, K2, Rd> & NotAsync<K2>,
    options?: Grouped<K2, V, Rd>,
  ): KGroupedStream<K2, V>;
  groupByKey(options?: Grouped<K, V>): KGroupedStream<K, V>;

  /** Pairs of records with equal keys that lie within the window of each other. */
  join<V2, R>(
    other: KStream<K, V2>,
    joiner: Joiner<K, NonNullable<V>, NonNullable<V2>, R>,
    windows: JoinWindows,
    options?: StreamJoined<K, V, V2>,
  ): KStream<K, R>;
  /** The record with the table's value of its key; nothing when the table has none. */
  join<V2, R>(
    table: KTable<K, V2>,
    joiner: Joiner<K, NonNullable<V>, NonNullable<V2>, R>,
    options?: Joined<K, V>,
  ): KStream<K, R>;

  /** As `join`, and every left record that found no partner once, with null. */
  leftJoin<V2, R>(
    other: KStream<K, V2>,
    joiner: Joiner<K, NonNullable<V>, NonNullable<V2> | null, R>,
    windows: JoinWindows,
    options?: StreamJoined<K, V, V2>,
  ): KStream<K, R>;
  leftJoin<V2, R>(
    table: KTable<K, V2>,
    joiner: Joiner<K, NonNullable<V>, NonNullable<V2> | null, R>,
    options?: Joined<K, V>,
  ): KStream<K, R>;

  /** As `join`, and every record of either side that found no partner once, with null. */
  outerJoin<V2, R>(
    other: KStream<K, V2>,
    joiner: Joiner<K, NonNullable<V> | null, NonNullable<V2> | null, R>,
    windows: JoinWindows,
    options?: StreamJoined<K, V, V2>,
  ): KStream<K, R>;

  /** The record with the value that the global table holds for the mapped key. Needs no co-partitioning. */
  joinGlobal<KG, V2, R>(
    table: GlobalTable<KG, V2>,
    keySelector: (key: K, value: V) => KG | null,
    joiner: (value: NonNullable<V>, other: NonNullable<V2>, mappedKey: KG) => R,
    options?: Named,
  ): KStream<K, R>;
  leftJoinGlobal<KG, V2, R>(
    table: GlobalTable<KG, V2>,
    keySelector: (key: K, value: V) => KG | null,
    joiner: (value: NonNullable<V>, other: NonNullable<V2> | null, mappedKey: KG | null) => R,
    options?: Named,
  ): KStream<K, R>;

  /** A user's processor, with state stores and punctuations. The key may change, so what follows repartitions if it must. */
  process<K2, V2>(
    supplier: ProcessorSupplier<K, V, K2, V2>,
    options?: Named & {
      readonly stores?: readonly string[];
      readonly key?: WritingSerdeOf<K2>;
      readonly value?: WritingSerdeOf<V2>;
    },
  ): KStream<K2, V2>;
  /** As `process`, for processors that forward under the key they were given. */
  processValues<V2>(
    supplier: ValueProcessorSupplier<K, V, V2>,
    options?: Named & { readonly stores?: readonly string[]; readonly value?: WritingSerdeOf<V2> },
  ): KStream<K, V2>;
}

/** `then`, when given, gets the branch, and what it returns stands in the result instead. */
type BranchOptions<K, V> = Named & { readonly then?: (branch: KStream<K, V>) => KStream<K, V> };

/** The branches of a split stream, by name. */
export interface BranchedStream<K, V> {
  branch(predicate: Mapper<K, V, boolean>, options?: BranchOptions<K, V>): this;
  defaultBranch(options?: BranchOptions<K, V>): Map<string, KStream<K, V>>;
  /** Records that match no branch are left out. */
  noDefaultBranch(): Map<string, KStream<K, V>>;
}

/** `materialized` with a name gives the result a store of its own. */
type TableOptions<K, V, Rd extends Reads> = Reading<Rd> & { readonly materialized?: Materialized<K, V> };

type TableFilterOptions<K, V, Rd extends Reads> = TableOptions<K, V, Rd> & { readonly oldValues?: boolean };

type TableJoinOptions<K, R> = Named & {
  readonly materialized?: Materialized<K, R>;
  readonly value?: WritingSerdeOf<R>;
};

type ForeignJoinOptions<K, KO, V, VO, R> = TableJoined<K, KO, V, VO> & {
  readonly materialized?: Materialized<K, R>;
  readonly result?: WritingSerdeOf<R>;
};

/**
 * A table: the latest value per key, seen as a stream of changes. Values are never null to a user's function, a null
 * value deletes its key. A table has a store only where something needs one: a name to query it by, a join, or an
 * operator further down that has to know what a value was before.
 */
export interface KTable<K, V> {
  /** The name to query the table by, if it has a store. */
  readonly queryableStoreName: string | undefined;

  /**
   * A row that did not pass and does not pass is deleted again where nobody knows what it was before. `oldValues` has that kept;
   * where the table in front has it already (a named store, an aggregate, a join) it is used without being asked for.
   */
  filter<V2 extends NonNullable<V>, Rd extends 'both' | 'value' = 'both'>(
    predicate: Guard<K, NonNullable<V>, V2, Rd>,
    options?: TableFilterOptions<K, V2, Rd>,
  ): KTable<K, V2>;
  filter<Rd extends Reads = 'both'>(
    predicate: Mapper<K, NonNullable<V>, boolean, Rd>,
    options?: TableFilterOptions<K, V, Rd>,
  ): KTable<K, V>;
  filterNot<Rd extends Reads = 'both'>(
    predicate: Mapper<K, NonNullable<V>, boolean, Rd>,
    options?: TableFilterOptions<K, V, Rd>,
  ): KTable<K, V>;
  mapValues<V2, Rd extends Reads = 'both'>(
    mapper: Mapper<K, NonNullable<V>, V2, Rd> & NotAsync<V2>,
    options?: TableOptions<K, V2, Rd> & { readonly value?: WritingSerdeOf<V2> },
  ): KTable<K, V2>;
  /**
   * As `mapValues`, by a function that may use state stores. Its results can be looked up (by joins, by queries) where
   * they are materialized.
   */
  transformValues<V2>(
    supplier: TableTransformerSupplier<K, NonNullable<V>, V2>,
    options?: TableOptions<K, V2, Reads> & { readonly value?: WritingSerdeOf<V2>; readonly stores?: readonly string[] },
  ): KTable<K, V2>;

  /** The table's changes as a stream. `keyMapper` gives the records another key. */
  toStream<K2>(keyMapper: Mapper<K, V, K2> & NotAsync<K2>, options?: Named): KStream<K2, V>;
  toStream(options?: Named): KStream<K, V>;

  /** Groups the rows by another key, so that they can be aggregated; a row that changes its group leaves the old one. */
  groupBy<K2, V2>(
    selector: Mapper<K, NonNullable<V>, readonly [K2, V2] | null>,
    options?: Grouped<K2, V2>,
  ): KGroupedTable<K2, V2>;

  /** Rows whose keys are in both tables. */
  join<V2, R>(
    other: KTable<K, V2>,
    joiner: Joiner<K, NonNullable<V>, NonNullable<V2>, R>,
    options?: TableJoinOptions<K, R>,
  ): KTable<K, R>;
  leftJoin<V2, R>(
    other: KTable<K, V2>,
    joiner: Joiner<K, NonNullable<V>, NonNullable<V2> | null, R>,
    options?: TableJoinOptions<K, R>,
  ): KTable<K, R>;
  outerJoin<V2, R>(
    other: KTable<K, V2>,
    joiner: Joiner<K, NonNullable<V> | null, NonNullable<V2> | null, R>,
    options?: TableJoinOptions<K, R>,
  ): KTable<K, R>;

  /** Each row with the row of `other` that it refers to; `foreignKey` may return null for none. */
  joinForeign<KO, VO, R>(
    other: KTable<KO, VO>,
    foreignKey: (value: NonNullable<V>, key: K) => KO | null,
    joiner: (value: NonNullable<V>, other: NonNullable<VO>) => R,
    options?: ForeignJoinOptions<K, KO, V, VO, R>,
  ): KTable<K, R>;
  leftJoinForeign<KO, VO, R>(
    other: KTable<KO, VO>,
    foreignKey: (value: NonNullable<V>, key: K) => KO | null,
    joiner: (value: NonNullable<V>, other: NonNullable<VO> | null) => R,
    options?: ForeignJoinOptions<K, KO, V, VO, R>,
  ): KTable<K, R>;

  /** Holds updates back: until their window closes, or for a time in which only the last one counts. */
  suppress(options: Suppressed): KTable<K, V>;
}

/** A table's rows grouped by another key: a row's new value is added to its group, its old one taken from the group it was in. */
export interface KGroupedTable<K, V> {
  count(options?: AggregateOptions<K, number>): KTable<K, number>;
  reduce(adder: Reducer<V>, subtractor: Reducer<V>, options?: AggregateOptions<K, V>): KTable<K, V>;
  aggregate<A>(
    initial: () => NoInfer<A>,
    adder: Aggregator<K, V, A>,
    subtractor: Aggregator<K, V, A>,
    options: AggregateOptions<K, A>,
  ): KTable<K, A>;
}

/** A stream whose records are grouped by key, and what can be made of the groups: one value per key, or per key and window. */
export interface KGroupedStream<K, V> {
  count(options?: AggregateOptions<K, number>): KTable<K, number>;
  reduce(reducer: Reducer<V>, options?: AggregateOptions<K, V>): KTable<K, V>;
  aggregate<A>(initial: () => NoInfer<A>, add: Aggregator<K, V, A>, options: AggregateOptions<K, A>): KTable<K, A>;
  /** Several grouped streams into one aggregate, each with its own function. */
  cogroup<A>(add: Aggregator<K, V, A>): CogroupedStream<K, A>;
  windowedBy(
    windows: TimeWindows | UnlimitedWindows | Windows | SlidingWindows,
    time?: WindowTime,
  ): TimeWindowedKStream<K, V>;
  windowedBy(windows: SessionWindows, time?: WindowTime): SessionWindowedKStream<K, V>;
}

export interface TimeWindowedKStream<K, V> {
  emitStrategy(strategy: EmitStrategy): TimeWindowedKStream<K, V>;
  count(options?: AggregateOptions<K, number>): KTable<Windowed<K>, number>;
  reduce(reducer: Reducer<V>, options?: AggregateOptions<K, V>): KTable<Windowed<K>, V>;
  aggregate<A>(
    initial: () => NoInfer<A>,
    add: Aggregator<K, V, A>,
    options: AggregateOptions<K, A>,
  ): KTable<Windowed<K>, A>;
}

export interface SessionWindowedKStream<K, V> {
  emitStrategy(strategy: EmitStrategy): SessionWindowedKStream<K, V>;
  count(options?: AggregateOptions<K, number>): KTable<Windowed<K>, number>;
  reduce(reducer: Reducer<V>, options?: AggregateOptions<K, V>): KTable<Windowed<K>, V>;
  /** `merge` makes one aggregate of those of two sessions that a record joined. */
  aggregate<A>(
    initial: () => NoInfer<A>,
    add: Aggregator<K, V, A>,
    merge: (key: K, one: A, other: A) => A,
    options: AggregateOptions<K, A>,
  ): KTable<Windowed<K>, A>;
}

/** Several grouped streams with equal keys that feed one aggregate. */
export interface CogroupedStream<K, A> {
  cogroup<V>(other: KGroupedStream<K, V>, add: Aggregator<K, V, A>): CogroupedStream<K, A>;
  windowedBy(windows: TimeWindows | UnlimitedWindows | Windows | SlidingWindows): TimeWindowedCogroupedStream<K, A>;
  windowedBy(windows: SessionWindows): SessionWindowedCogroupedStream<K, A>;
  aggregate(initial: () => NoInfer<A>, options: AggregateOptions<K, A> & Named): KTable<K, A>;
}

export interface TimeWindowedCogroupedStream<K, A> {
  aggregate(initial: () => NoInfer<A>, options: AggregateOptions<K, A>): KTable<Windowed<K>, A>;
}

export interface SessionWindowedCogroupedStream<K, A> {
  /** `merge` makes one aggregate of those of two sessions that a record joined. */
  aggregate(
    initial: () => NoInfer<A>,
    merge: (key: K, one: A, other: A) => A,
    options: AggregateOptions<K, A>,
  ): KTable<Windowed<K>, A>;
}

/** A table that every instance holds completely: joined by any key, without co-partitioning. */
export interface GlobalTable<K, V> {
  readonly queryableStoreName: string;
  /** Carries the types; never set. */
  readonly types?: readonly [K, V];
}
