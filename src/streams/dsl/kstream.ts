/** Streams as they stand in the graph. What each method does is said in `api/dsl.ts`. */
import { checkAsyncOperator, checkOperator, checkTopicName } from '../api/checks.ts';
import type { RecordContext } from '../api/context.ts';
import type { Named, Reading, Reads } from '../api/options.ts';
import { JoinWindows } from '../api/windows.ts';
import type { Emit, GraphNode, NodeOptions, TaskScope } from '../graph/node.ts';
import { asyncPairs, asyncProcess, asyncValue } from '../operators/async.ts';
import { asyncOperator } from '../operators/async-calls.ts';
import { processorOperator } from '../operators/process.ts';
import { sink, sinkNeeds } from '../operators/sink.ts';
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
import type { JoinKind } from '../operators/stream-join.ts';
import { checkValue, type ByteWriter, MillraceError } from '../../util/index.ts';
import { GlobalTableImpl } from './global-table.ts';
import { KGroupedStreamImpl } from './grouped.ts';
import { KTableImpl } from './ktable.ts';
import { joinStreams, joinWithGlobalTable, joinWithTable } from './stream-joins.ts';
import { connectStores, placed, repartitioned, required, type StreamState } from './stream-node.ts';
import { tableFromStream } from './table-node.ts';
import type {
  AnyAsyncProcessor,
  AnyBranchedStream,
  AnyGlobalTable,
  AnyGrouped,
  AnyGroupedStream,
  AnyJoined,
  AnyJoiner,
  AnyMaterialized,
  AnyProcessorSupplier,
  AnyProduced,
  AnyRepartitioned,
  AnyStream,
  AnyStreamJoined,
  AnyTable,
  AnyValueProcessorSupplier,
  AsyncMapper,
  Awaiting,
  KeySelector,
  Mapper,
  Mapping,
  Serdes,
} from './untyped.ts';

type Pairs = Iterable<readonly [unknown, unknown]>;

export class KStreamImpl implements AnyStream {
  readonly state: StreamState;

  constructor(state: StreamState) {
    this.state = state;
  }

  filter(predicate: Mapper, options: Reading = {}): AnyStream {
    checkOperator('filter', { predicate }, options, 'reading');
    return this.#same('filter', options, filter(predicate, true));
  }

  filterNot(predicate: Mapper, options: Reading = {}): AnyStream {
    checkOperator('filterNot', { predicate }, options, 'reading');
    return this.#same('filter', options, filter(predicate, false));
  }

  selectKey(mapper: Mapper, options: Mapping = {}): AnyStream {
    checkOperator('selectKey', { mapper }, options, 'mapping');
    const node = this.#add('select-key', options, { keepsValue: true, emitsEach: true, build: selectKey(mapper) });
    return this.#to(node, { key: options.key, moved: true });
  }

  map(mapper: Mapper<readonly [unknown, unknown]>, options: Mapping = {}): AnyStream {
    checkOperator('map', { mapper }, options, 'mapping');
    const node = this.#add('map', options, { emitsEach: true, build: map(mapper) });
    return this.#to(node, { key: options.key, value: options.value, moved: true });
  }

  mapValues(mapper: Mapper, options: Mapping = {}): AnyStream {
    checkOperator('mapValues', { mapper }, options, 'mapping');
    const node = this.#add('map-values', options, { keepsKey: true, emitsEach: true, build: mapValues(mapper) });
    return this.#to(node, { value: options.value });
  }

