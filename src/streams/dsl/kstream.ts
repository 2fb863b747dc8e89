/**
 * A stream of records: every record counts for itself. Each method adds an operator to the builder's graph and answers
 * the stream behind it; nothing runs until the topology does. Functions get (key, value, context); a null key or value
 * of a topic arrives as null, so name it in the type where the topic holds any: `stream<string, Order | null>`.
 */
import { checkOperator, checkTopicName } from '../api/checks.ts';
import type { RecordContext } from '../api/context.ts';
import type { AnySerde, Emit, GraphNode, NodeOptions } from '../graph/node.ts';
import { KGroupedStream } from './grouped.ts';
import { KTable } from './ktable.ts';
import { connectStores, type Partitioner, placed, repartitioned, required, type StreamState } from './stream-node.ts';
import { tableFromStream } from './table-node.ts';
import { GlobalTable } from './global-table.ts';
import { joinStreams, joinWithGlobalTable, joinWithTable } from './stream-joins.ts';
import { processorOperator } from '../operators/process.ts';
import {
  branch,
  filter,
  flatMap,
  flatMapValues,
  map,
  mapValueBytes,
  mapValues,
  passThrough,
  peek,
  selectKey,
} from '../operators/stateless.ts';
import { sink, sinkNeeds } from '../operators/sink.ts';
import type {
  Grouped,
  Joined,
  Materialized,
  Named,
  Produced,
  Reading,
  Reads,
  Repartitioned,
  SerdeOf,
  StreamJoined,
} from '../api/options.ts';
import type { ProcessorSupplier, ValueProcessorSupplier } from '../api/processor.ts';
import type { TaskScope } from '../graph/node.ts';
import { JoinWindows } from '../api/windows.ts';
import { type ByteWriter, checkValue, MillraceError } from '../../util/index.ts';

type Pairs<K, V> = Iterable<readonly [K, V]>;

export class KStream<K, V> {
  /** For the library's own operators. */
  readonly state: StreamState;

  constructor(state: StreamState) {
    this.state = state;
  }

  filter(predicate: (key: K, value: V, context: RecordContext) => boolean, options: Reading = {}): KStream<K, V> {
    checkOperator('filter', { predicate }, options, 'reading');
    return this.#same('filter', options, filter(predicate as never, true));
  }

  filterNot(predicate: (key: K, value: V, context: RecordContext) => boolean, options: Reading = {}): KStream<K, V> {
    checkOperator('filterNot', { predicate }, options, 'reading');
    return this.#same('filter', options, filter(predicate as never, false));
  }

  selectKey<K2>(
    mapper: (key: K, value: V, context: RecordContext) => K2,
    options: Reading & { readonly key?: SerdeOf<K2> } = {},
  ): KStream<K2, V> {
    checkOperator('selectKey', { mapper }, options, 'mapping');
    const node = this.#add('select-key', options, { keepsValue: true, build: selectKey(mapper as never) });
    return this.#to(node, { key: options.key as AnySerde | undefined, moved: true });
  }

