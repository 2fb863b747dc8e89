// GROUP BY and aggregates: rows are brought together by their group's key, and each group (and window) keeps one row of states.
import type { Serde } from '../../serde/index.ts';
import { SessionWindows, TimeWindows, type Windowed } from '../../streams/index.ts';
import { assert } from '../../util/index.ts';
import type { WindowClause } from '../parser/ast.ts';
import { milliseconds } from '../parser/durations.ts';
import { functionSettings } from '../plan/environment.ts';
import { type AggregateStep, aggregateStoreName } from '../plan/plan.ts';
import type { Row, SqlValue } from '../values/value.ts';
import { aggregatorOf } from '../expressions/evaluation/call.ts';
import { type Evaluate, throwIfFatal } from '../expressions/evaluation/evaluate.ts';
import { Evaluator } from '../expressions/evaluation/evaluator.ts';
import type { Aggregator } from '../functions/function.ts';
import { internalSerde } from '../formats/internal.ts';
import type { RowSerde } from '../formats/codec.ts';
import { type FormatEnvironment, rowSerde } from '../formats/row-serde.ts';
import { plainKey, type RowKey, type RowTable, type StepContext } from './flow.ts';
import { FORMATS } from '../formats/all.ts';
import { fitsInternalTopics } from '../formats/traits.ts';

const DAY_MS = 86_400_000;

/** One aggregate of a query: its running state, and how a row's arguments for it are found. */
interface CompiledAggregate {
  readonly aggregator: Aggregator;
  readonly args: readonly Evaluate[];
  /** Which rows it takes in; undefined: all. */
  readonly filter: Evaluate | undefined;
}

/** Grouping and aggregating: one row of states per group, and per window where there is one. */
export function aggregateStep(compiler: StepContext, step: AggregateStep): RowTable {
  const { env } = compiler;
  const evaluator = new Evaluator(env.functions, step.input.columns);
  const aggregates = step.aggregates.map(({ expression: call }) => ({
    aggregator: aggregatorOf(env.functions, call, functionSettings(env, call.function)),
    args: call.args.map((arg) => evaluator.evaluate(arg)),
    filter: call.filter && evaluator.evaluate(call.filter),
  }));
  const { key, value, states } = serdesOf(compiler, step, aggregates);
  const aggregation: Aggregation = {
    groupKey: groupKeyOf(compiler, step, evaluator),
    ...overStates(compiler, aggregates),
    grouped: { key, value, name: `${step.context}-GroupBy` },
    store: { key, value: states, name: aggregateStoreName(step) },
  };
  const aggregated = step.input.table
    ? fromTable(compiler, step, aggregation)
    : fromStream(compiler, step, aggregation);
  return aggregated.mapValues((k: RowKey, row) => {
    const results: SqlValue[] = aggregates.map(({ aggregator }, i) => aggregator.result(row[i]!));
    results.push(...(plainKey(k) ?? []));
    if (step.windowClause !== undefined) results.push((k as Windowed<Row>).start, (k as Windowed<Row>).end);
    return results;
  }) as unknown as RowTable;
}

interface Serdes {
  readonly key: Serde<NonNullable<RowKey>>;
  readonly value: Serde<Row>;
  readonly name: string;
}

/** What happens to the row of states that a group has. */
interface OverStates {
  readonly init: () => Row;
  readonly add: (row: Row, states: Row) => Row;
  readonly undo: (row: Row, states: Row) => Row;
  readonly merge: (a: Row, b: Row) => Row;
}

interface Aggregation extends OverStates {
  readonly groupKey: (row: Row) => Row | null;
  readonly grouped: Serdes;
  readonly store: Serdes;
}

function serdesOf(
  { env }: StepContext,
  step: AggregateStep,
  aggregates: readonly CompiledAggregate[],
): { key: Serdes['key']; value: Serde<Row>; states: Serde<Row> } {
  const key = groupKeySerde(env, step);
  const states = aggregates.map(({ aggregator }, i) => ({ name: `S${i}`, type: aggregator.stateType }));
  return {
    key: key as Serdes['key'],
    value: internalSerde(step.input.columns) as Serde<Row>,
    states: internalSerde(states) as Serde<Row>,
  };
}

/** How the keys of groups are written, in the store and in the topic that brings the groups' records together. */
export function groupKeySerde(
  env: FormatEnvironment,
  { keyFormat, key }: Pick<AggregateStep, 'keyFormat' | 'key'>,
): RowSerde {
  const { format } = keyFormat;
  // Where nobody asked for a format it is KAFKA, which holds one column, and not every type.
  const holds = FORMATS[format].refusal(key.map((column) => ({ ...column, namespace: 'KEY' }))) === undefined;
  return fitsInternalTopics(format) && holds
    ? rowSerde(env, keyFormat, key, { topic: '', part: 'key' })
    : internalSerde(key);
}

/** Rows without a key are in no group. */
function groupKeyOf(compiler: StepContext, step: AggregateStep, evaluator: Evaluator): (row: Row) => Row | null {
  const groups = step.groupBy.map(({ expression }) =>
    compiler.guarded(evaluator.evaluate(expression), 'GROUP BY', step.input),
  );
  return (row) => {
    const key = groups.map((evaluate) => evaluate(row));
    return key.includes(null) ? null : key;
  };
}

