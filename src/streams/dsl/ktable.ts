/**
 * A table: the latest value per key, seen as a stream of changes. Values are never null to a user's function, a null
 * value deletes its key. A table has a store only where something needs one: a name to query it by, a join, or an
 * operator further down that has to know what a value was before.
 */
import { checkOperator, checkRequired } from '../api/checks.ts';
import type { RecordContext } from '../api/context.ts';
import type { AnySerde, GraphNode } from '../graph/node.ts';
import { type AggregateOptions, aggregateGroups } from './grouped-table.ts';
import type { KStream } from './kstream.ts';
import { longSerde } from './long-serde.ts';
import type { TableAggregation } from '../operators/table-aggregate.ts';
import type { ProcessorContext, TableTransformerSupplier } from '../api/processor.ts';
import { connectStores, required } from './stream-node.ts';
import { keyValueSpec, type TableState } from './table-node.ts';
import { mappedGetter, storeGetter } from '../operators/table-values.ts';
import { processorContext } from '../operators/process.ts';
import { type MapperOf, tableFilter, tableMap } from '../operators/table.ts';
import { toStream } from '../operators/stateless.ts';
import { suppressOperator } from '../operators/suppress.ts';
import type { Grouped, Materialized, Named, Reading, Reads, SerdeOf, Suppressed, TableJoined } from '../api/options.ts';
import type { StoreSpec } from '../state/store.ts';
import { joinOnForeignKey, joinTables } from './table-joins.ts';
import { checkValue, MillraceError } from '../../util/index.ts';

type Mapper<K, V, R> = (key: K, value: V, context: RecordContext) => R;

/** `materialized` with a name gives the result a store of its own. */
type TableOptions<K, V> = Reading & { readonly materialized?: Materialized<K, V> };

export class KTable<K, V> {
  /** For the library's own operators. */
  readonly state: TableState;

  constructor(state: TableState) {
    this.state = state;
  }

  /** The name to query the table by, if it has a store. */
  get queryableStoreName(): string | undefined {
    return this.state.store()?.name;
  }

  /**
   * `oldValues` makes the operator know what a row was before: a row that did not pass and does not pass is then not
   * deleted again.
   */
  filter(
    predicate: (key: K, value: NonNullable<V>, context: RecordContext) => boolean,
    options: TableOptions<K, V> & { readonly oldValues?: boolean } = {},
  ): KTable<K, V> {
    checkOperator('filter', { predicate }, options, 'changing');
    return this.#filter(predicate as never, true, options);
  }

  filterNot(
    predicate: (key: K, value: NonNullable<V>, context: RecordContext) => boolean,
    options: TableOptions<K, V> & { readonly oldValues?: boolean } = {},
  ): KTable<K, V> {
    checkOperator('filterNot', { predicate }, options, 'changing');
    return this.#filter(predicate as never, false, options);
  }