  map<K2, V2>(
    mapper: (key: K, value: V, context: RecordContext) => readonly [K2, V2],
    options: Reading & { readonly key?: SerdeOf<K2>; readonly value?: SerdeOf<V2> } = {},
  ): KStream<K2, V2> {
    checkOperator('map', { mapper }, options, 'mapping');
    const node = this.#add('map', options, { build: map(mapper as never) });
    return this.#to(node, {
      key: options.key as AnySerde | undefined,
      value: options.value as AnySerde | undefined,
      moved: true,
    });
  }

  mapValues<V2>(
    mapper: (key: K, value: V, context: RecordContext) => V2,
    options: Reading & { readonly value?: SerdeOf<V2> } = {},
  ): KStream<K, V2> {
    checkOperator('mapValues', { mapper }, options, 'mapping');
    const node = this.#add('map-values', options, { keepsKey: true, build: mapValues(mapper as never) });
    return this.#to(node, { value: options.value as AnySerde | undefined });
  }

  /**
   * Turns the bytes of a value into the bytes of another, without an object in between: `transform` reads `[start, end)` of
   * `bytes`, writes to `out` and answers true, or false to leave the record out. A null value stays null. `value` is the
   * serde of what is written, for those behind that want it decoded.
   */
  mapValueBytes<V2>(
    transform: (bytes: Buffer, start: number, end: number, out: ByteWriter, context: RecordContext) => boolean,
    options: Named & { readonly value: SerdeOf<V2> },
  ): KStream<K, V2> {
    checkOperator('mapValueBytes', { transform }, options, 'mapping');
    const before = required(this.state.value, 'value', 'map-value-bytes');
    const value = options.value as AnySerde;
    const node = this.#add(
      'map-value-bytes',
      { ...options, reads: 'neither' },
      {
        keepsKey: true,
        valueBytesAs: before,
        ownValueSerde: value,
        build: mapValueBytes(transform, before, value),
      },
    );
    return this.#to(node, { value });
  }

  flatMap<K2, V2>(
    mapper: (key: K, value: V, context: RecordContext) => Pairs<K2, V2>,
    options: Reading & { readonly key?: SerdeOf<K2>; readonly value?: SerdeOf<V2> } = {},
  ): KStream<K2, V2> {
    checkOperator('flatMap', { mapper }, options, 'mapping');
    const node = this.#add('flat-map', options, { build: flatMap(mapper as never) });
    return this.#to(node, {
      key: options.key as AnySerde | undefined,
      value: options.value as AnySerde | undefined,
      moved: true,
    });
  }

  flatMapValues<V2>(
    mapper: (key: K, value: V, context: RecordContext) => Iterable<V2>,
    options: Reading & { readonly value?: SerdeOf<V2> } = {},
  ): KStream<K, V2> {
    checkOperator('flatMapValues', { mapper }, options, 'mapping');
    const node = this.#add('flat-map-values', options, { keepsKey: true, build: flatMapValues(mapper as never) });
    return this.#to(node, { value: options.value as AnySerde | undefined });
  }

  peek(action: (key: K, value: V, context: RecordContext) => void, options: Reading = {}): KStream<K, V> {
    checkOperator('peek', { action }, options, 'reading');
    return this.#same('peek', options, peek(action as never));
  }

  foreach(action: (key: K, value: V, context: RecordContext) => void, options: Reading = {}): void {
    checkOperator('foreach', { action }, options, 'reading');
    this.#add('foreach', options, { build: peek(action as never) });
  }

  /** Sends every record to the first branch whose predicate holds. */
  split(options: Named = {}): BranchedStream<K, V> {
    checkOperator('split', {}, options, 'named');
    return new BranchedStream(this, options.name);
  }

  /** The records of both streams, in no particular order between them. */
  merge(other: KStream<K, V>, options: Named = {}): KStream<K, V> {
    checkOperator('merge', {}, options, 'named');
    checkStream('merge', other);
    const { state } = this;
    const node = state.graph.add({
      name: state.graph.name(options.name, `${state.origin}-merge`),
      parents: [state.node, other.state.node],
      reads: 'neither',
      keepsKey: true,
      keepsValue: true,
      build: passThrough,
    });
    return new KStream<K, V>({
      ...state,
      node,
      key: state.key ?? other.state.key,
      value: state.value ?? other.state.value,
      moved: state.moved || other.state.moved,
    });
  }

  /** Through a topic of the application, so that equal keys meet in one partition. Records without a key are kept. */
  repartition(options: Repartitioned<K, V> = {}): KStream<K, V> {
    checkOperator('repartition', {}, options, 'repartitioning');
    return new KStream<K, V>(
      repartitioned(this.state, {
        name: options.name,
        fallback: options.name ?? this.state.graph.storeName(undefined, `${this.state.origin}-repartition`),
        key: options.key as AnySerde | undefined,
        value: options.value as AnySerde | undefined,
        partitions: options.partitions,
        partitioner: options.partitioner as Partitioner | undefined,
        dropsNullKeys: false,
      }),
    );
  }

  to(topic: string | ((key: K, value: V, context: RecordContext) => string), options: Produced<K, V> = {}): void {
    checkOperator('to', typeof topic === 'string' ? {} : { topic }, options, 'producing');
    if (typeof topic === 'string') checkTopicName('to', topic);
    const { state } = this;
    const derived = typeof topic === 'string' ? `${topic}-sink` : `${state.origin}-sink`;
    const name = state.graph.name(options.name, derived);
    const key = required((options.key as AnySerde | undefined) ?? state.key, 'key', name);
    const value = required((options.value as AnySerde | undefined) ?? state.value, 'value', name);
    const needsBoth = typeof topic !== 'string' || options.partitioner !== undefined || options.timestamp !== undefined;
    state.graph.add({
      name,
      parents: [state.node],
      sink: { topic: typeof topic === 'string' ? topic : (topic as never), key, value },
      ...sinkNeeds(key, value, { isShared: true, readsBoth: needsBoth }),
      build: sink({
        topic: typeof topic === 'string' ? { fixed: topic } : { choose: topic as never },
        key,
        value,
        partitioner: options.partitioner as Partitioner | undefined,
        timestamp: options.timestamp as never,
      }),
    });
  }

  /** Writes to a topic that exists, and goes on with what is read back from it. */
  through(topic: string, options: Produced<K, V> = {}): KStream<K, V> {
    this.to(topic, options);
    const { state } = this;
    const key = (options.key as AnySerde | undefined) ?? state.key!;
    const value = (options.value as AnySerde | undefined) ?? state.value!;
    const node = state.graph.addSource(undefined, { topics: [topic], key, value });
    return new KStream<K, V>({ graph: state.graph, node, key, value, moved: false, origin: topic });
  }

  /** The latest value per key; a null value deletes. */
  toTable(materialized: Materialized<K, V> & Named = {}): KTable<K, V> {
    checkOperator('toTable', {}, materialized, 'materialized');
    const { graph } = this.state;
    const store = graph.storeName(materialized.name, `${this.state.origin}-to-table`);
    const state = placed(
      this.state,
      store,
      materialized.key as AnySerde | undefined,
      materialized.value as AnySerde | undefined,
    );
    return new KTable<K, V>(tableFromStream(state, store, materialized as Materialized<unknown, unknown>));
  }

  groupBy<K2>(
    selector: (key: K, value: V, context: RecordContext) => K2,
    options: Grouped<K2, V> = {},
  ): KGroupedStream<K2, V> {
    checkOperator('groupBy', { selector }, options, 'grouping');
    const stream = this.selectKey(selector, {
      ...(options.reads === undefined ? {} : { reads: options.reads }),
      ...(options.key === undefined ? {} : { key: options.key }),
    });
    return stream.groupByKey(options);
  }

  groupByKey(options: Grouped<K, V> = {}): KGroupedStream<K, V> {
    checkOperator('groupByKey', {}, options, 'grouping');
    const { state } = this;
    return new KGroupedStream<K, V>(
      {
        ...state,
        key: (options.key as AnySerde | undefined) ?? state.key,
        value: (options.value as AnySerde | undefined) ?? state.value,
      },
      options.name,
    );
  }

  /** Pairs of records with equal keys that lie within the window of each other. */
  join<V2, R>(
    other: KStream<K, V2>,
    joiner: (value: NonNullable<V>, other: NonNullable<V2>, key: K) => R,
    windows: JoinWindows,
    options?: StreamJoined<K, V, V2>,
  ): KStream<K, R>;
  /** The record with the table's value of its key; nothing when the table has none. */
  join<V2, R>(
    table: KTable<K, V2>,
    joiner: (value: NonNullable<V>, other: NonNullable<V2>, key: K) => R,
    options?: Joined<K, V>,
  ): KStream<K, R>;
  join<V2, R>(
    other: KStream<K, V2> | KTable<K, V2>,
    joiner: (value: NonNullable<V>, other: NonNullable<V2>, key: K) => R,
    windowsOrOptions?: JoinWindows | Joined<K, V>,
    options?: StreamJoined<K, V, V2>,
  ): KStream<K, R> {
    checkJoin('join', other, joiner, windowsOrOptions, options);
    if (other instanceof KTable) {
      return new KStream<K, R>(
        joinWithTable(
          this.state,
          other.state,
          joiner as never,
          'inner',
          windowsOrOptions as Joined<unknown, unknown> | undefined,
        ),
      );
    }
    return new KStream<K, R>(
      joinStreams(
        this.state,
        other.state,
        { joiner: joiner as never, kind: 'inner', windows: windowsOrOptions as JoinWindows },
        options as never,
      ),
    );
  }

  /** As `join`, and every left record that found no partner once, with null. */
  leftJoin<V2, R>(
    other: KStream<K, V2>,
    joiner: (value: NonNullable<V>, other: NonNullable<V2> | null, key: K) => R,
    windows: JoinWindows,
    options?: StreamJoined<K, V, V2>,
  ): KStream<K, R>;
  leftJoin<V2, R>(
    table: KTable<K, V2>,
    joiner: (value: NonNullable<V>, other: NonNullable<V2> | null, key: K) => R,
    options?: Joined<K, V>,
  ): KStream<K, R>;
  leftJoin<V2, R>(
    other: KStream<K, V2> | KTable<K, V2>,
    joiner: (value: NonNullable<V>, other: NonNullable<V2> | null, key: K) => R,
    windowsOrOptions?: JoinWindows | Joined<K, V>,
    options?: StreamJoined<K, V, V2>,
  ): KStream<K, R> {
    checkJoin('leftJoin', other, joiner, windowsOrOptions, options);
    if (other instanceof KTable) {
      return new KStream<K, R>(
        joinWithTable(
          this.state,
          other.state,
          joiner as never,
          'left',
          windowsOrOptions as Joined<unknown, unknown> | undefined,
        ),
      );
    }
    return new KStream<K, R>(
      joinStreams(
        this.state,
        other.state,
        { joiner: joiner as never, kind: 'left', windows: windowsOrOptions as JoinWindows },
        options as never,
      ),
    );
  }

  /** As `join`, and every record of either side that found no partner once, with null. */
  outerJoin<V2, R>(
    other: KStream<K, V2>,
    joiner: (value: NonNullable<V> | null, other: NonNullable<V2> | null, key: K) => R,
    windows: JoinWindows,
    options?: StreamJoined<K, V, V2>,
  ): KStream<K, R> {
    checkStream('outerJoin', other);
    checkJoin('outerJoin', other, joiner, windows, options);
    return new KStream<K, R>(
      joinStreams(this.state, other.state, { joiner: joiner as never, kind: 'outer', windows }, options as never),
    );
  }

  /** The record with the value that the global table holds for the mapped key. Needs no co-partitioning. */
  joinGlobal<KG, V2, R>(
    table: GlobalTable<KG, V2>,
    keySelector: (key: K, value: V) => KG | null,
    joiner: (value: NonNullable<V>, other: NonNullable<V2>, mappedKey: KG) => R,
    options: Named = {},
  ): KStream<K, R> {
    checkOperator('joinGlobal', { keySelector, joiner }, options, 'named');
    checkGlobalTable('joinGlobal', table);
    return new KStream<K, R>(
      joinWithGlobalTable(
        this.state,
        table.spec,
        { keySelector: keySelector as never, joiner: joiner as never, kind: 'inner' },
        options,
      ),
    );
  }

  leftJoinGlobal<KG, V2, R>(
    table: GlobalTable<KG, V2>,
    keySelector: (key: K, value: V) => KG | null,
    joiner: (value: NonNullable<V>, other: NonNullable<V2> | null, mappedKey: KG | null) => R,
    options: Named = {},
  ): KStream<K, R> {
    checkOperator('leftJoinGlobal', { keySelector, joiner }, options, 'named');
    checkGlobalTable('leftJoinGlobal', table);
    return new KStream<K, R>(
      joinWithGlobalTable(
        this.state,
        table.spec,
        { keySelector: keySelector as never, joiner: joiner as never, kind: 'left' },
        options,
      ),
    );
  }

  /** A user's processor, with state stores and punctuations. The key may change, so what follows repartitions if it must. */
  process<K2, V2>(
    supplier: ProcessorSupplier<K, V, K2, V2>,
    options: Named & {
      readonly stores?: readonly string[];
      readonly key?: SerdeOf<K2>;
      readonly value?: SerdeOf<V2>;
    } = {},
  ): KStream<K2, V2> {
    checkOperator('process', { supplier }, options, 'processing');
    const node = this.#add('process', options, { build: processorOperator(supplier as never) });
    connectStores(this.state.graph, node, options.stores ?? []);
    return this.#to(node, {
      key: options.key as AnySerde | undefined,
      value: options.value as AnySerde | undefined,
      moved: true,
    });
  }

  /** As `process`, for processors that forward under the key they were given. */
  processValues<V2>(
    supplier: ValueProcessorSupplier<K, V, V2>,
    options: Named & { readonly stores?: readonly string[]; readonly value?: SerdeOf<V2> } = {},
  ): KStream<K, V2> {
    checkOperator('processValues', { supplier }, options, 'processing');
    const node = this.#add('process-values', options, { build: processorOperator(supplier as never) });
    connectStores(this.state.graph, node, options.stores ?? []);
    return this.#to(node, { value: options.value as AnySerde | undefined });
  }

  #same(kind: string, options: Reading, build: (scope: TaskScope, node: GraphNode) => Emit): KStream<K, V> {
    return new KStream<K, V>({
      ...this.state,
      node: this.#add(kind, options, { keepsKey: true, keepsValue: true, build }),
    });
  }

  #add(kind: string, options: Named & { readonly reads?: Reads }, node: Omit<NodeOptions, 'name'>): GraphNode {
    const { graph, origin } = this.state;
    return graph.add({
      ...node,
      name: graph.name(options.name, `${origin}-${kind}`),
      parents: [this.state.node],
      reads: options.reads,
    });
  }

  #to<K2, V2>(node: GraphNode, change: Partial<StreamState>): KStream<K2, V2> {
    return new KStream<K2, V2>({ ...this.state, node, ...change });
  }
}

