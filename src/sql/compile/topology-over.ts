// LAG and LEAD: each partition keeps its last rows, so many as the farthest call is away. A row that waits for later ones is kept
// whole, and goes on, with its own time, when the last of them has come.
import type { Serde } from '../../serde/index.ts';
import { Evaluator } from '../expressions/evaluation/evaluator.ts';
import type { Evaluate } from '../expressions/evaluation/evaluate.ts';
import { internalSerde } from '../formats/internal.ts';
import { type OverStep, overStoreName } from '../plan/plan.ts';
import { arrayOf, BIGINT, type SqlType, structOf } from '../types.ts';
import type { Row, SqlValue } from '../values/value.ts';
import type { RowKey, RowStream, StepContext } from './flow.ts';
import { partitionsOf } from './partitions.ts';

/** What is kept of a row: the calls' values, and its time and all of it where rows are waited for. */
type Kept = readonly SqlValue[];

export function overStep(compiler: StepContext, step: OverStep): RowStream {
  const { input, key, rekeys } = step;
  const partitions = partitionsOf(compiler, step);
  const name = overStoreName(step);
  const calls = compiledCalls(compiler, step);
  const waits = Math.max(0, ...calls.map(({ at }) => at));
  const keeps = waits + Math.max(0, ...calls.map(({ at }) => -at));
  compiler.builder.addStateStore({
    kind: 'key-value',
    name,
    key: partitions.key,
    value: internalSerde([{ name: 'ROWS', type: arrayOf(keptType(step, waits > 0)) }]) as Serde<Row>,
    storeType: 'PERSISTENT',
  });

  const over = partitions.stream.processValues<Row | null>(
    ({ keyValueStore, forward }) => {
      const store = keyValueStore<Row, Row>(name);
      /** The row with what the calls find; `at` is its place among those that are kept. */
      const withOthers = (row: Row, rows: readonly Kept[], at: number): Row => [
        ...row,
        ...calls.map(({ at: away, otherwise }, i) => {
          const other = rows[at + away];
          return other === undefined ? otherwise(row) : other[i]!;
        }),
      ];
      return {
        process({ value: row, timestamp }) {
          const of = partitions.of(row!);
          if (of.includes(null)) {
            forward({ value: withOthers(row!, [], 0) });
            return;
          }
          const rows = (store.get(of)?.[0] ?? []) as Kept[];
          const values = calls.map(({ value }) => value(row!));
          rows.push(waits === 0 ? values : [...values, timestamp, row!]);
          const at = rows.length - 1 - waits;
          if (waits === 0) forward({ value: withOthers(row!, rows, at) });
          else if (at >= 0) {
            const [then, waiting] = rows[at]!.slice(calls.length) as [number, Row];
            forward({ value: withOthers(waiting, rows, at), timestamp: then, headers: [] });
          }
          if (rows.length > keeps) rows.shift();
          store.put(of, [rows]);
        },
      };
    },
    { stores: [name], value: internalSerde(step.columns) as Serde<Row> },
  );
  if (!rekeys) return over;
  const places = key.map((column) => input.columns.findIndex(({ name: column_ }) => column_ === column.name));
  return over.selectKey(
    (_key, row) => {
      const values = places.map((at) => row![at]!);
      return values.every((value) => value === null) ? null : (values as RowKey);
    },
    { reads: 'value', key: internalSerde(key) as Serde<NonNullable<RowKey>> },
  );
}

interface CompiledCall {
  readonly value: Evaluate;
  readonly otherwise: Evaluate;
  /** Where the other row is: negative for an earlier one. */
  readonly at: number;
}

function compiledCalls(compiler: StepContext, { input, calls }: OverStep): CompiledCall[] {
  const evaluator = new Evaluator(compiler.env.functions, input.columns);
  const guarded = (evaluate: Evaluate): Evaluate => compiler.guarded(evaluate, 'SELECT', input);
  return calls.map(({ expression: { function: name, value, distance, otherwise } }) => ({
    value: guarded(evaluator.evaluate(value)),
    otherwise: otherwise === undefined ? () => null : guarded(evaluator.evaluate(otherwise)),
    at: name === 'LAG' ? -distance : distance,
  }));
}

function keptType({ input, calls }: OverStep, isWhole: boolean): SqlType {
  const values = calls.map(({ expression: { type } }, i) => ({ name: `V${i}`, type }));
  if (!isWhole) return structOf(values);
  const row = structOf(input.columns.map(({ name, type }) => ({ name, type })));
  return structOf([...values, { name: 'TIME', type: BIGINT }, { name: 'ROW', type: row }]);
}
