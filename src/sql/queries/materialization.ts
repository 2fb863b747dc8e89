// The rows of a table as its query's state holds them now. The state is kept where the query aggregates (or reads its
// source table); what the query does behind that point (HAVING, its projection) is done again for every row that is read.
import { type QueryableStore, StateUnreadable, type Windowed } from '../../streams/index.ts';
import { type Serde, serialize } from '../../serde/index.ts';
import { partitionForKey } from '../../util/index.ts';
import type { TopologyEnvironment } from '../compile/flow.ts';
import { groupKeySerde } from '../compile/topology-aggregate.ts';
import { aggregatorOf } from '../expressions/evaluation/call.ts';
import { Evaluator } from '../expressions/evaluation/evaluator.ts';
import { throwIfFatal } from '../expressions/evaluation/evaluate.ts';
import { functionSettings, type PlanEnvironment } from '../plan/environment.ts';
import { type AggregateStep, type QueryPlan, type Step, tableStoreName } from '../plan/plan.ts';
import type { Row, SqlValue } from '../values/value.ts';

/** The name of the store behind an aggregation; its changelog is named after it. */
const AGGREGATE_STORE = 'Aggregate-Aggregate-Materialize';

export interface TableRow {
  readonly key: Row;
  readonly window: { readonly start: number; readonly end: number } | undefined;
  /** The sink's value columns. */
  readonly values: Row;
  readonly timestamp: number;
}

/** Which rows are wanted; nothing: all. */
export interface Lookup {
  readonly keys?: readonly Row[];
  readonly windowStart?: { readonly from: number; readonly to: number };
}

type Transform = (row: Row) => Row | null;
type Evaluating = Omit<PlanEnvironment, 'catalog'>;
type PartitionOf = (key: Row, partitions: number) => number;

export class Materialization {
  readonly storeName: string;
  readonly #fromStore: (key: Row, window: TableRow['window'], stored: Row) => Row;
  readonly #then: readonly Transform[];
  #partitionOf: PartitionOf | undefined;

  /** Undefined when the query keeps no state that is its result. */
  static of(environment: TopologyEnvironment, plan: QueryPlan): Materialization | undefined {
    const then: Step[] = [];
    let step: Step = plan.root;
    while (step.kind === 'filter' || step.kind === 'project') {
      then.unshift(step);
      step = step.input;
    }
    if (step.kind === 'aggregate') {
      const made = new Materialization(AGGREGATE_STORE, resultsOf(environment, step), environment, then);
      // Records that a query puts into groups are in the partitions of its keys; others are where their producers put them.
      if (step.rekeys) made.#partitionOf = partitionBy(groupKeySerde(environment, step));
      return made;
    }
    if (step.kind === 'source' && step.table && step.window === undefined) {
      return new Materialization(tableStoreName(step), (_key, _window, row) => row, environment, then);
    }
    return undefined;
  }

  private constructor(
    storeName: string,
    fromStore: (key: Row, window: TableRow['window'], stored: Row) => Row,
    environment: Evaluating,
    then: readonly Step[],
  ) {
    this.storeName = storeName;
    this.#fromStore = fromStore;
    this.#then = then.map((step) => transformOf(environment, step));
  }

  /** The partitions, of so many, that can have what is looked up. */
  partitionsOf({ keys }: Lookup, partitionCount: number): readonly number[] {
    const partitionOf = this.#partitionOf;
    if (keys === undefined || partitionOf === undefined || partitionCount === 0)
      return Array.from({ length: partitionCount }, (_, partition) => partition);
    return [...new Set(keys.map((key) => partitionOf(key, partitionCount)))];
  }

  async *rows(store: QueryableStore, lookup: Lookup): AsyncGenerator<TableRow> {
    for await (const [key, window, stored, timestamp] of entries(store, lookup)) {
      let row: Row | null = this.#fromStore(key, window, stored);
      for (const transform of this.#then) {
        row = transform(row);
        if (row === null) break;
      }
      if (row !== null) yield { key, window, values: row, timestamp };
    }
  }
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
async function readable<T>(read: () => T): Promise<T> {
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