function checkStream(operator: string, other: unknown): void {
  checkValue(`${operator}: what it takes`, other, {
    accepts: (value) => value instanceof KStream,
    wanted: 'a stream',
  });
}

function checkGlobalTable(operator: string, table: unknown): void {
  checkValue(`${operator}: what it takes`, table, {
    accepts: (value) => value instanceof GlobalTable,
    wanted: 'a global table',
  });
}

/** Streams are joined within windows, tables without. */
// oxlint-disable-next-line max-params -- those of the joins
function checkJoin(operator: string, other: unknown, joiner: unknown, windowsOrOptions: unknown, last: unknown): void {
  if (other instanceof KTable) {
    checkOperator(operator, { joiner }, windowsOrOptions, 'joiningTable');
    return;
  }
  checkStream(operator, other);
  checkOperator(operator, { joiner }, last, 'joiningStream');
  checkValue(`${operator}: the windows`, windowsOrOptions, {
    accepts: (value) => value instanceof JoinWindows,
    wanted: 'JoinWindows',
  });
}

/** The branches of a split stream, by name. */
export class BranchedStream<K, V> {
  readonly #stream: KStream<K, V>;
  readonly #prefix: string;
  readonly #node: GraphNode;
  readonly #predicates: ((key: unknown, value: unknown, context: RecordContext) => unknown)[] = [];
  readonly #branches = new Map<string, KStream<K, V>>();
  #hasDefault = false;