  mapValueBytes(
    transform: (bytes: Buffer, start: number, end: number, out: ByteWriter, context: RecordContext) => boolean,
    options: Named & Required<Pick<Serdes, 'value'>>,
  ): AnyStream {
    checkOperator('mapValueBytes', { transform }, options, 'mapping');
    const before = required(this.state.value, 'value', 'map-value-bytes');
    const { value } = options;
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

  flatMap(mapper: Mapper<Pairs>, options: Mapping = {}): AnyStream {
    checkOperator('flatMap', { mapper }, options, 'mapping');
    const node = this.#add('flat-map', options, { build: flatMap(mapper) });
    return this.#to(node, { key: options.key, value: options.value, moved: true });
  }

  flatMapValues(mapper: Mapper<Iterable<unknown>>, options: Mapping = {}): AnyStream {
    checkOperator('flatMapValues', { mapper }, options, 'mapping');
    const node = this.#add('flat-map-values', options, {
      keepsKey: true,
      build: flatMapValues(mapper),
    });
    return this.#to(node, { value: options.value });
  }

  mapValuesAsync(mapper: AsyncMapper, options: Awaiting = {}): AnyStream {
    checkAsyncOperator('mapValuesAsync', { mapper }, options, 'awaitingValue');
    const node = this.#addAsync('map-values-async', options, true, () => asyncValue(mapper));
    return this.#to(node, { value: options.value });
  }

  flatMapAsync(mapper: AsyncMapper<Pairs>, options: Awaiting = {}): AnyStream {
    checkAsyncOperator('flatMapAsync', { mapper }, options, 'awaiting');
    const node = this.#addAsync('flat-map-async', options, false, () => asyncPairs(mapper));
    return this.#to(node, { key: options.key, value: options.value, moved: true });
  }

  processAsync(process: AnyAsyncProcessor, options: Awaiting = {}): AnyStream {
    checkAsyncOperator('processAsync', { process }, options, 'awaiting');
    const node = this.#addAsync('process-async', options, false, asyncProcess(process));
    connectStores(this.state.graph, node, options.stores ?? []);
    return this.#to(node, { key: options.key, value: options.value, moved: true });
  }

  peek(action: Mapper, options: Reading = {}): AnyStream {
    checkOperator('peek', { action }, options, 'reading');
    return this.#same('peek', options, peek(action), true);
  }

  foreach(action: Mapper, options: Reading = {}): void {
    checkOperator('foreach', { action }, options, 'reading');
    this.#add('foreach', options, { emitsEach: true, build: peek(action) });
  }

  split(options: Named = {}): AnyBranchedStream {
    checkOperator('split', {}, options, 'named');
    return new BranchedStreamImpl(this.state, options.name);
  }

  merge(other: AnyStream, options: Named = {}): AnyStream {
    checkOperator('merge', {}, options, 'named');
    const { state } = this;
    const added = streamState('merge', other);
    const node = state.graph.add({
      name: state.graph.name(options.name, `${state.origin}-merge`),
      parents: [state.node, added.node],
      reads: 'neither',
      keepsKey: true,
      keepsValue: true,
      emitsEach: true,
      build: passThrough,
    });
    return new KStreamImpl({
      ...state,
      node,
      key: state.key ?? added.key,
      value: state.value ?? added.value,
      moved: state.moved || added.moved,
    });
  }

  repartition(options: AnyRepartitioned = {}): AnyStream {
    checkOperator('repartition', {}, options, 'repartitioning');
    const { graph, origin } = this.state;
    return new KStreamImpl(
      repartitioned(this.state, {
        ...options,
        name: options.name,
        fallback: options.name ?? graph.storeName(undefined, origin, 'repartition'),
        dropsNullKeys: false,
      }),
    );
  }

  to(topic: string | Mapper<string>, options: AnyProduced = {}): void {
    checkOperator('to', typeof topic === 'string' ? {} : { topic }, options, 'producing');
    if (typeof topic === 'string') checkTopicName('to', topic);
    const { state } = this;
    const derived = typeof topic === 'string' ? `${topic}-sink` : `${state.origin}-sink`;
    const name = state.graph.name(options.name, derived);
    const key = required(options.key ?? state.key, 'key', name);
    const value = required(options.value ?? state.value, 'value', name);
    const needsBoth = typeof topic !== 'string' || options.partitioner !== undefined || options.timestamp !== undefined;
    state.graph.add({
      name,
      parents: [state.node],
      sink: { topic, key, value },
      ...sinkNeeds(key, value, { isShared: true, readsBoth: needsBoth }),
      build: sink({
        topic: typeof topic === 'string' ? { fixed: topic } : { choose: topic },
        key,
        value,
        partitioner: options.partitioner,
        timestamp: options.timestamp,
      }),
    });
  }

  through(topic: string, options: AnyProduced = {}): AnyStream {
    this.to(topic, options);
    const { graph, key: ownKey, value: ownValue } = this.state;
    const key = options.key ?? ownKey!;
    const value = options.value ?? ownValue!;
    const node = graph.addSource(undefined, { topics: [topic], key, value });
    return new KStreamImpl({ graph, node, key, value, moved: false, origin: topic });
  }

  toTable(materialized: AnyMaterialized & Named = {}): AnyTable {
    checkOperator('toTable', {}, materialized, 'materialized');
    const { graph, origin } = this.state;
    const store = graph.storeName(materialized.name, origin, 'to-table');
    const state = placed(this.state, store, materialized.key, materialized.value);
    return new KTableImpl(tableFromStream(state, store, materialized));
  }

  groupBy(selector: Mapper, options: AnyGrouped = {}): AnyGroupedStream {
    checkOperator('groupBy', { selector }, options, 'grouping');
    const stream = this.selectKey(selector, {
      ...(options.reads === undefined ? {} : { reads: options.reads }),
      ...(options.key === undefined ? {} : { key: options.key }),
    });
    return stream.groupByKey(options);
  }

  groupByKey(options: AnyGrouped = {}): AnyGroupedStream {
    checkOperator('groupByKey', {}, options, 'grouping');
    const { state } = this;
    return new KGroupedStreamImpl(
      { ...state, key: options.key ?? state.key, value: options.value ?? state.value },
      options.name,
    );
  }

  join(
    other: AnyStream | AnyTable,
    joiner: AnyJoiner,
    windowsOrOptions?: JoinWindows | AnyJoined,
    options?: AnyStreamJoined,
  ): AnyStream {
    return other instanceof KTableImpl
      ? this.#joinTable('join', other, joiner, 'inner', windowsOrOptions as AnyJoined | undefined)
      : this.#joinStream('join', other, { joiner, kind: 'inner', windows: windowsOrOptions }, options);
  }

  leftJoin(
    other: AnyStream | AnyTable,
    joiner: AnyJoiner,
    windowsOrOptions?: JoinWindows | AnyJoined,
    options?: AnyStreamJoined,
  ): AnyStream {
    return other instanceof KTableImpl
      ? this.#joinTable('leftJoin', other, joiner, 'left', windowsOrOptions as AnyJoined | undefined)
      : this.#joinStream('leftJoin', other, { joiner, kind: 'left', windows: windowsOrOptions }, options);
  }

  outerJoin(other: AnyStream, joiner: AnyJoiner, windows: JoinWindows, options?: AnyStreamJoined): AnyStream {
    return this.#joinStream('outerJoin', other, { joiner, kind: 'outer', windows }, options);
  }

  joinGlobal(table: AnyGlobalTable, keySelector: KeySelector, joiner: AnyJoiner, options: Named = {}): AnyStream {
    return this.#joinGlobal('joinGlobal', table, { keySelector, joiner, kind: 'inner' }, options);
  }

  leftJoinGlobal(table: AnyGlobalTable, keySelector: KeySelector, joiner: AnyJoiner, options: Named = {}): AnyStream {
    return this.#joinGlobal('leftJoinGlobal', table, { keySelector, joiner, kind: 'left' }, options);
  }

  process(
    supplier: AnyProcessorSupplier,
    options: Named & Serdes & { readonly stores?: readonly string[] } = {},
  ): AnyStream {
    checkOperator('process', { supplier }, options, 'processing');
    const node = this.#add('process', options, { build: processorOperator(supplier) });
    connectStores(this.state.graph, node, options.stores ?? []);
    return this.#to(node, { key: options.key, value: options.value, moved: true });
  }

  processValues(
    supplier: AnyValueProcessorSupplier,
    options: Named & Serdes & { readonly stores?: readonly string[] } = {},
  ): AnyStream {
    checkOperator('processValues', { supplier }, options, 'processing');
    const node = this.#add('process-values', options, { build: processorOperator(supplier as never) });
    connectStores(this.state.graph, node, options.stores ?? []);
    return this.#to(node, { value: options.value });
  }

  #joinStream(
    operator: string,
    other: unknown,
    join: { readonly joiner: AnyJoiner; readonly kind: JoinKind; readonly windows: unknown },
    options: AnyStreamJoined | undefined,
  ): AnyStream {
    const { joiner, kind, windows } = join;
    const right = streamState(operator, other);
    checkOperator(operator, { joiner }, options, 'joiningStream');
    checkValue(`${operator}: the windows`, windows, {
      accepts: (value) => value instanceof JoinWindows,
      wanted: 'JoinWindows',
    });
    return new KStreamImpl(joinStreams(this.state, right, { joiner, kind, windows: windows as JoinWindows }, options));
  }

  #joinTable(
    operator: string,
    table: KTableImpl,
    joiner: AnyJoiner,
    kind: 'inner' | 'left',
    options: AnyJoined | undefined,
  ): AnyStream {
    checkOperator(operator, { joiner }, options, 'joiningTable');
    return new KStreamImpl(joinWithTable(this.state, table.state, joiner, kind, options));
  }

  #joinGlobal(
    operator: string,
    table: AnyGlobalTable,
    join: { readonly keySelector: KeySelector; readonly joiner: AnyJoiner; readonly kind: 'inner' | 'left' },
    options: Named,
  ): AnyStream {
    const { keySelector, joiner } = join;
    checkOperator(operator, { keySelector, joiner }, options, 'named');
    checkValue(`${operator}: what it takes`, table, {
      accepts: (value) => value instanceof GlobalTableImpl,
      wanted: 'a global table',
    });
    return new KStreamImpl(joinWithGlobalTable(this.state, (table as GlobalTableImpl).spec, join, options));
  }

  #same(
    kind: string,
    options: Reading,
    build: (scope: TaskScope, node: GraphNode) => Emit,
    emitsEach = false,
  ): AnyStream {
    return this.#to(this.#add(kind, options, { keepsKey: true, keepsValue: true, emitsEach, build }), {});
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

  /** Where keys have their turns, their bytes are needed. */
  #addAsync(kind: string, options: Awaiting, keepsKey: boolean, make: Parameters<typeof asyncOperator>[0]): GraphNode {
    const { key } = this.state;
    const { order = 'key', name } = options;
    return this.#add(kind, options, {
      keepsKey,
      keyBytesAs: order === 'key' ? required(key, 'key', `${name ?? kind} (order: 'key')`) : null,
      build: asyncOperator(make, options),
    });
  }

  #to(node: GraphNode, change: Partial<StreamState>): AnyStream {
    return new KStreamImpl({ ...this.state, node, ...change });
  }
}

