/** Streams whose records are grouped by key, and what can be made of the groups: one value per key, or per key and window. */
import { checkOperator, checkRetention } from '../api/checks.ts';
import type { AnySerde, GraphNode } from '../graph/node.ts';
import { KTable } from './ktable.ts';
import { repartitioned, required, type StreamState } from './stream-node.ts';
import { keyValueSpec, windowedSerde } from './table-node.ts';
import { longSerde } from './long-serde.ts';
import { aggregateStream, type Aggregation } from '../operators/aggregate.ts';
import { storeGetter } from '../operators/table-values.ts';
import { aggregateSessions } from '../operators/session-aggregate.ts';
import { aggregateSliding } from '../operators/sliding-aggregate.ts';
import { aggregateWindows, windowGetter } from '../operators/window-aggregate.ts';
import type { EmitStrategy, Materialized, Named, Reads } from '../api/options.ts';
import type { StoreSpec } from '../state/store.ts';
import { SessionWindows, SlidingWindows, TimeWindows, type Windowed } from '../api/windows.ts';
import { checkValue, oneOf } from '../../util/index.ts';

/** `reads` says what the user's functions look at; see `Reads`. */
type AggregateOptions<K, A> = Materialized<K, A> & { readonly reads?: Reads; readonly operatorName?: string };

/** Returns an aggregate; null deletes it. It may change and answer the aggregate it was given, unless the old one is needed downstream. */
type Aggregator<K, V, A> = (key: K, value: NonNullable<V>, aggregate: A) => A;

const COUNT: Aggregation = {
  initial: () => 0,
  add: (_key, _value, aggregate) => (aggregate as number) + 1,
  merge: (_key, one, other) => (one as number) + (other as number),
  reads: 'neither',
};

function reduction(reducer: (aggregate: never, value: never) => unknown): Aggregation {
  return {
    initial: null,
    add: (_key, value, aggregate) => (aggregate === null ? value : reducer(aggregate as never, value as never)),
    merge: (_key, one, other) => (one === null ? other : reducer(one as never, other as never)),
    reads: 'value',
  };
}

/** The grouped stream in front of an aggregation; its repartition topic is made once, whoever needs it first. */
class Grouping {
  readonly #state: StreamState;
  readonly #name: string | undefined;
  #placed: StreamState | undefined;

  constructor(state: StreamState, name: string | undefined) {
    this.#state = state;
    this.#name = name;
  }

  get value(): AnySerde | undefined {
    return this.#state.value;
  }

  /** A store's name, before it is known where the records come from. */
  storeName(given: string | undefined, kind: string): string {
    return this.#state.graph.storeName(given, `${this.#name ?? this.#state.origin}-${kind}`);
  }

  placed(storeName: string): StreamState {
    this.#placed ??= this.#state.moved
      ? repartitioned(this.#state, { name: this.#name, fallback: storeName, dropsNullKeys: true })
      : this.#state;
    return this.#placed;
  }
}

export class KGroupedStream<K, V> {
  readonly #grouping: Grouping;

  constructor(state: StreamState, name: string | undefined) {
    this.#grouping = new Grouping(state, name);
  }

  count(options: AggregateOptions<K, number> = {}): KTable<K, number> {
    checkOperator('count', {}, options, 'aggregating');
    return this.#aggregate('count', COUNT, { value: longSerde, ...options });
  }