  mapValues<V2>(
    mapper: (key: K, value: NonNullable<V>, context: RecordContext) => V2,
    options: TableOptions<K, V2> & { readonly value?: SerdeOf<V2> } = {},
  ): KTable<K, V2> {
    checkOperator('mapValues', { mapper }, options, 'changing');
    const value = (options.value ?? options.materialized?.value) as AnySerde | undefined;
    const store = this.#ownStore(options.materialized as Materialized<unknown, unknown> | undefined, value);
    return this.#derived<V2>('map-values', options, store, value, {
      operator: (sendsOld) => tableMap(() => mapper as never, { store, sendsOld }),
      getter: (context) => (key, value) => mapper(key as K, value as NonNullable<V>, context),
    });
  }

  /**
   * As `mapValues`, by a function that may use state stores. Its results can be looked up (by joins, by queries) where
   * they are materialized.
   */
  transformValues<V2>(
    supplier: TableTransformerSupplier<K, NonNullable<V>, V2>,
    options: TableOptions<K, V2> & { readonly value?: SerdeOf<V2>; readonly stores?: readonly string[] } = {},
  ): KTable<K, V2> {
    checkOperator('transformValues', { supplier }, options, 'changing');
    const value = (options.value ?? options.materialized?.value) as AnySerde | undefined;
    const store = this.#ownStore(options.materialized as Materialized<unknown, unknown> | undefined, value);
    const { graph } = this.state;
    const table = this.#derived<V2>('transform-values', options, store, value, {
      operator: (sendsOld) => tableMap(transformer(supplier as never), { store, sendsOld }),
      getter: () => () => {
        throw new MillraceError(
          'INVALID_TOPOLOGY',
          'a table made by transformValues is looked up: give it `materialized` with a name',
        );
      },
    });
    connectStores(graph, table.state.node, options.stores ?? []);
    return table;
  }

  /** The table's changes as a stream. `keyMapper` gives the records another key. */
  toStream(options?: Named): KStream<K, V>;
  toStream<K2>(keyMapper: (key: K, value: V, context: RecordContext) => K2, options?: Named): KStream<K2, V>;
  toStream<K2>(
    mapperOrOptions: Named | ((key: K, value: V, context: RecordContext) => K2) = {},
    options: Named = {},
  ): KStream<K, V> | KStream<K2, V> {
    if (typeof mapperOrOptions !== 'function') checkOperator('toStream', {}, mapperOrOptions, 'named');
    checkOperator('toStream', {}, options, 'named');
    const { state } = this;
    const named = typeof mapperOrOptions === 'function' ? {} : mapperOrOptions;
    const node = state.graph.add({
      name: state.graph.name(named.name, `${state.origin}-to-stream`),
      parents: [state.node],
      reads: 'neither',
      keepsKey: true,
      keepsValue: true,
      build: toStream(),
    });
    const { graph, key, value, origin } = state;
    const stream = graph.streamOf({ graph, node, key, value, moved: false, origin }) as KStream<K, V>;
    return typeof mapperOrOptions === 'function'
      ? stream.selectKey(mapperOrOptions as Mapper<K, V, K2>, options)
      : stream;
  }

  /** Groups the rows by another key, so that they can be aggregated; a row that changes its group leaves the old one. */
  groupBy<K2, V2>(
    selector: (key: K, value: NonNullable<V>, context: RecordContext) => readonly [K2, V2] | null,
    options: Grouped<K2, V2> = {},
  ): KGroupedTable<K2, V2> {
    checkOperator('groupBy', { selector }, options, 'grouping');
    this.state.enableOldValues();
    return new KGroupedTable<K2, V2>(this.state, selector as never, options);
  }

  /** Rows whose keys are in both tables. */
  join<V2, R>(
    other: KTable<K, V2>,
    joiner: (value: NonNullable<V>, other: NonNullable<V2>, key: K) => R,
    options?: Named & { readonly materialized?: Materialized<K, R>; readonly value?: SerdeOf<R> },
  ): KTable<K, R> {
    checkOperator('join', { joiner }, options, 'joiningTables');
    checkTable('join', other);
    return new KTable<K, R>(joinTables(this.state, other.state, joiner as never, 'inner', (options ?? {}) as never));
  }

  leftJoin<V2, R>(
    other: KTable<K, V2>,
    joiner: (value: NonNullable<V>, other: NonNullable<V2> | null, key: K) => R,
    options?: Named & { readonly materialized?: Materialized<K, R>; readonly value?: SerdeOf<R> },
  ): KTable<K, R> {
    checkOperator('leftJoin', { joiner }, options, 'joiningTables');
    checkTable('leftJoin', other);
    return new KTable<K, R>(joinTables(this.state, other.state, joiner as never, 'left', (options ?? {}) as never));
  }

  outerJoin<V2, R>(
    other: KTable<K, V2>,
    joiner: (value: NonNullable<V> | null, other: NonNullable<V2> | null, key: K) => R,
    options?: Named & { readonly materialized?: Materialized<K, R>; readonly value?: SerdeOf<R> },
  ): KTable<K, R> {
    checkOperator('outerJoin', { joiner }, options, 'joiningTables');
    checkTable('outerJoin', other);
    return new KTable<K, R>(joinTables(this.state, other.state, joiner as never, 'outer', (options ?? {}) as never));
  }

  /** Each row with the row of `other` that it refers to; `foreignKey` may answer null for none. */
  joinForeign<KO, VO, R>(
    other: KTable<KO, VO>,
    foreignKey: (value: NonNullable<V>, key: K) => KO | null,
    joiner: (value: NonNullable<V>, other: NonNullable<VO>) => R,
    options: TableJoined<K, KO, V, VO> & {
      readonly materialized?: Materialized<K, R>;
      readonly result?: SerdeOf<R>;
    } = {},
  ): KTable<K, R> {
    checkOperator('joinForeign', { foreignKey, joiner }, options, 'joiningForeign');
    checkTable('joinForeign', other);
    return new KTable<K, R>(
      joinOnForeignKey(
        this.state,
        other.state,
        { foreignKey: foreignKey as never, joiner: joiner as never, kind: 'inner' },
        options as never,
      ),
    );
  }

  leftJoinForeign<KO, VO, R>(
    other: KTable<KO, VO>,
    foreignKey: (value: NonNullable<V>, key: K) => KO | null,
    joiner: (value: NonNullable<V>, other: NonNullable<VO> | null) => R,
    options: TableJoined<K, KO, V, VO> & {
      readonly materialized?: Materialized<K, R>;
      readonly result?: SerdeOf<R>;
    } = {},
  ): KTable<K, R> {
    checkOperator('leftJoinForeign', { foreignKey, joiner }, options, 'joiningForeign');
    checkTable('leftJoinForeign', other);
    return new KTable<K, R>(
      joinOnForeignKey(
        this.state,
        other.state,
        { foreignKey: foreignKey as never, joiner: joiner as never, kind: 'left' },
        options as never,
      ),
    );
  }

  /** Holds updates back: until their window closes, or for a time in which only the last one counts. */
  suppress(options: Suppressed): KTable<K, V> {
    checkOperator('suppress', {}, options, 'suppressing');
    checkRequired('suppress', options, 'until', ...(options?.until === 'timeLimit' ? ['ms'] : []));
    const { state } = this;
    if (options.until === 'windowCloses' && state.windowGraceMs === undefined) {
      throw new MillraceError(
        'INVALID_TOPOLOGY',
        'only the table of a windowed aggregation can be suppressed until its windows close',
      );
    }
    const { graph } = state;
    const name = graph.storeName(options.name, `${state.origin}-suppress`);
    const spec: StoreSpec = {
      kind: 'suppress',
      name,
      key: required(state.key, 'key', name),
      value: required(state.value, 'value', name),
      logging: true,
    };
    let sendsOld = false;
    const node = graph.add({
      name: graph.name(undefined, name),
      parents: [state.node],
      stores: [spec],
      reads: 'both',
      ownKeySerde: spec.key,
      keyBytesAs: spec.key,
      build: suppressOperator(spec, options, state.windowGraceMs ?? 0, () => sendsOld),
    });
    return new KTable<K, V>({
      ...state,
      node,
      store: () => null,
      getter: () => state.getter(),
      sendsOld: () => sendsOld,
      enableOldValues: () => {
        sendsOld = true;
        state.enableOldValues();
      },
    });
  }

  #filter(
    predicate: (key: unknown, value: unknown, context: RecordContext) => unknown,
    wanted: boolean,
    options: TableOptions<K, V> & { readonly oldValues?: boolean },
  ): KTable<K, V> {
    const store = this.#ownStore(options.materialized as Materialized<unknown, unknown> | undefined, this.state.value);
    const table = this.#derived<V>('filter', options, store, this.state.value, {
      operator: (sendsOld) => tableFilter(predicate, wanted, { store, sendsOld }),
      getter: (context) => (key, value) => (Boolean(predicate(key, value, context)) === wanted ? value : null),
    });
    if (options.oldValues === true) table.state.enableOldValues();
    return table;
  }

  /** A store for the results, when the user named one. */
  #ownStore(options: Materialized<unknown, unknown> | undefined, value: AnySerde | undefined): StoreSpec | null {
    const name = options?.name;
    if (options === undefined || name === undefined) return null;
    const keySerde = required((options.key as AnySerde | undefined) ?? this.state.key, 'key', name);
    const valueSerde = required((options.value as AnySerde | undefined) ?? value, 'value', name);
    return keyValueSpec(name, keySerde, valueSerde, options);
  }

  #derived<V2>(
    kind: string,
    options: Named & { readonly reads?: Reads },
    store: StoreSpec | null,
    value: AnySerde | undefined,
    make: {
      readonly operator: (sendsOld: () => boolean) => NonNullable<GraphNode['build']>;
      readonly getter: (context: RecordContext) => (key: unknown, value: unknown) => unknown;
    },
  ): KTable<K, V2> {
    const { state } = this;
    let sendsOldValues = false;
    const sendsOld = () => sendsOldValues;
    const node = state.graph.add({
      name: state.graph.name(options.name, `${state.origin}-${kind}`),
      parents: [state.node],
      stores: store === null ? [] : [store],
      reads: options.reads,
      keepsKey: true,
      keyBytesAs: store === null ? null : store.key,
      ownKeySerde: store === null ? null : store.key,
      build: make.operator(sendsOld),
    });
    return new KTable<K, V2>({
      graph: state.graph,
      node,
      key: state.key,
      value,
      moved: false,
      origin: store?.name ?? state.origin,
      windowGraceMs: state.windowGraceMs,
      store: () => store,
      sendsOld,
      getter: () =>
        store !== null
          ? storeGetter(store)
          : mappedGetter(
              state.getter(),
              options.reads !== 'value' && options.reads !== 'neither',
              (key, value, scope) => make.getter(scope.context)(key, value),
            ),
      enableOldValues: () => {
        sendsOldValues = true;
        if (store === null) state.enableOldValues();
      },
    });
  }
}

