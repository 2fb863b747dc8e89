// The rows of a table as its query's state holds them now. The state is kept where the query aggregates, and where it reads its
// source tables; what the query does behind that (joins of tables by their keys, HAVING, its projection) is done again for
// every row that is read.
import { type QueryableStore, StateUnreadable, type Windowed } from '../../streams/index.ts';
import { type Serde, serialize } from '../../serde/index.ts';
import { partitionForKey } from '../../util/index.ts';
import type { TopologyEnvironment } from '../compile/flow.ts';
import { partitionSerde } from '../compile/partitions.ts';
import { groupKeySerde } from '../compile/topology-aggregate.ts';
import { numberedRow } from '../compile/topology-rank.ts';
import { aggregatorOf } from '../expressions/evaluation/call.ts';
import { Evaluator } from '../expressions/evaluation/evaluator.ts';
import { throwIfFatal } from '../expressions/evaluation/evaluate.ts';
import { functionSettings, type PlanEnvironment } from '../plan/environment.ts';
import {
  type AggregateStep,
  type DerivedStep,
  type JoinStep,
  type QueryPlan,
  type RankStep,
  type Step,
  aggregateStoreName,
  rankStoreName,
  tableStoreName,
} from '../plan/plan.ts';
import { identityOf, type Row, type SqlValue } from '../values/value.ts';

export interface TableRow {
  readonly key: Row;
  readonly window: { readonly start: number; readonly end: number } | undefined;
  /** The sink's value columns. */
  readonly values: Row;
  readonly timestamp: number;
}

/** Which rows of a table are looked up by an index. */
export interface IndexLookup {
  readonly name: string;
  /** Where the indexed columns are in a row: among the table's value columns, then its key's. */
  readonly places: readonly number[];
  /** Rows with one of these; undefined: those within the range. */
  readonly values: readonly Row[] | undefined;
  /** Of an index of one column. */
  readonly range: IndexRange;
}

export interface IndexRange {
  readonly from?: Bound;
  readonly to?: Bound;
}

export interface Bound {
  readonly value: SqlValue;
  readonly isIncluded: boolean;
}

/** The columns of a table's row, from what is stored of it; null: the table does not have it. */
export type RowOf = (key: Row, stored: Row) => Row | null;

/** Which rows are wanted; nothing: all. */
export interface Lookup {
  readonly keys?: readonly Row[];
  readonly windowStart?: { readonly from: number; readonly to: number };
  /** Instead of by keys. */
  readonly index?: IndexLookup;
}

type Transform = (row: Row) => Row | null;
type Evaluating = Omit<PlanEnvironment, 'catalog'>;
type PartitionOf = (key: Row, partitions: number) => number;

/** The stores of the host's tasks, by their names. */
export type StoreOf = (name: string) => QueryableStore;

/** Rows that can be looked up, whatever they are made of. */
interface Relation {
  /** A store that has the relation's partitions; where it is made of several, they have the same. */
  readonly storeName: string;
  rows(storeOf: StoreOf, lookup: Lookup): AsyncGenerator<TableRow>;
  /** A row's value columns, from what the store has of it, where it is made of that alone. */
  readonly valuesOf?: RowOf;
}

export class Materialization {
  readonly storeName: string;
  readonly #relation: Relation;
  readonly #partitionOf: PartitionOf | undefined;

  /** Undefined when the query keeps no state that its result can be read from. */
  static of(environment: TopologyEnvironment, { root }: QueryPlan): Materialization | undefined {
    const relation = relationOf(environment, root);
    if (relation === undefined) return undefined;
    const base = behind(root);
    // Records that a query puts into groups are in the partitions of its keys; others are where their producers put them.
    if (base.kind === 'aggregate' && (base.rekeys || (base.input.kind === 'distinct' && base.input.rekeys)))
      return new Materialization(relation, partitionBy(groupKeySerde(environment, base)));
    if (base.kind === 'rank' && base.rekeys) {
      const partitionOf = partitionBy(partitionSerde(environment, base));
      return new Materialization(relation, (key, partitions) => partitionOf(partitionIn(base, key), partitions));
    }
    return new Materialization(relation, undefined);
  }

  private constructor(relation: Relation, partitionOf: PartitionOf | undefined) {
    this.storeName = relation.storeName;
    this.#relation = relation;
    this.#partitionOf = partitionOf;
  }

  /** The partitions, of so many, that can have what is looked up. */
  partitionsOf({ keys }: Lookup, partitionCount: number): readonly number[] {
    const partitionOf = this.#partitionOf;
    if (keys === undefined || partitionOf === undefined || partitionCount === 0)
      return Array.from({ length: partitionCount }, (_, partition) => partition);
    return [...new Set(keys.map((key) => partitionOf(key, partitionCount)))];
  }