/** What fails for one row is told, and goes no further: other groups, and the group's other aggregates, are right without it. */
function overStates({ env, queryId }: StepContext, aggregates: readonly CompiledAggregate[]): OverStates {
  const told = (error: unknown): void => {
    throwIfFatal(error);
    env.log({ kind: 'processing', queryId, step: 'AGGREGATE', error });
  };
  /** A closure per aggregate, and none per row: this is what is done most. */
  const changing = (changeOf: (aggregator: Aggregator) => Aggregator['add']) => {
    const changes = aggregates.map((aggregate) => changeBy(aggregate, changeOf(aggregate.aggregator), told));
    return (row: Row, states: Row): Row => {
      const changed: SqlValue[] = [];
      for (let i = 0; i < changes.length; i++) changed.push(changes[i]!(row, states[i]!));
      return changed;
    };
  };
  return {
    init: () => aggregates.map(({ aggregator }) => aggregator.init()),
    add: changing((aggregator) => (state, args) => aggregator.add(state, args)),
    undo: changing((aggregator) => (state, args) => {
      assert(aggregator.undo !== undefined, 'aggregates over tables can take back');
      return aggregator.undo(state, args);
    }),
    merge: (a, b) =>
      aggregates.map(({ aggregator }, i) => {
        try {
          return aggregator.merge(a[i]!, b[i]!);
        } catch (error) {
          told(error);
          return a[i]!;
        }
      }),
  };
}

/** What a row makes of a state; the state as it was, where that fails or the filter leaves the row out. */
function changeBy(
  { args, filter }: CompiledAggregate,
  change: Aggregator['add'],
  told: (error: unknown) => void,
): (row: Row, state: SqlValue) => SqlValue {
  const valueOf = (arg: Evaluate, row: Row): SqlValue => {
    try {
      return arg(row);
    } catch (error) {
      told(error);
      return null;
    }
  };
  return (row, state) => {
    if (filter !== undefined && valueOf(filter, row) !== true) return state;
    const values: SqlValue[] = [];
    for (let i = 0; i < args.length; i++) values.push(valueOf(args[i]!, row));
    try {
      return change(state, values);
    } catch (error) {
      told(error);
      return state;
    }
  };
}

function fromTable(
  compiler: StepContext,
  step: AggregateStep,
  { groupKey, init, add, undo, grouped, store }: Aggregation,
): RowTable {
  return compiler
    .table(step.input)
    .groupBy((_key, row) => [groupKey(row) as RowKey, row] as const, grouped)
    .aggregate<Row>(
      init,
      (_key, row, current) => add(row as Row, current),
      (_key, row, current) => undo(row as Row, current),
      store,
    ) as unknown as RowTable;
}

function fromStream(
  compiler: StepContext,
  step: AggregateStep,
  { groupKey, init, add, merge, grouped, store }: Aggregation,
): RowTable {
  const stream = compiler.stream(step.input).filter((_key, row) => row !== null, { reads: 'value' });
  const groupedStream = step.rekeys
    ? stream.groupBy((_key, row) => groupKey(row!) as RowKey, { ...grouped, reads: 'value' })
    : stream.groupByKey(grouped);
  const adder = (_key: RowKey, row: Row, current: Row): Row => add(row, current);
  const clause = step.windowClause;
  if (clause === undefined) return groupedStream.aggregate<Row>(init, adder, store) as unknown as RowTable;
  const retention = clause.retention === undefined ? 0 : milliseconds(clause.retention);
  const sizeMs = milliseconds(clause.size);
  const graceMs = graceOf(clause, step.final);
  const emit = step.final ? 'onWindowClose' : 'onWindowUpdate';
  const time = { time: clause.ofProcessing === true ? 'processing' : 'event', idleMs: step.finalAfterMs } as const;
  const windowedStore = { ...store, retentionMs: Math.max(retention, sizeMs + graceMs) };
  if (clause.type === 'SESSION') {
    return groupedStream
      .windowedBy(SessionWindows.ofInactivityGapAndGrace(sizeMs, graceMs), time)
      .emitStrategy(emit)
      .aggregate<Row>(init, adder, (_key, a, b) => merge(a, b), windowedStore) as unknown as RowTable;
  }
  let windows = TimeWindows.ofSizeAndGrace(sizeMs, graceMs);
  if (clause.advance !== undefined) windows = windows.advanceBy(milliseconds(clause.advance));
  return groupedStream
    .windowedBy(windows, time)
    .emitStrategy(emit)
    .aggregate<Row>(init, adder, windowedStore) as unknown as RowTable;
}

/** How long after its end a window still changes, when the query does not say. */
export function graceOf(clause: WindowClause, final: boolean): number {
  if (clause.grace !== undefined) return milliseconds(clause.grace);
  if (clause.ofProcessing === true) return 0;
  return final ? 0 : Math.max(DAY_MS - milliseconds(clause.size), 0);
}