function checkTable(operator: string, other: unknown): void {
  checkValue(`${operator}: what it takes`, other, { accepts: (value) => value instanceof KTable, wanted: 'a table' });
}

function transformer(supplier: TableTransformerSupplier<unknown, unknown, unknown>): MapperOf {
  return (scope, node) => {
    const context: Omit<ProcessorContext<unknown, unknown>, 'forward'> = processorContext(scope, node, () => {
      throw new MillraceError('INVALID_TOPOLOGY', `${node.name} answers values; it can't forward records`);
    });
    return supplier(context as Parameters<typeof supplier>[0]);
  };
}

/** A table's rows grouped by another key: a row's new value is added to its group, its old one taken from the group it was in. */
export class KGroupedTable<K, V> {
  readonly #table: TableState;
  readonly #selector: (key: unknown, value: unknown) => readonly [unknown, unknown] | null;
  readonly #options: Grouped<K, V>;

  constructor(
    table: TableState,
    selector: (key: unknown, value: unknown) => readonly [unknown, unknown] | null,
    options: Grouped<K, V>,
  ) {
    this.#table = table;
    this.#selector = selector;
    this.#options = options;
  }

  count(options: AggregateOptions<K, number> = {}): KTable<K, number> {
    checkOperator('count', {}, options, 'aggregating');
    return this.aggregate<number>(
      () => 0,
      (_key, _value, count) => count + 1,
      (_key, _value, count) => count - 1,
      { value: longSerde, ...options },
    );
  }

