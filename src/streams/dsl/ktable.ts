/** Tables as they stand in the graph. What each method does is said in `api/dsl.ts`. */
import { checkOperator, checkRequired } from '../api/checks.ts';
import type { RecordContext } from '../api/context.ts';
import type { Named, Reading, Reads, Suppressed } from '../api/options.ts';
import type { ProcessorContext } from '../api/processor.ts';
import type { AnySerde, GraphNode } from '../graph/node.ts';
import { processorContext } from '../operators/process.ts';
import { toStream } from '../operators/stateless.ts';
import { suppressOperator } from '../operators/suppress.ts';
import type { TableAggregation } from '../operators/table-aggregate.ts';
import type { TableJoinKind } from '../operators/table-join.ts';
import { mappedGetter, storeGetter } from '../operators/table-values.ts';
import { type MapperOf, tableFilter, tableMap } from '../operators/table.ts';
import type { StoreSpec } from '../state/store.ts';
import { checkValue, MillraceError } from '../../util/index.ts';
import { aggregateGroups } from './grouped-table.ts';
import { longSerde } from '../../serde/index.ts';
import { connectStores, required } from './stream-node.ts';
import { type ForeignKeyJoin, type ForeignKeyOptions, joinOnForeignKey, joinTables } from './table-joins.ts';
import { isVersioned, keyValueSpec, type TableState } from './table-node.ts';
import type {
  Adder,
  AnyAggregateOptions,
  AnyGrouped,
  AnyGroupedTable,
  AnyJoiner,
  AnyMaterialized,
  AnyStream,
  AnyTable,
  AnyTableTransformerSupplier,
  ForeignKeySelector,
  Mapper,
  Reduction,
  Serdes,
} from './untyped.ts';

type TableOptions = Reading & Serdes & { readonly materialized?: AnyMaterialized };
type Filtering = TableOptions & { readonly oldValues?: boolean };
type Joining = Named & Serdes & { readonly materialized?: AnyMaterialized };
type GroupSelector = Mapper<readonly [unknown, unknown] | null>;

export class KTableImpl implements AnyTable {
  readonly state: TableState;

  constructor(state: TableState) {
    this.state = state;
  }

  get queryableStoreName(): string | undefined {
    return this.state.store()?.name;
  }

  filter(predicate: Mapper, options: Filtering = {}): AnyTable {
    checkOperator('filter', { predicate }, options, 'changing');
    return this.#filter(predicate, true, options);
  }

  filterNot(predicate: Mapper, options: Filtering = {}): AnyTable {
    checkOperator('filterNot', { predicate }, options, 'changing');
    return this.#filter(predicate, false, options);
  }

