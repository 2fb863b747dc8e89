// Which rows bring a value that their group has not seen: each value of each group is a row of a store.
import type { Serde } from '../../serde/index.ts';
import type { KeyValueStore } from '../../streams/index.ts';
import { Evaluator } from '../expressions/evaluation/evaluator.ts';
import { identified } from '../functions/aggregate/exactly-distinct.ts';
import { internalSerde } from '../formats/internal.ts';
import { type DistinctStep, distinctStoreName } from '../plan/plan.ts';
import { BOOLEAN } from '../types.ts';
import type { Row, SqlValue } from '../values/value.ts';
import type { RowStream, StepContext } from './flow.ts';
import { partitionsOf } from './partitions.ts';

const SEEN: Row = [true];

/** Behind each row, by call: true where it is the first with its values, else null. */
export function distinctStep(compiler: StepContext, step: DistinctStep): RowStream {
  const { env, builder } = compiler;
  const evaluator = new Evaluator(env.functions, step.input.columns);
  const partitions = partitionsOf(compiler, step);
  const calls = step.calls.map(({ expression: { args, argumentTypes, filter } }, i) => {
    const name = distinctStoreName(step, i);
    const values = argumentTypes.map(identified);
    const types = [...step.key, ...values].map(({ type }) => type);
    builder.addStateStore({
      kind: 'key-value',
      name,
      key: internalSerde(types.map((type, at) => ({ name: `V${at}`, type }))) as Serde<Row>,
      value: internalSerde([{ name: 'SEEN', type: BOOLEAN }]) as Serde<Row>,
      storeType: 'PERSISTENT',
    });
    const guarded = (arg: (typeof args)[number]) => compiler.guarded(evaluator.evaluate(arg), 'AGGREGATE', step.input);
    const identities = args.map((arg, at) => {
      const valueOf = guarded(arg);
      const { identityOf } = values[at]!;
      return (row: Row): SqlValue => {
        const value = valueOf(row);
        return value === null ? null : identityOf(value);
      };
    });
    return { name, identities, filter: filter && guarded(filter) };
  });
  const isFirst = (store: KeyValueStore<Row, Row>, call: (typeof calls)[number], group: Row, row: Row): SqlValue => {
    if (call.filter !== undefined && call.filter(row) !== true) return null;
    const key = [...group, ...call.identities.map((identity) => identity(row))];
    return !key.includes(null) && store.putIfAbsent(key, SEEN) === null ? true : null;
  };
  return partitions.stream.processValues<Row | null>(
    ({ keyValueStore, forward }) => {
      const stores = calls.map(({ name }) => keyValueStore<Row, Row>(name));
      return {
        process({ value: row }) {
          const group = partitions.of(row!);
          forward({ value: [...row!, ...calls.map((call, i) => isFirst(stores[i]!, call, group, row!))] });
        },
      };
    },
    { stores: calls.map(({ name }) => name), value: internalSerde(step.columns) as Serde<Row> },
  );
}