  reduce(
    reducer: (aggregate: NonNullable<V>, value: NonNullable<V>) => V,
    options: AggregateOptions<K, V> = {},
  ): KTable<K, V> {
    checkOperator('reduce', { reducer }, options, 'aggregating');
    const value = this.#grouping.value as AggregateOptions<K, V>['value'] | undefined;
    return this.#aggregate('reduce', reduction(reducer as never), {
      ...(value === undefined ? {} : { value }),
      ...options,
    });
  }

  aggregate<A>(initial: () => A, add: Aggregator<K, V, A>, options: AggregateOptions<K, A>): KTable<K, A> {
    checkOperator('aggregate', { initial, add }, options, 'aggregating');
    return this.#aggregate(
      'aggregate',
      { initial, add: add as never, merge: null, reads: options.reads ?? 'both' },
      options,
    );
  }

  /** Several grouped streams into one aggregate, each with its own function. */
  cogroup<A>(add: Aggregator<K, V, A>): CogroupedStream<K, A> {
    checkOperator('cogroup', { add }, undefined, 'named');
    return new CogroupedStream<K, A>([{ grouping: this.#grouping, add: add as never }]);
  }

  windowedBy(windows: TimeWindows): TimeWindowedKStream<K, V>;
  windowedBy(windows: SlidingWindows): TimeWindowedKStream<K, V>;
  windowedBy(windows: SessionWindows): SessionWindowedKStream<K, V>;
  windowedBy(
    windows: TimeWindows | SlidingWindows | SessionWindows,
  ): TimeWindowedKStream<K, V> | SessionWindowedKStream<K, V> {
    checkValue('windowedBy: the windows', windows, {
      accepts: (value) =>
        value instanceof TimeWindows || value instanceof SlidingWindows || value instanceof SessionWindows,
      wanted: 'TimeWindows, SlidingWindows or SessionWindows',
    });
    if (windows instanceof SessionWindows)
      return new SessionWindowedKStream<K, V>(this.#grouping, windows, 'onWindowUpdate');
    return new TimeWindowedKStream<K, V>(this.#grouping, windows, 'onWindowUpdate');
  }

  /** For `cogroup`. */
  get grouping(): Grouping {
    return this.#grouping;
  }

  #aggregate<A>(kind: string, aggregation: Aggregation, options: AggregateOptions<K, A>): KTable<K, A> {
    const name = this.#grouping.storeName(options.name, kind);
    const stream = this.#grouping.placed(name);
    return aggregatedTable<K, A>([{ stream, aggregation: withReads(aggregation, options) }], name, options);
  }
}

function withReads(aggregation: Aggregation, options: { readonly reads?: Reads }): Aggregation {
  return options.reads === undefined ? aggregation : { ...aggregation, reads: options.reads };
}

function aggregatedTable<K, A>(
  inputs: readonly { readonly stream: StreamState; readonly aggregation: Aggregation }[],
  name: string,
  options: AggregateOptions<K, A>,
): KTable<K, A> {
  const { graph } = inputs[0]!.stream;
  const key = required((options.key as AnySerde | undefined) ?? inputs[0]!.stream.key, 'key', name);
  const value = required(options.value as AnySerde | undefined, 'value', name);
  const spec = keyValueSpec(name, key, value, options as Materialized<unknown, unknown>);
  let sendsOld = false;
  const nodes = inputs.map(({ stream, aggregation }) =>
    graph.add({
      name: graph.name(inputs.length === 1 ? options.operatorName : undefined, `${name}-aggregate`),
      parents: [stream.node],
      stores: [spec],
      reads: aggregation.reads,
      keepsKey: true,
      keyBytesAs: key,
      ownKeySerde: key,
      build: aggregateStream(spec, aggregation, () => sendsOld),
    }),
  );
  if (nodes.length > 1) graph.copartitioned.push({ operator: name, inputs: nodes });
  return new KTable<K, A>({
    graph,
    node: merged(graph, nodes, name),
    key,
    value,
    moved: false,
    origin: name,
    store: () => spec,
    getter: () => storeGetter(spec),
    sendsOld: () => sendsOld,
    enableOldValues: () => {
      sendsOld = true;
    },
  });
}

/** One node behind several that feed the same table. */
function merged(graph: StreamState['graph'], nodes: readonly GraphNode[], name: string): GraphNode {
  if (nodes.length === 1) return nodes[0]!;
  return graph.add({
    name: graph.name(undefined, `${name}-merge`),
    parents: nodes,
    reads: 'neither',
    keepsKey: true,
    keepsValue: true,
    build: (scope, node) => scope.forwardChange(node),
  });
}

export class TimeWindowedKStream<K, V> {
  readonly #grouping: Grouping;
  readonly #windows: TimeWindows | SlidingWindows;
  readonly #emit: EmitStrategy;

  constructor(grouping: Grouping, windows: TimeWindows | SlidingWindows, emit: EmitStrategy) {
    this.#grouping = grouping;
    this.#windows = windows;
    this.#emit = emit;
  }

  emitStrategy(strategy: EmitStrategy): TimeWindowedKStream<K, V> {
    checkValue('emitStrategy: the strategy', strategy, oneOf('onWindowUpdate', 'onWindowClose'));
    return new TimeWindowedKStream<K, V>(this.#grouping, this.#windows, strategy);
  }

  count(options: AggregateOptions<K, number> = {}): KTable<Windowed<K>, number> {
    checkOperator('count', {}, options, 'aggregating');
    return this.#aggregate('count', COUNT, { value: longSerde, ...options });
  }

  reduce(
    reducer: (aggregate: NonNullable<V>, value: NonNullable<V>) => V,
    options: AggregateOptions<K, V> = {},
  ): KTable<Windowed<K>, V> {
    checkOperator('reduce', { reducer }, options, 'aggregating');
    const value = this.#grouping.value as AggregateOptions<K, V>['value'] | undefined;
    return this.#aggregate('reduce', reduction(reducer as never), {
      ...(value === undefined ? {} : { value }),
      ...options,
    });
  }

  aggregate<A>(initial: () => A, add: Aggregator<K, V, A>, options: AggregateOptions<K, A>): KTable<Windowed<K>, A> {
    checkOperator('aggregate', { initial, add }, options, 'aggregating');
    return this.#aggregate(
      'aggregate',
      { initial, add: add as never, merge: null, reads: options.reads ?? 'both' },
      options,
    );
  }

  #aggregate<A>(kind: string, aggregation: Aggregation, options: AggregateOptions<K, A>): KTable<Windowed<K>, A> {
    const windows = this.#windows;
    const sliding = windows instanceof SlidingWindows;
    const sizeMs = sliding ? windows.timeDifferenceMs : windows.sizeMs;
    const name = this.#grouping.storeName(options.name, `${sliding ? 'sliding' : 'windowed'}-${kind}`);
    const stream = this.#grouping.placed(name);
    const spec = windowedSpec(sliding ? 'sliding' : 'window', name, stream, options as Materialized<unknown, unknown>, {
      sizeMs,
      // A late record looks for the one before it up to two lengths back.
      atLeastMs: (sliding ? 2 : 1) * sizeMs + windows.graceMs,
      // Spans are kept by their ends, and the newest one ends a length behind the newest record.
      extraMs: sliding ? sizeMs + 1 : 0,
    });
    const used = withReads(aggregation, options);
    return windowedTable<K, A>(stream, spec, {
      operatorName: options.operatorName,
      reads: used.reads,
      graceMs: windows.graceMs,
      sizeMs,
      build: (sendsOld) =>
        sliding
          ? aggregateSliding({ spec, windows, aggregation: used, strategy: this.#emit, sendsOld })
          : aggregateWindows({ spec, windows, aggregation: used, strategy: this.#emit, sendsOld }),
    });
  }
}

export class SessionWindowedKStream<K, V> {
  readonly #grouping: Grouping;
  readonly #windows: SessionWindows;
  readonly #emit: EmitStrategy;

  constructor(grouping: Grouping, windows: SessionWindows, emit: EmitStrategy) {
    this.#grouping = grouping;
    this.#windows = windows;
    this.#emit = emit;
  }

  emitStrategy(strategy: EmitStrategy): SessionWindowedKStream<K, V> {
    checkValue('emitStrategy: the strategy', strategy, oneOf('onWindowUpdate', 'onWindowClose'));
    return new SessionWindowedKStream<K, V>(this.#grouping, this.#windows, strategy);
  }

  count(options: AggregateOptions<K, number> = {}): KTable<Windowed<K>, number> {
    checkOperator('count', {}, options, 'aggregating');
    return this.#aggregate('count', COUNT, { value: longSerde, ...options });
  }

  reduce(
    reducer: (aggregate: NonNullable<V>, value: NonNullable<V>) => V,
    options: AggregateOptions<K, V> = {},
  ): KTable<Windowed<K>, V> {
    checkOperator('reduce', { reducer }, options, 'aggregating');
    const value = this.#grouping.value as AggregateOptions<K, V>['value'] | undefined;
    return this.#aggregate('reduce', reduction(reducer as never), {
      ...(value === undefined ? {} : { value }),
      ...options,
    });
  }

  /** `merge` makes one aggregate of those of two sessions that a record joined. */
  aggregate<A>(
    initial: () => A,
    add: Aggregator<K, V, A>,
    merge: (key: K, one: A, other: A) => A,
    options: AggregateOptions<K, A>,
  ): KTable<Windowed<K>, A> {
    checkOperator('aggregate', { initial, add, merge }, options, 'aggregating');
    const aggregation = { initial, add: add as never, merge: merge as never, reads: options.reads ?? 'both' } as const;
    return this.#aggregate('aggregate', aggregation, options);
  }

  #aggregate<A>(kind: string, aggregation: Aggregation, options: AggregateOptions<K, A>): KTable<Windowed<K>, A> {
    const windows = this.#windows;
    const name = this.#grouping.storeName(options.name, `session-${kind}`);
    const stream = this.#grouping.placed(name);
    const spec = windowedSpec('session', name, stream, options as Materialized<unknown, unknown>, {
      sizeMs: null,
      atLeastMs: windows.gapMs + windows.graceMs,
      extraMs: 0,
    });
    const used = withReads(aggregation, options);
    return windowedTable<K, A>(stream, spec, {
      operatorName: options.operatorName,
      reads: used.reads,
      graceMs: windows.graceMs + windows.gapMs,
      sizeMs: null,
      build: (sendsOld) => aggregateSessions({ spec, windows, aggregation: used, strategy: this.#emit, sendsOld }),
    });
  }
}

function windowedSpec(
  kind: 'window' | 'sliding' | 'session',
  name: string,
  stream: StreamState,
  options: Materialized<unknown, unknown>,
  window: { readonly sizeMs: number | null; readonly atLeastMs: number; readonly extraMs: number },
): StoreSpec {
  const retentionMs = options.retentionMs ?? window.atLeastMs;
  checkRetention(name, retentionMs, window.atLeastMs);
  return {
    kind,
    name,
    key: required((options.key as AnySerde | undefined) ?? stream.key, 'key', name),
    value: required(options.value as AnySerde | undefined, 'value', name),
    logging: options.logging ?? true,
    caching: options.caching,
    storeType: options.storeType,
    retentionMs: retentionMs + window.extraMs,
    ...(window.sizeMs === null ? {} : { windowSizeMs: window.sizeMs }),
    topicConfig: options.topicConfig,
  };
}

interface WindowedAggregate {
  readonly operatorName: string | undefined;
  readonly reads: Aggregation['reads'];
  /** How long after its end a window may still change. */
  readonly graceMs: number;
  /** Null for sessions. */
  readonly sizeMs: number | null;
  readonly build: (sendsOld: () => boolean) => NonNullable<GraphNode['build']>;
}

function windowedTable<K, A>(
  stream: StreamState,
  spec: StoreSpec,
  { operatorName, reads, graceMs, sizeMs, build }: WindowedAggregate,
): KTable<Windowed<K>, A> {
  const { graph } = stream;
  const key = windowedSerde(spec.key, sizeMs);
  let sendsOld = false;
  const node = graph.add({
    name: graph.name(operatorName, `${spec.name}-aggregate`),
    parents: [stream.node],
    stores: [spec],
    reads,
    keyBytesAs: spec.key,
    ownKeySerde: key,
    build: build(() => sendsOld),
  });
  return new KTable<Windowed<K>, A>({
    graph,
    node,
    key,
    value: spec.value,
    moved: false,
    origin: spec.name,
    windowGraceMs: graceMs,
    store: () => spec,
    getter: () => windowGetter(spec),
    sendsOld: () => sendsOld,
    enableOldValues: () => {
      sendsOld = true;
    },
  });
}

/** Several grouped streams with equal keys that feed one aggregate. */
export class CogroupedStream<K, A> {
  readonly #inputs: readonly { readonly grouping: Grouping; readonly add: Aggregation['add'] }[];

  constructor(inputs: readonly { readonly grouping: Grouping; readonly add: Aggregation['add'] }[]) {
    this.#inputs = inputs;
  }

  cogroup<V>(other: KGroupedStream<K, V>, add: Aggregator<K, V, A>): CogroupedStream<K, A> {
    checkOperator('cogroup', { add }, undefined, 'named');
    checkValue('cogroup: what it takes', other, {
      accepts: (value) => value instanceof KGroupedStream,
      wanted: 'a grouped stream',
    });
    return new CogroupedStream<K, A>([...this.#inputs, { grouping: other.grouping, add: add as never }]);
  }

  aggregate(initial: () => A, options: AggregateOptions<K, A> & Named): KTable<K, A> {
    checkOperator('aggregate', { initial }, options, 'aggregating');
    const name = this.#inputs[0]!.grouping.storeName(options.name, 'cogroup');
    const inputs = this.#inputs.map(({ grouping, add }, i) => ({
      stream: grouping.placed(i === 0 ? name : `${name}-${i + 1}`),
      aggregation: { initial, add, merge: null, reads: options.reads ?? 'both' } as const,
    }));
    return aggregatedTable<K, A>(inputs, name, options);
  }
}