  rows(storeOf: StoreOf, lookup: Lookup): AsyncGenerator<TableRow> {
    return this.#relation.rows(storeOf, lookup);
  }

  /** A row's value columns, then its key's, from what is stored of it; undefined where it is made of rows of several stores. */
  get rowOf(): RowOf | undefined {
    const { valuesOf } = this.#relation;
    if (valuesOf === undefined) return undefined;
    return (key, stored) => {
      const values = valuesOf(key, stored);
      return values === null ? null : [...values, ...key];
    };
  }
}

/** The step whose rows filters, projections and queries in FROM change. */
function behind(step: Step): Step {
  if (step.kind === 'derived') return behind(step.inputs[0]!);
  return step.kind === 'filter' || step.kind === 'project' ? behind(step.input) : step;
}

function relationOf(environment: TopologyEnvironment, step: Step): Relation | undefined {
  switch (step.kind) {
    case 'filter':
    case 'project': {
      const input = relationOf(environment, step.input);
      return input && transformed(input, transformOf(environment, step));
    }
    case 'derived':
      return derived(environment, step);
    case 'aggregate':
      return stored(aggregateStoreName(step), resultsOf(environment, step));
    case 'rank':
      return ranked(step);
    case 'source':
      if (!step.table || step.window !== undefined) return undefined;
      return stored(tableStoreName(step), (_key, _window, row) => row);
    case 'join': {
      if (step.joinKind !== 'table-table' || step.window !== undefined) return undefined;
      const left = relationOf(environment, step.left);
      const right = relationOf(environment, step.right);
      return left && right && joined(step, left, right);
    }
    default:
      return undefined;
  }
}

function stored(storeName: string, fromStore: (key: Row, window: TableRow['window'], stored: Row) => Row): Relation {
  return {
    storeName,
    valuesOf: (key, row) => fromStore(key, undefined, row),
    async *rows(storeOf, lookup) {
      for await (const [key, window, row, timestamp] of entries(storeOf(storeName), lookup))
        yield { key, window, values: fromStore(key, window, row), timestamp };
    },
  };
}

function transformed(input: Relation, transform: Transform): Relation {
  const { storeName, valuesOf } = input;
  return {
    storeName,
    ...(valuesOf === undefined
      ? {}
      : {
          valuesOf: (key: Row, stored: Row) => {
            const values = valuesOf(key, stored);
            return values && transform(values);
          },
        }),
    async *rows(storeOf, lookup) {
      for await (const found of input.rows(storeOf, lookup)) {
        const values = transform(found.values);
        if (values !== null) yield { ...found, values };
      }
    },
  };
}

/** The rows of a query in FROM; undefined where it says of them what only records have. */
function derived(environment: TopologyEnvironment, step: DerivedStep): Relation | undefined {
  const { names, prefix, columns, table } = step;
  const places = columns.map(({ name }) => {
    const own = prefix === undefined ? name : name.slice(prefix.length + 1);
    return own === 'ROWTIME' ? 'ROWTIME' : names.indexOf(own);
  });
  const input = table && !places.includes(-1) ? relationOf(environment, step.inputs[0]!) : undefined;
  if (input === undefined) return undefined;
  return {
    storeName: input.storeName,
    async *rows(storeOf, lookup) {
      for await (const found of input.rows(storeOf, lookup)) {
        const values = places.map((at) => (at === 'ROWTIME' ? found.timestamp : found.values[at]!));
        yield { ...found, values };
      }
    },
  };
}

/** Numbered rows are kept by their partition, all in one. */
function ranked(step: RankStep): Relation {
  const storeName = rankStoreName(step);
  return {
    storeName,
    async *rows(storeOf, { keys }) {
      const wanted = keys && [
        ...new Map(keys.map((key) => [identityOf(partitionIn(step, key)), partitionIn(step, key)])).values(),
      ];
      const isAsked = keys && new Set(keys.map(identityOf));
      for await (const [partition, , kept] of entries(
        storeOf(storeName),
        wanted === undefined ? {} : { keys: wanted },
      )) {
        const [rows, times] = kept as unknown as [Row[], number[]];
        for (const [i, row] of rows.entries()) {
          const key = step.most === 1 ? partition : [...partition, i + 1];
          if (isAsked?.has(identityOf(key)) === false) continue;
          const values = numberedRow(step, partition, row, i + 1);
          yield { key, window: undefined, values, timestamp: times[i]! };
        }
      }
    },
  };
}

function partitionIn({ partitionBy }: RankStep, key: Row): Row {
  return key.slice(0, partitionBy.length);
}

