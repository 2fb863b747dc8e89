/** Grouped streams as they stand in the graph. What each method does is said in `api/dsl.ts`. */
import { checkOperator, checkRetention } from '../api/checks.ts';
import type { AnySerde, GraphNode } from '../graph/node.ts';
import { KTableImpl } from './ktable.ts';
import { repartitioned, required, type StreamState } from './stream-node.ts';
import { keyValueSpec, windowedSerde } from './table-node.ts';
import { longSerde } from '../../serde/index.ts';
import { aggregateStream, type Aggregation } from '../operators/aggregate.ts';
import { storeGetter } from '../operators/table-values.ts';
import { aggregateSessions } from '../operators/session-aggregate.ts';
import { aggregateSliding } from '../operators/sliding-aggregate.ts';
import { type AlignedWindows, aggregateWindows, windowGetter } from '../operators/window-aggregate.ts';
import type { EmitStrategy, Named, Reads, WindowTime } from '../api/options.ts';
import type { StoreSpec } from '../state/store.ts';
import { SessionWindows, SlidingWindows, TimeWindows, UnlimitedWindows, Windows } from '../api/windows.ts';
import type {
  Adder,
  AnyAggregateOptions,
  AnyCogroupedStream,
  AnyGroupedStream,
  AnyMaterialized,
  AnySessionWindowedCogroup,
  AnySessionWindowedStream,
  AnyTable,
  AnyTimeWindowedCogroup,
  AnyTimeWindowedStream,
  Reduction,
} from './untyped.ts';
import { checkOptions, checkValue, MillraceError, oneOf, wholeNumber } from '../../util/index.ts';

const COUNT: Aggregation = {
  initial: () => 0,
  add: (_key, _value, aggregate) => (aggregate as number) + 1,
  merge: (_key, one, other) => (one as number) + (other as number),
  reads: 'neither',
};

