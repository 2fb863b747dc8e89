import type { Serde } from '../../serde/index.ts';
import { JoinWindows } from '../../streams/index.ts';
import { assert } from '../../util/index.ts';
import { fitsInternalTopics } from '../formats/traits.ts';
import { compilerFor } from '../plan/environment.ts';
import type { JoinStep } from '../plan/plan.ts';
import type { Row, SqlValue } from '../values/value.ts';
import { internalSerde } from '../formats/internal.ts';
import { keySerde, rowSerde } from '../formats/row-serde.ts';
import { type Flow, plainKey, type RowKey, type RowStream, type RowTable, type StepContext } from './flow.ts';

type Joiner = (left: Row | null, right: Row | null, key: RowKey) => Row | null;

/** Joins: the row of the left side, the row of the right side, and the key where no column holds it. */
export function joinStep(compiler: StepContext, step: JoinStep): Flow {
  const leftWidth = step.left.columns.length;
  const rightWidth = step.right.columns.length;
  const noLeft: SqlValue[] = Array<SqlValue>(leftWidth).fill(null);
  const noRight: SqlValue[] = Array<SqlValue>(rightWidth).fill(null);
  const synthetic = step.syntheticKey !== undefined;
  const joiner: Joiner = (left, right, key) => {
    const row = [...(left ?? noLeft), ...(right ?? noRight)];
    if (synthetic) row.push(plainKey(key)?.[0] ?? null);
    return row;
  };
  const swapped: Joiner = (right, left, key) => joiner(left, right, key);
  switch (step.joinKind) {
    case 'stream-stream':
      return { stream: streamStream(compiler, step, joiner, swapped) };
    case 'stream-table': {
      const options = {
        key: joinKey(compiler, step),
        value: internalSerde(step.left.columns) as Serde<Row>,
        name: step.context,
      };
      const left = compiler.stream(step.left).filter((_key, row) => row !== null, { reads: 'value' });
      const right = compiler.table(step.right);
      return {
        stream: step.type === 'LEFT' ? left.leftJoin(right, joiner, options) : left.join(right, joiner, options),
      };
    }
    case 'table-table':
      return { table: tableTable(compiler, step, joiner, swapped) };
    case 'foreign-key':
      return { table: foreignKey(compiler, step, joiner) };
  }
}

function joinKey(compiler: StepContext, step: JoinStep): Serde<NonNullable<RowKey>> {
  const inner = fitsInternalTopics(step.keyFormat.format)
    ? rowSerde(compiler.env, step.keyFormat, step.key, { topic: '', part: 'key' })
    : internalSerde(step.key);
  return keySerde(inner, step.window) as Serde<NonNullable<RowKey>>;
}

function streamStream(compiler: StepContext, step: JoinStep, joiner: Joiner, swapped: Joiner): RowStream {
  const { within } = step;
  assert(within !== undefined, 'stream-stream joins have a window');
  const left = compiler.stream(step.left);
  const right = compiler.stream(step.right);
  const { beforeMs, afterMs, graceMs } = within;
  const windows = (before: number, after: number): JoinWindows => {
    const base =
      graceMs === undefined
        ? JoinWindows.ofTimeDifferenceEager(beforeMs)
        : JoinWindows.ofTimeDifferenceAndGrace(beforeMs, graceMs);
    return base.before(before).after(after);
  };
  const leftValue = internalSerde(step.left.columns) as Serde<Row>;
  const rightValue = internalSerde(step.right.columns) as Serde<Row>;
  const key = joinKey(compiler, step);
  const options = { key, value: leftValue, otherValue: rightValue, name: step.context };
  switch (step.type) {
    case 'INNER':
      return left.join(right, joiner, windows(beforeMs, afterMs), options);
    case 'LEFT':
      return left.leftJoin(right, joiner, windows(beforeMs, afterMs), options);
    case 'FULL':
      return left.outerJoin(right, joiner, windows(beforeMs, afterMs), options);
    default: {
      const turned = { key, value: rightValue, otherValue: leftValue, name: step.context };
      return right.leftJoin(left, swapped, windows(afterMs, beforeMs), turned);
    }
  }
}

function tableTable(compiler: StepContext, step: JoinStep, joiner: Joiner, swapped: Joiner): RowTable {
  const left = compiler.table(step.left);
  const right = compiler.table(step.right);
  const options = { value: internalSerde(step.columns) as Serde<Row | null> } as never;
  switch (step.type) {
    case 'INNER':
      return left.join(right, joiner, options);
    case 'LEFT':
      return left.leftJoin(right, joiner, options);
    case 'FULL':
      return left.outerJoin(right, joiner, options);
    default:
      return right.leftJoin(left, swapped, options);
  }
}

function foreignKey(compiler: StepContext, step: JoinStep, joiner: Joiner): RowTable {
  const { foreignKey: expression } = step;
  assert(expression !== undefined, 'foreign-key joins have a foreign key');
  const evaluate = compiler.guarded(
    compilerFor(compiler.env, step.left.columns).compile(expression).evaluate,
    'JOIN ON',
  );
  const extract = (row: Row): RowKey => {
    const key = evaluate(row);
    return key === null ? null : [key];
  };
  const left = compiler.table(step.left);
  const right = compiler.table(step.right);
  const join = (a: Row | null, b: Row | null): Row | null => joiner(a, b, null);
  const options = {
    result: internalSerde(step.columns),
  } as never;
  return step.type === 'LEFT'
    ? left.leftJoinForeign(right, extract as never, join as never, options)
    : left.joinForeign(right, extract as never, join as never, options);
}