/** Both sides are there, by the same keys: their rows are joined when they are asked for. */
function joined(step: JoinStep, left: Relation, right: Relation): Relation {
  const noLeft: SqlValue[] = Array<SqlValue>(step.left.columns.length).fill(null);
  const noRight: SqlValue[] = Array<SqlValue>(step.right.columns.length).fill(null);
  const needsLeft = step.type === 'INNER' || step.type === 'LEFT';
  const needsRight = step.type === 'INNER' || step.type === 'RIGHT';
  const pair = (a: TableRow | undefined, b: TableRow | undefined): TableRow => {
    const { key } = (a ?? b)!;
    const values = [...(a?.values ?? noLeft), ...(b?.values ?? noRight)];
    if (step.syntheticKey !== undefined) values.push(key[0] ?? null);
    return { key, window: undefined, values, timestamp: Math.max(a?.timestamp ?? -1, b?.timestamp ?? -1) };
  };
  return {
    storeName: left.storeName,
    async *rows(storeOf, lookup) {
      for await (const a of left.rows(storeOf, lookup)) {
        const b = await partner(right, storeOf, a.key);
        if (b !== undefined || !needsRight) yield pair(a, b);
      }
      if (needsLeft) return;
      for await (const b of right.rows(storeOf, lookup)) {
        if ((await partner(left, storeOf, b.key)) === undefined) yield pair(undefined, b);
      }
    },
  };
}

async function partner(relation: Relation, storeOf: StoreOf, key: Row): Promise<TableRow | undefined> {
  for await (const found of relation.rows(storeOf, { keys: [key] })) return found;
  return undefined;
}

function partitionBy(serde: Serde<Row>): PartitionOf {
  return (key, partitions) => partitionForKey(serialize(serde, key)!, partitions);
}

type StoredEntry = [Row, TableRow['window'], Row, number];

async function* entries(store: QueryableStore, { keys, windowStart }: Lookup): AsyncGenerator<StoredEntry> {
  for (const key of keys ?? [undefined]) yield* entriesOf(store, key, windowStart);
}

async function* entriesOf(
  store: QueryableStore,
  key: Row | undefined,
  windowStart: Lookup['windowStart'],
): AsyncGenerator<StoredEntry> {
  if (store.kind === 'key-value') {
    const view = store.keyValue<Row, Row>();
    if (key === undefined) {
      for await (const entry of view.all()) yield [entry.key, undefined, entry.value, entry.timestamp];
      return;
    }
    const found = await readable(() => view.getWithTimestamp(key));
    if (found !== null) yield [key, undefined, found.value, found.timestamp];
    return;
  }
  const { from, to } = windowStart ?? { from: 0, to: Number.MAX_SAFE_INTEGER };
  for await (const { key: windowed, value, timestamp } of windowedEntries(store, key, from, to)) {
    const { start, end } = windowed;
    if (start >= from && start <= to) yield [windowed.key, { start, end }, value, timestamp];
  }
}

async function* windowedEntries(
  store: QueryableStore,
  key: Row | undefined,
  from: number,
  to: number,
): AsyncGenerator<{ readonly key: Windowed<Row>; readonly value: Row; readonly timestamp: number }> {
  if (store.kind === 'session') {
    const view = store.session<Row, Row>();
    yield* key === undefined ? view.all() : await readable(() => [...view.fetch(key)]);
    return;
  }
  const view = store.window<Row, Row>();
  yield* key === undefined ? view.fetchAll(from, to) : await readable(() => [...view.fetch(key, from, to)]);
}

/** What is read at once, as soon as the schemas are there that it needs. */
export async function readable<T>(read: () => T): Promise<T> {
  for (;;) {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof StateUnreadable) || error.code === 'STATE_CORRUPT') throw error;
      await error.recover();
    }
  }
}

/** The row behind an aggregation, from its states: results, then the key, then the window's bounds. */
function resultsOf(environment: Evaluating, step: AggregateStep) {
  const aggregators = step.aggregates.map(({ expression: call }) =>
    aggregatorOf(environment.functions, call, functionSettings(environment, call.function)),
  );
  return (key: Row, window: TableRow['window'], states: Row): Row => {
    const row: SqlValue[] = aggregators.map((aggregator, i) => aggregator.result(states[i]!));
    row.push(...key);
    if (window !== undefined) row.push(window.start, window.end);
    return row;
  };
}

function transformOf(environment: Evaluating, step: Step): Transform {
  if (step.kind !== 'filter' && step.kind !== 'project') return (row) => row;
  const evaluator = new Evaluator(environment.functions, step.input.columns);
  if (step.kind === 'filter') {
    const evaluate = evaluator.evaluate(step.predicate.expression);
    return (row) => (orNull(evaluate, row) === true ? row : null);
  }
  const items = step.items.map(({ expression }) => evaluator.evaluate(expression));
  return (row) => items.map((evaluate) => orNull(evaluate, row));
}

/** An expression that fails is null, as it was when the query wrote the row. */
export function orNull(evaluate: (row: Row) => SqlValue, row: Row): SqlValue {
  try {
    return evaluate(row);
  } catch (error) {
    throwIfFatal(error);
    return null;
  }
}