  mapValues(mapper: Mapper, options: TableOptions = {}): AnyTable {
    checkOperator('mapValues', { mapper }, options, 'changing');
    const value = options.value ?? options.materialized?.value;
    const store = this.#ownStore('map-values', options.materialized, value);
    return this.#derived('map-values', options, store, value, {
      operator: (sendsOld) => tableMap(() => mapper, { store, sendsOld }),
      getter: (context) => (key, value) => mapper(key, value, context),
    });
  }

  transformValues(
    supplier: AnyTableTransformerSupplier,
    options: TableOptions & { readonly stores?: readonly string[] } = {},
  ): AnyTable {
    checkOperator('transformValues', { supplier }, options, 'changing');
    const value = options.value ?? options.materialized?.value;
    const store = this.#ownStore('transform-values', options.materialized, value);
    const table = this.#derived('transform-values', options, store, value, {
      operator: (sendsOld) => tableMap(transformer(supplier), { store, sendsOld }),
      getter: () => () => {
        throw new MillraceError(
          'INVALID_TOPOLOGY',
          'a table made by transformValues is looked up: give it `materialized` with a name',
        );
      },
    });
    connectStores(this.state.graph, table.state.node, options.stores ?? []);
    return table;
  }

  toStream(mapperOrOptions: Named | Mapper = {}, options: Named = {}): AnyStream {
    const keyMapper = typeof mapperOrOptions === 'function' ? (mapperOrOptions as Mapper) : undefined;
    const named = keyMapper === undefined ? (mapperOrOptions as Named) : {};
    checkOperator('toStream', {}, named, 'named');
    checkOperator('toStream', {}, options, 'named');
    const { state } = this;
    const node = state.graph.add({
      name: state.graph.name(named.name, `${state.origin}-to-stream`),
      parents: [state.node],
      reads: 'neither',
      keepsKey: true,
      keepsValue: true,
      emitsEach: true,
      build: toStream(),
    });
    const { graph, key, value, origin } = state;
    const stream = graph.streamOf({ graph, node, key, value, moved: false, origin }) as AnyStream;
    return keyMapper === undefined ? stream : stream.selectKey(keyMapper, options);
  }

  groupBy(selector: GroupSelector, options: AnyGrouped = {}): AnyGroupedTable {
    checkOperator('groupBy', { selector }, options, 'grouping');
    this.state.enableOldValues();
    return new KGroupedTableImpl(this.state, selector as GroupOf, options);
  }

  join(other: AnyTable, joiner: AnyJoiner, options?: Joining): AnyTable {
    return this.#join('join', other, joiner, 'inner', options);
  }

  leftJoin(other: AnyTable, joiner: AnyJoiner, options?: Joining): AnyTable {
    return this.#join('leftJoin', other, joiner, 'left', options);
  }

  outerJoin(other: AnyTable, joiner: AnyJoiner, options?: Joining): AnyTable {
    return this.#join('outerJoin', other, joiner, 'outer', options);
  }

  joinForeign(
    other: AnyTable,
    foreignKey: ForeignKeySelector,
    joiner: AnyJoiner,
    options?: ForeignKeyOptions,
  ): AnyTable {
    return this.#joinForeign('joinForeign', other, { foreignKey, joiner, kind: 'inner' }, options);
  }

  leftJoinForeign(
    other: AnyTable,
    foreignKey: ForeignKeySelector,
    joiner: AnyJoiner,
    options?: ForeignKeyOptions,
  ): AnyTable {
    return this.#joinForeign('leftJoinForeign', other, { foreignKey, joiner, kind: 'left' }, options);
  }

  suppress(options: Suppressed): AnyTable {
    checkOperator('suppress', {}, options, 'suppressing');
    checkRequired('suppress', options, 'until', ...(options?.until === 'timeLimit' ? ['ms'] : []));
    const { state } = this;
    if (options.until === 'windowCloses' && state.windowGraceMs === undefined) {
      throw new MillraceError(
        'INVALID_TOPOLOGY',
        'only the table of a windowed aggregation can be suppressed until its windows close',
      );
    }
    if (isVersioned(state)) {
      throw new MillraceError('INVALID_TOPOLOGY', 'a versioned table is not suppressed: its changes come out of order');
    }
    const { graph } = state;
    const name = graph.storeName(options.name, state.origin, 'suppress');
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
    return new KTableImpl({
      ...state,
      node,
      store: () => null,
      getter: () => state.getter(),
      sendsOld: () => sendsOld,
      enableOldValues: () => {
        sendsOld = true;
        state.enableOldValues();
      },
      enableKeptOldValues: () => {
        sendsOld ||= state.enableKeptOldValues();
        return sendsOld;
      },
    });
  }

  #join(operator: string, other: unknown, joiner: AnyJoiner, kind: TableJoinKind, options: Joining = {}): AnyTable {
    checkOperator(operator, { joiner }, options, 'joiningTables');
    return new KTableImpl(joinTables(this.state, tableState(operator, other), joiner, kind, options));
  }

  #joinForeign(operator: string, other: unknown, join: ForeignKeyJoin, options: ForeignKeyOptions = {}): AnyTable {
    const { foreignKey, joiner } = join;
    checkOperator(operator, { foreignKey, joiner }, options, 'joiningForeign');
    return new KTableImpl(joinOnForeignKey(this.state, tableState(operator, other), join, options));
  }

  #filter(predicate: Mapper, wanted: boolean, options: Filtering): AnyTable {
    const store = this.#ownStore('filter', options.materialized, this.state.value);
    const table = this.#derived('filter', options, store, this.state.value, {
      operator: (sendsOld) => tableFilter(predicate, wanted, { store, sendsOld }),
      getter: (context) => (key, value) => (Boolean(predicate(key, value, context)) === wanted ? value : null),
    });
    if (options.oldValues === true) table.state.enableOldValues();
    // Where it is known what a row was before, one that never passed is not deleted.
    else if (this.state.enableKeptOldValues()) table.state.enableKeptOldValues();
    return table;
  }

  /** A store for the results, when the user named one. */
  #ownStore(kind: string, options: AnyMaterialized | undefined, value: AnySerde | undefined): StoreSpec | null {
    if (options?.name === undefined) return null;
    const name = this.state.graph.storeName(options.name, this.state.origin, kind);
    const keySerde = required(options.key ?? this.state.key, 'key', name);
    const valueSerde = required(options.value ?? value, 'value', name);
    return keyValueSpec(name, keySerde, valueSerde, options);
  }

  #derived(
    kind: string,
    options: Named & { readonly reads?: Reads },
    store: StoreSpec | null,
    value: AnySerde | undefined,
    make: {
      readonly operator: (sendsOld: () => boolean) => NonNullable<GraphNode['build']>;
      readonly getter: (context: RecordContext) => (key: unknown, value: unknown) => unknown;
    },
  ): KTableImpl {
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
    return new KTableImpl({
      graph: state.graph,
      node,
      key: state.key,
      value,
      moved: false,
      origin: store?.name ?? state.origin,
      windowGraceMs: state.windowGraceMs,
      showsVersions: isVersioned(state),
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
      enableKeptOldValues: () => {
        sendsOldValues ||= store !== null || state.enableKeptOldValues();
        return sendsOldValues;
      },
    });
  }
}

