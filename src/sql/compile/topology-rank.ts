// ROW_NUMBER: each partition keeps its first rows, in order, and tells which numbers have another row now. No number loses its
// row, for a row that is kept only gives way to one that comes before it: there are no deletions.
import type { Serde } from '../../serde/index.ts';
import type { KeyValueStore } from '../../streams/index.ts';
import { Evaluator } from '../expressions/evaluation/evaluator.ts';
import { internalSerde } from '../formats/internal.ts';
import { type RankStep, rankStoreName } from '../plan/plan.ts';
import { arrayOf, BIGINT, structOf } from '../types.ts';
import { comparing } from '../values/ordering.ts';
import type { Row } from '../values/value.ts';
import type { RowKey, RowStream, StepContext } from './flow.ts';
import { partitionsOf } from './partitions.ts';
import { groupKeySerde } from './topology-aggregate.ts';

/** A partition's first rows, and since when each number has the row that it has. */
type FirstRows = readonly [rows: Row[], times: number[]];

/** The changes of the table. Where a partition has one row only, that is under the partition's key. */
export function rankStep(compiler: StepContext, step: RankStep): RowStream {
  const { most, columns } = step;
  const { env, queryId, builder } = compiler;
  const partitions = partitionsOf(compiler, step);
  const put = putInOrder(compiler, step);
  const name = rankStoreName(step);
  builder.addStateStore({
    kind: 'key-value',
    name,
    key: partitions.key,
    value: storedRows(step),
    storeType: 'PERSISTENT',
  });

  type Emit = (partition: Row, number: number, row: Row, timestamp: number) => void;
  const processing = (store: KeyValueStore<Row, FirstRows>, emit: Emit) => (row: Row, timestamp: number) => {
    const partition = partitions.of(row);
    if (partition.includes(null)) {
      const error = new Error('A part of PARTITION BY is null: the row is in no partition, and has no number.');
      env.log({ kind: 'processing', queryId, step: 'ROW_NUMBER', error, row });
      return;
    }
    const kept = store.get(partition) ?? [[], []];
    const [rows, times] = kept;
    const changed = put(kept, row, timestamp);
    if (changed >= rows.length) return;
    for (let i = changed; i < rows.length; i++)
      emit(partition, i + 1, numberedRow(step, partition, rows[i]!, i + 1), times[i]!);
    store.put(partition, kept);
  };

  const options = { stores: [name], value: internalSerde(columns) as Serde<Row> };
  if (most === 1) {
    return partitions.stream.processValues<Row | null>(({ keyValueStore, forward }) => {
      const process = processing(keyValueStore(name), (_partition, _number, value, timestamp) =>
        forward({ value, timestamp }),
      );
      return { process: ({ value, timestamp }) => process(value!, timestamp) };
    }, options);
  }
  return partitions.stream.process<RowKey, Row | null>(
    ({ keyValueStore, forward }) => {
      const process = processing(keyValueStore(name), (partition, number, value, timestamp) =>
        forward({ key: [...partition, number], value, timestamp }),
      );
      return { process: ({ value, timestamp }) => process(value!, timestamp) };
    },
    { ...options, key: groupKeySerde(env, step) as Serde<NonNullable<RowKey>> },
  );
}

/** A row as the step gives it: behind the input's columns those of the partition that are none of them, and the number. */
export function numberedRow({ input, partitionBy, columns }: RankStep, partition: Row, row: Row, number: number): Row {
  const made = columns.slice(input.columns.length, -1);
  const values = made.map(({ name }) => partition[partitionBy.findIndex((key) => key.name === name)]!);
  return [...row, ...values, number];
}

/** How the first rows of a partition are kept. */
export function storedRows({ input }: Pick<RankStep, 'input'>): Serde<FirstRows> {
  const row = structOf(input.columns.map(({ name, type }) => ({ name, type })));
  const columns = [
    { name: 'ROWS', type: arrayOf(row) },
    { name: 'TIMES', type: arrayOf(BIGINT) },
  ];
  return internalSerde(columns) as unknown as Serde<FirstRows>;
}

/** Puts a row among the first, behind equal ones; answers the first place that has another row now. */
function putInOrder(compiler: StepContext, { input, orderBy, most }: RankStep) {
  const evaluator = new Evaluator(compiler.env.functions, input.columns);
  const terms = orderBy.map((term) => ({
    evaluate: compiler.guarded(evaluator.evaluate(term.expression), 'ORDER BY', input),
    compare: comparing(term),
  }));
  const comesBefore = (a: Row, b: Row): boolean => {
    for (const { evaluate, compare } of terms) {
      const sign = compare(evaluate(a), evaluate(b));
      if (sign !== 0) return sign < 0;
    }
    return false;
  };
  return ([rows, times]: FirstRows, row: Row, timestamp: number): number => {
    let [place, high] = [0, rows.length];
    while (place < high) {
      const middle = (place + high) >>> 1;
      if (comesBefore(row, rows[middle]!)) high = middle;
      else place = middle + 1;
    }
    if (place >= most) return place;
    rows.splice(place, 0, row);
    if (rows.length > most) rows.pop();
    // A change is not older than what it changes, nor than the row that has moved.
    const last = times.at(-1) ?? timestamp;
    for (let i = place; i < rows.length; i++) times[i] = Math.max(timestamp, times[i] ?? last);
    return place;
  };
}