  constructor(stream: KStream<K, V>, name: string | undefined) {
    const { graph, origin, node } = stream.state;
    this.#stream = stream;
    this.#prefix = name ?? '';
    this.#node = graph.add({
      name: graph.name(name, `${origin}-split`),
      parents: [node],
      keepsKey: true,
      keepsValue: true,
      build: branch(this.#predicates, () => this.#hasDefault),
    });
  }

  /** `then`, when given, gets the branch, and what it answers stands in the result instead. */
  branch(
    predicate: (key: K, value: V, context: RecordContext) => boolean,
    options: Named & { readonly then?: (branch: KStream<K, V>) => KStream<K, V> } = {},
  ): this {
    checkOperator('branch', { predicate }, options, 'branching');
    if (this.#hasDefault) throw new MillraceError('INVALID_TOPOLOGY', 'the default branch must be the last one');
    this.#predicates.push(predicate as never);
    this.#add(`${this.#prefix}${options.name ?? this.#predicates.length}`, options.then);
    return this;
  }

  defaultBranch(
    options: Named & { readonly then?: (branch: KStream<K, V>) => KStream<K, V> } = {},
  ): Map<string, KStream<K, V>> {
    checkOperator('defaultBranch', {}, options, 'branching');
    this.#hasDefault = true;
    this.#add(`${this.#prefix}${options.name ?? 0}`, options.then);
    return this.#branches;
  }

  /** Records that match no branch are left out. */
  noDefaultBranch(): Map<string, KStream<K, V>> {
    return this.#branches;
  }

  #add(name: string, then: ((branch: KStream<K, V>) => KStream<K, V>) | undefined): void {
    const { state } = this.#stream;
    const node = state.graph.add({
      name: state.graph.name(undefined, `${this.#node.name}-${name}`),
      parents: [this.#node],
      reads: 'neither',
      keepsKey: true,
      keepsValue: true,
      build: passThrough,
    });
    const stream = new KStream<K, V>({ ...state, node });
    this.#branches.set(name, then === undefined ? stream : then(stream));
  }
}