function streamState(operator: string, other: unknown): StreamState {
  checkValue(`${operator}: what it takes`, other, {
    accepts: (value) => value instanceof KStreamImpl,
    wanted: 'a stream',
  });
  return (other as KStreamImpl).state;
}

type BranchOptions = Named & { readonly then?: (branch: AnyStream) => AnyStream };

class BranchedStreamImpl implements AnyBranchedStream {
  readonly #stream: StreamState;
  readonly #prefix: string;
  readonly #node: GraphNode;
  readonly #predicates: Mapper[] = [];
  readonly #branches = new Map<string, AnyStream>();
  #hasDefault = false;

  constructor(stream: StreamState, name: string | undefined) {
    const { graph, origin, node } = stream;
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

  branch(predicate: Mapper, options: BranchOptions = {}): this {
    checkOperator('branch', { predicate }, options, 'branching');
    if (this.#hasDefault) throw new MillraceError('INVALID_TOPOLOGY', 'the default branch must be the last one');
    this.#predicates.push(predicate);
    this.#add(`${this.#prefix}${options.name ?? this.#predicates.length}`, options.then);
    return this;
  }

  defaultBranch(options: BranchOptions = {}): Map<string, AnyStream> {
    checkOperator('defaultBranch', {}, options, 'branching');
    this.#hasDefault = true;
    this.#add(`${this.#prefix}${options.name ?? 0}`, options.then);
    return this.#branches;
  }

  noDefaultBranch(): Map<string, AnyStream> {
    return this.#branches;
  }

  #add(name: string, then: BranchOptions['then']): void {
    const { graph } = this.#stream;
    const node = graph.add({
      name: graph.name(undefined, `${this.#node.name}-${name}`),
      parents: [this.#node],
      reads: 'neither',
      keepsKey: true,
      keepsValue: true,
      emitsEach: true,
      build: passThrough,
    });
    const stream = new KStreamImpl({ ...this.#stream, node });
    this.#branches.set(name, then === undefined ? stream : then(stream));
  }
}
