import type { Serde } from '../../serde/index.ts';
import { SessionWindows, TimeWindows, type Windowed } from '../../streams/index.ts';
import { assert, MillraceError, messageOf } from '../../util/index.ts';
import type { WindowClause } from '../parser/ast.ts';
import { milliseconds } from '../parser/build-ast.ts';
import { compilerFor } from '../plan/environment.ts';
import type { AggregateStep } from '../plan/plan.ts';
import type { Row, SqlValue } from '../values/value.ts';
import { compileAggregate } from '../expressions/aggregate.ts';
import { internalSerde } from '../formats/internal.ts';
import { rowSerde } from '../formats/row-serde.ts';
import { plainKey, type RowKey, type RowTable, type StepContext } from './flow.ts';
import { usesRegistry } from '../formats/traits.ts';

const DAY_MS = 86_400_000;

/** Grouping and aggregating: one row of states per group, and per window where there is one. */
export function aggregateStep(compiler: StepContext, step: AggregateStep): RowTable {
  const { env } = compiler;
  const expressions = compilerFor(env, step.input.columns);
  const aggregates = step.aggregates.map(({ call }) =>
    compileAggregate(expressions, call, (property) =>
      env.setting(`ksql.functions.${call.name.toLowerCase()}.${property}`),
    ),
  );
  const { log } = env;
  const { queryId } = compiler;
  const argsOf = (row: Row, i: number): SqlValue[] =>
    aggregates[i]!.args.map((arg) => {
      try {
        return arg(row);
      } catch (error) {
        log({ queryId, step: 'AGGREGATE', error });
        return null;
      }
    });
  const init = (): Row => aggregates.map(({ aggregator }) => aggregator.init());
  const add = (row: Row, states: Row): Row => {
    try {
      return added(row, states);
    } catch (error) {
      // Unlike a failing expression, an aggregate that can't go on has no value to go on with: its query ends.
      throw new MillraceError('SQL_PROCESSING', `Exception caught in process: ${messageOf(error)}`, { cause: error });
    }
  };
  const added = (row: Row, states: Row): Row =>
    aggregates.map(({ aggregator }, i) => aggregator.add(states[i]!, argsOf(row, i)));
  const undo = (row: Row, states: Row): Row =>
    aggregates.map(({ aggregator }, i) => {
      assert(aggregator.undo !== undefined, 'aggregates over tables can take back');
      return aggregator.undo(states[i]!, argsOf(row, i));
    });
  const merge = (a: Row, b: Row): Row => aggregates.map(({ aggregator }, i) => aggregator.merge(a[i]!, b[i]!));

  const groups = step.groupBy.map(({ expression }) =>
    compiler.guarded(expressions.compile(expression).evaluate, 'GROUP BY'),
  );
  const groupKey = (row: Row): Row | null => {
    const key = groups.map((evaluate) => evaluate(row));
    return key.includes(null) ? null : key;
  };

  const key = (
    usesRegistry(step.keyFormat.format) || step.keyFormat.format === 'NONE'
      ? internalSerde(step.key)
      : rowSerde(env, step.keyFormat, step.key, { topic: '', part: 'key' })
  ) as Serde<NonNullable<RowKey>>;
  const value = internalSerde(step.input.columns) as Serde<Row>;
  const states = internalSerde(
    aggregates.map(({ aggregator }, i) => ({ name: `S${i}`, type: aggregator.stateType })),
  ) as Serde<Row>;
  const grouped = { key, value, name: 'Aggregate-GroupBy' };
  const store = { key, value: states, name: 'Aggregate-Aggregate-Materialize' };

  const aggregated = step.input.table ? fromTable() : fromStream();
  return aggregated.mapValues((k: RowKey, row) => {
    const results: SqlValue[] = aggregates.map(({ aggregator }, i) => aggregator.result(row[i]!));
    results.push(...(plainKey(k) ?? []));
    if (step.windowClause !== undefined) results.push((k as Windowed<Row>).start, (k as Windowed<Row>).end);
    return results;
  }) as unknown as RowTable;

  function fromTable(): RowTable {
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

  function fromStream(): RowTable {
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
    const windowedStore = { ...store, retentionMs: Math.max(retention, sizeMs + graceMs) };
    if (clause.type === 'SESSION') {
      return groupedStream
        .windowedBy(SessionWindows.ofInactivityGapAndGrace(sizeMs, graceMs))
        .emitStrategy(emit)
        .aggregate<Row>(init, adder, (_key, a, b) => merge(a, b), windowedStore) as unknown as RowTable;
    }
    let windows = TimeWindows.ofSizeAndGrace(sizeMs, graceMs);
    if (clause.advance !== undefined) windows = windows.advanceBy(milliseconds(clause.advance));
    return groupedStream
      .windowedBy(windows)
      .emitStrategy(emit)
      .aggregate<Row>(init, adder, windowedStore) as unknown as RowTable;
  }
}

/** How long after its end a window still changes, when the query does not say. */
function graceOf(clause: WindowClause, final: boolean): number {
  if (clause.grace !== undefined) return milliseconds(clause.grace);
  return final ? 0 : Math.max(DAY_MS - milliseconds(clause.size), 0);
}