  reduce(
    adder: (aggregate: NonNullable<V>, value: NonNullable<V>) => V,
    subtractor: (aggregate: NonNullable<V>, value: NonNullable<V>) => V,
    options: AggregateOptions<K, V> = {},
  ): KTable<K, V> {
    checkOperator('reduce', { adder, subtractor }, options, 'aggregating');
    const value = this.#options.value as AggregateOptions<K, V>['value'] | undefined;
    return this.#aggregate<V>(
      'reduce',
      {
        initial: null,
        add: (_key, added, aggregate) => (aggregate === null ? added : adder(aggregate as never, added as never)),
        subtract: (_key, removed, aggregate) => subtractor(aggregate as never, removed as never),
      },
      { ...(value === undefined ? {} : { value }), ...options },
    );
  }

  aggregate<A>(
    initial: () => A,
    adder: (key: K, value: NonNullable<V>, aggregate: A) => A,
    subtractor: (key: K, value: NonNullable<V>, aggregate: A) => A,
    options: AggregateOptions<K, A>,
  ): KTable<K, A> {
    checkOperator('aggregate', { initial, adder, subtractor }, options, 'aggregating');
    return this.#aggregate<A>('aggregate', { initial, add: adder as never, subtract: subtractor as never }, options);
  }

  #aggregate<A>(kind: string, aggregation: TableAggregation, options: AggregateOptions<K, A>): KTable<K, A> {
    const { key, value, name } = this.#options;
    return new KTable<K, A>(
      aggregateGroups(
        this.#table,
        {
          name,
          kind,
          selector: this.#selector,
          key: key as AnySerde | undefined,
          value: value as AnySerde | undefined,
        },
        aggregation,
        options as AggregateOptions<unknown, unknown>,
      ),
    );
  }
}