function tableState(operator: string, other: unknown): TableState {
  checkValue(`${operator}: what it takes`, other, {
    accepts: (value) => value instanceof KTableImpl,
    wanted: 'a table',
  });
  return (other as KTableImpl).state;
}

function transformer(supplier: AnyTableTransformerSupplier): MapperOf {
  return (scope, node) => {
    const context: Omit<ProcessorContext<unknown, unknown>, 'forward'> = processorContext(scope, node, () => {
      throw new MillraceError('INVALID_TOPOLOGY', `${node.name} answers values; it can't forward records`);
    });
    return supplier(context as Parameters<typeof supplier>[0]);
  };
}

type GroupOf = (key: unknown, value: unknown) => readonly [unknown, unknown] | null;

class KGroupedTableImpl implements AnyGroupedTable {
  readonly #table: TableState;
  readonly #selector: GroupOf;
  readonly #options: AnyGrouped;

  constructor(table: TableState, selector: GroupOf, options: AnyGrouped) {
    this.#table = table;
    this.#selector = selector;
    this.#options = options;
  }

  count(options: AnyAggregateOptions = {}): AnyTable {
    checkOperator('count', {}, options, 'aggregating');
    return this.#aggregate(
      'aggregate',
      {
        initial: () => 0,
        add: (_key, _value, count) => (count as number) + 1,
        subtract: (_key, _value, count) => (count as number) - 1,
      },
      { value: longSerde, ...options },
    );
  }

  reduce(adder: Reduction, subtractor: Reduction, options: AnyAggregateOptions = {}): AnyTable {
    checkOperator('reduce', { adder, subtractor }, options, 'aggregating');
    const { value } = this.#options;
    return this.#aggregate(
      'reduce',
      {
        initial: null,
        add: (_key, added, aggregate) => (aggregate === null ? added : adder(aggregate, added)),
        subtract: (_key, removed, aggregate) => subtractor(aggregate, removed),
      },
      { ...(value === undefined ? {} : { value }), ...options },
    );
  }

  aggregate(initial: () => unknown, adder: Adder, subtractor: Adder, options: AnyAggregateOptions): AnyTable {
    checkOperator('aggregate', { initial, adder, subtractor }, options, 'aggregating');
    return this.#aggregate('aggregate', { initial, add: adder, subtract: subtractor }, options);
  }

  #aggregate(kind: string, aggregation: TableAggregation, options: AnyAggregateOptions): AnyTable {
    const { key, value, name } = this.#options;
    const groups = { name, kind, selector: this.#selector, key, value };
    return new KTableImpl(aggregateGroups(this.#table, groups, aggregation, options));
  }
}