function reduction(reducer: Reduction): Aggregation {
  return {
    initial: null,
    add: (_key, value, aggregate) => (aggregate === null ? value : reducer(aggregate, value)),
    merge: (_key, one, other) => (one === null ? other : reducer(one, other)),
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
    const { graph, origin } = this.#state;
    return graph.storeName(given, this.#name ?? origin, kind, (given ?? this.#name) !== undefined);
  }

  placed(storeName: string): StreamState {
    this.#placed ??= this.#state.moved
      ? repartitioned(this.#state, { name: this.#name, fallback: storeName, dropsNullKeys: true })
      : this.#state;
    return this.#placed;
  }
}

export class KGroupedStreamImpl implements AnyGroupedStream {
  readonly #grouping: Grouping;

  constructor(state: StreamState, name: string | undefined) {
    this.#grouping = new Grouping(state, name);
  }

  count(options: AnyAggregateOptions = {}): AnyTable {
    checkOperator('count', {}, options, 'aggregating');
    return this.#aggregate('count', COUNT, { value: longSerde, ...options });
  }

  reduce(reducer: Reduction, options: AnyAggregateOptions = {}): AnyTable {
    checkOperator('reduce', { reducer }, options, 'aggregating');
    const value = this.#grouping.value;
    return this.#aggregate('reduce', reduction(reducer), {
      ...(value === undefined ? {} : { value }),
      ...options,
    });
  }

  aggregate(initial: () => unknown, add: Adder, options: AnyAggregateOptions): AnyTable {
    checkOperator('aggregate', { initial, add }, options, 'aggregating');
    return this.#aggregate('aggregate', { initial, add: add, merge: null, reads: options.reads ?? 'both' }, options);
  }

  cogroup(add: Adder): AnyCogroupedStream {
    checkOperator('cogroup', { add }, undefined, 'named');
    return new CogroupedStreamImpl([{ grouping: this.#grouping, add: add }]);
  }

  windowedBy(windows: AlignedWindows, time?: WindowTime): AnyTimeWindowedStream;
  windowedBy(windows: SlidingWindows, time?: WindowTime): AnyTimeWindowedStream;
  windowedBy(windows: SessionWindows, time?: WindowTime): AnySessionWindowedStream;
  windowedBy(
    windows: AlignedWindows | SlidingWindows | SessionWindows,
    time: WindowTime = {},
  ): AnyTimeWindowedStream | AnySessionWindowedStream {
    checkWindows(windows);
    checkOptions('windowedBy', time, { time: oneOf('event', 'processing'), idleMs: wholeNumber(1) });
    const strategy = 'onWindowUpdate';
    if (windows instanceof SessionWindows)
      return new SessionWindowedKStreamImpl(this.#grouping, { windows, strategy, time });
    return new TimeWindowedKStreamImpl(this.#grouping, { windows, strategy, time });
  }

  /** For `cogroup`. */
  get grouping(): Grouping {
    return this.#grouping;
  }

  #aggregate(kind: string, aggregation: Aggregation, options: AnyAggregateOptions): AnyTable {
    const name = this.#grouping.storeName(options.name, kind);
    const stream = this.#grouping.placed(name);
    return aggregatedTable([{ stream, aggregation: withReads(aggregation, options) }], name, options);
  }
}

function checkWindows(windows: unknown): void {
  checkValue('windowedBy: the windows', windows, {
    accepts: (value) =>
      value instanceof TimeWindows ||
      value instanceof UnlimitedWindows ||
      value instanceof Windows ||
      value instanceof SlidingWindows ||
      value instanceof SessionWindows,
    wanted: 'TimeWindows, UnlimitedWindows, SlidingWindows, SessionWindows, or Windows of your own',
  });
}

function withReads(aggregation: Aggregation, options: { readonly reads?: Reads }): Aggregation {
  return options.reads === undefined ? aggregation : { ...aggregation, reads: options.reads };
}

function aggregatedTable(inputs: readonly AggregateInput[], name: string, options: AnyAggregateOptions): AnyTable {
  const { graph } = inputs[0]!.stream;
  const key = required(options.key ?? inputs[0]!.stream.key, 'key', name);
  const value = required(options.value, 'value', name);
  const spec = keyValueSpec(name, key, value, options);
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
  return new KTableImpl({
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
    enableKeptOldValues: () => {
      sendsOld = true;
      return true;
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

class TimeWindowedKStreamImpl implements AnyTimeWindowedStream {
  readonly #grouping: Grouping;
  readonly #windowing: Windowing<AlignedWindows | SlidingWindows>;

  constructor(grouping: Grouping, windowing: Windowing<AlignedWindows | SlidingWindows>) {
    this.#grouping = grouping;
    this.#windowing = windowing;
  }

  emitStrategy(strategy: EmitStrategy): AnyTimeWindowedStream {
    checkValue('emitStrategy: the strategy', strategy, oneOf('onWindowUpdate', 'onWindowClose'));
    if (strategy === 'onWindowClose' && this.#windowing.windows instanceof UnlimitedWindows) {
      throw new MillraceError('INVALID_ARGUMENT', 'emitStrategy: unlimited windows never close');
    }
    return new TimeWindowedKStreamImpl(this.#grouping, { ...this.#windowing, strategy });
  }

  count(options: AnyAggregateOptions = {}): AnyTable {
    checkOperator('count', {}, options, 'aggregating');
    return this.#aggregate('count', COUNT, { value: longSerde, ...options });
  }

  reduce(reducer: Reduction, options: AnyAggregateOptions = {}): AnyTable {
    checkOperator('reduce', { reducer }, options, 'aggregating');
    const value = this.#grouping.value;
    return this.#aggregate('reduce', reduction(reducer), {
      ...(value === undefined ? {} : { value }),
      ...options,
    });
  }

  aggregate(initial: () => unknown, add: Adder, options: AnyAggregateOptions): AnyTable {
    checkOperator('aggregate', { initial, add }, options, 'aggregating');
    return this.#aggregate('aggregate', { initial, add: add, merge: null, reads: options.reads ?? 'both' }, options);
  }

  #aggregate(kind: string, aggregation: Aggregation, options: AnyAggregateOptions): AnyTable {
    const prefix = this.#windowing.windows instanceof SlidingWindows ? 'sliding' : 'windowed';
    const name = this.#grouping.storeName(options.name, `${prefix}-${kind}`);
    const input = { stream: this.#grouping.placed(name), aggregation };
    return tableOfWindows([input], name, options, this.#windowing);
  }
}

class SessionWindowedKStreamImpl implements AnySessionWindowedStream {
  readonly #grouping: Grouping;
  readonly #windowing: Windowing<SessionWindows>;

  constructor(grouping: Grouping, windowing: Windowing<SessionWindows>) {
    this.#grouping = grouping;
    this.#windowing = windowing;
  }

  emitStrategy(strategy: EmitStrategy): AnySessionWindowedStream {
    checkValue('emitStrategy: the strategy', strategy, oneOf('onWindowUpdate', 'onWindowClose'));
    return new SessionWindowedKStreamImpl(this.#grouping, { ...this.#windowing, strategy });
  }

  count(options: AnyAggregateOptions = {}): AnyTable {
    checkOperator('count', {}, options, 'aggregating');
    return this.#aggregate('count', COUNT, { value: longSerde, ...options });
  }

  reduce(reducer: Reduction, options: AnyAggregateOptions = {}): AnyTable {
    checkOperator('reduce', { reducer }, options, 'aggregating');
    const value = this.#grouping.value;
    return this.#aggregate('reduce', reduction(reducer), {
      ...(value === undefined ? {} : { value }),
      ...options,
    });
  }

  aggregate(initial: () => unknown, add: Adder, merge: Adder, options: AnyAggregateOptions): AnyTable {
    checkOperator('aggregate', { initial, add, merge }, options, 'aggregating');
    const aggregation = { initial, add: add, merge: merge, reads: options.reads ?? 'both' } as const;
    return this.#aggregate('aggregate', aggregation, options);
  }

  #aggregate(kind: string, aggregation: Aggregation, options: AnyAggregateOptions): AnyTable {
    const name = this.#grouping.storeName(options.name, `session-${kind}`);
    const input = { stream: this.#grouping.placed(name), aggregation };
    return tableOfSessions([input], name, options, this.#windowing);
  }
}

/** A stream of groups, and what its records do to their aggregates. */
interface AggregateInput {
  readonly stream: StreamState;
  readonly aggregation: Aggregation;
}

interface Windowing<W> {
  readonly windows: W;
  readonly strategy: EmitStrategy;
  readonly time: WindowTime;
}

function tableOfWindows(
  inputs: readonly AggregateInput[],
  name: string,
  options: AnyAggregateOptions,
  { windows, strategy, time }: Windowing<AlignedWindows | SlidingWindows>,
): AnyTable {
  const sliding = windows instanceof SlidingWindows;
  const sizeMs = sliding ? windows.timeDifferenceMs : windows.sizeMs;
  const spec = windowedSpec(sliding ? 'sliding' : 'window', name, inputs[0]!.stream, options, {
    sizeMs,
    // A late record looks for the one before it up to two lengths back.
    atLeastMs: (sliding ? 2 : 1) * sizeMs + windows.graceMs,
    // Spans are kept by their ends, and the newest one ends a length behind the newest record.
    extraMs: sliding ? sizeMs + 1 : 0,
  });
  return windowedTable(inputs, spec, options, {
    graceMs: windows instanceof UnlimitedWindows ? undefined : windows.graceMs,
    sizeMs,
    build: (aggregation, sendsOld) =>
      sliding
        ? aggregateSliding({ spec, windows, aggregation, strategy, time, sendsOld })
        : aggregateWindows({ spec, windows, aggregation, strategy, time, sendsOld }),
  });
}

function tableOfSessions(
  inputs: readonly AggregateInput[],
  name: string,
  options: AnyAggregateOptions,
  { windows, strategy, time }: Windowing<SessionWindows>,
): AnyTable {
  const spec = windowedSpec('session', name, inputs[0]!.stream, options, {
    sizeMs: null,
    atLeastMs: windows.gapMs + windows.graceMs,
    extraMs: 0,
  });
  return windowedTable(inputs, spec, options, {
    graceMs: windows.graceMs + windows.gapMs,
    sizeMs: null,
    build: (aggregation, sendsOld) => aggregateSessions({ spec, windows, aggregation, strategy, time, sendsOld }),
  });
}

function windowedSpec(
  kind: 'window' | 'sliding' | 'session',
  name: string,
  stream: StreamState,
  options: AnyMaterialized,
  window: { readonly sizeMs: number | null; readonly atLeastMs: number; readonly extraMs: number },
): StoreSpec {
  const retentionMs = options.retentionMs ?? window.atLeastMs;
  checkWindowedStore(kind, name, options, window.sizeMs);
  const isUnlimited = options.retentionMs === undefined && window.atLeastMs === Number.POSITIVE_INFINITY;
  if (!isUnlimited) checkRetention(name, retentionMs, window.atLeastMs);
  return {
    kind,
    name,
    key: required(options.key ?? stream.key, 'key', name),
    value: required(options.value, 'value', name),
    logging: options.logging ?? true,
    caching: options.caching,
    storeType: options.storeType,
    retentionMs: retentionMs + window.extraMs,
    ...(window.sizeMs === null ? {} : { windowSizeMs: window.sizeMs }),
    topicConfig: options.topicConfig,
  };
}

/** A supplier's store is one for the windows that there are. */
function checkWindowedStore(
  kind: 'window' | 'sliding' | 'session',
  name: string,
  { kind: given, historyRetentionMs, maxEntries, windowSizeMs }: AnyMaterialized,
  sizeMs: number | null,
): void {
  const refuse = (why: string): never => {
    throw new MillraceError('INVALID_ARGUMENT', `${name}: ${why}`);
  };
  if (given === 'versioned' || historyRetentionMs !== undefined || maxEntries !== undefined) {
    refuse('tables of windows are not versioned, and have no maxEntries');
  }
  const wanted = kind === 'session' ? 'session' : 'window';
  if (given !== undefined && given !== wanted) refuse(`it needs a ${wanted} store, not a ${given} store`);
  if (windowSizeMs !== undefined && windowSizeMs !== sizeMs) {
    refuse(
      sizeMs === null
        ? 'sessions have no windowSizeMs'
        : `its windows take ${sizeMs} ms, and those of its store ${windowSizeMs}`,
    );
  }
}

interface WindowedAggregate {
  /** How long after its end a window may still change; undefined where windows have no end. */
  readonly graceMs: number | undefined;
  /** Null for sessions. */
  readonly sizeMs: number | null;
  readonly build: (aggregation: Aggregation, sendsOld: () => boolean) => NonNullable<GraphNode['build']>;
}

function windowedTable(
  inputs: readonly AggregateInput[],
  spec: StoreSpec,
  options: AnyAggregateOptions,
  { graceMs, sizeMs, build }: WindowedAggregate,
): AnyTable {
  const { graph } = inputs[0]!.stream;
  const key = windowedSerde(spec.key, sizeMs);
  let sendsOld = false;
  const nodes = inputs.map(({ stream, aggregation }) => {
    const used = withReads(aggregation, options);
    return graph.add({
      name: graph.name(inputs.length === 1 ? options.operatorName : undefined, `${spec.name}-aggregate`),
      parents: [stream.node],
      stores: [spec],
      reads: used.reads,
      keyBytesAs: spec.key,
      ownKeySerde: key,
      build: build(used, () => sendsOld),
    });
  });
  if (nodes.length > 1) graph.copartitioned.push({ operator: spec.name, inputs: nodes });
  return new KTableImpl({
    graph,
    node: merged(graph, nodes, spec.name),
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
    enableKeptOldValues: () => {
      sendsOld = true;
      return true;
    },
  });
}

class CogroupedStreamImpl implements AnyCogroupedStream {
  readonly #inputs: readonly { readonly grouping: Grouping; readonly add: Aggregation['add'] }[];

  constructor(inputs: readonly { readonly grouping: Grouping; readonly add: Aggregation['add'] }[]) {
    this.#inputs = inputs;
  }

  cogroup(other: AnyGroupedStream, add: Adder): AnyCogroupedStream {
    checkOperator('cogroup', { add }, undefined, 'named');
    checkValue('cogroup: what it takes', other, {
      accepts: (value) => value instanceof KGroupedStreamImpl,
      wanted: 'a grouped stream',
    });
    return new CogroupedStreamImpl([...this.#inputs, { grouping: (other as KGroupedStreamImpl).grouping, add: add }]);
  }

  windowedBy(windows: AlignedWindows | SlidingWindows): AnyTimeWindowedCogroup;
  windowedBy(windows: SessionWindows): AnySessionWindowedCogroup;
  windowedBy(
    windows: AlignedWindows | SlidingWindows | SessionWindows,
  ): AnyTimeWindowedCogroup | AnySessionWindowedCogroup {
    checkWindows(windows);
    const strategy = 'onWindowUpdate';
    if (windows instanceof SessionWindows) {
      return {
        aggregate: (initial: () => unknown, merge: Adder, options: AnyAggregateOptions): AnyTable => {
          checkOperator('aggregate', { initial, merge }, options, 'aggregating');
          const { name, inputs } = this.#inputsOf(initial, merge, options);
          return tableOfSessions(inputs, name, options, { windows, strategy, time: {} });
        },
      };
    }
    return {
      aggregate: (initial: () => unknown, options: AnyAggregateOptions): AnyTable => {
        checkOperator('aggregate', { initial }, options, 'aggregating');
        const { name, inputs } = this.#inputsOf(initial, null, options);
        return tableOfWindows(inputs, name, options, { windows, strategy, time: {} });
      },
    };
  }

  aggregate(initial: () => unknown, options: AnyAggregateOptions & Named): AnyTable {
    checkOperator('aggregate', { initial }, options, 'aggregating');
    const { name, inputs } = this.#inputsOf(initial, null, options);
    return aggregatedTable(inputs, name, options);
  }

  #inputsOf(
    initial: () => unknown,
    merge: Adder | null,
    options: AnyAggregateOptions,
  ): { readonly name: string; readonly inputs: readonly AggregateInput[] } {
    const name = this.#inputs[0]!.grouping.storeName(options.name, 'cogroup');
    const inputs = this.#inputs.map(({ grouping, add }, i) => ({
      stream: grouping.placed(i === 0 ? name : `${name}-${i + 1}`),
      aggregation: { initial, add, merge, reads: options.reads ?? 'both' } as const,
    }));
    return { name, inputs };
  }
}
