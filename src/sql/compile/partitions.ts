// What OVER (PARTITION BY …) goes over: the rows of a stream where those of one partition meet, and how a row tells its partition.
import type { Serde } from '../../serde/index.ts';
import { Evaluator } from '../expressions/evaluation/evaluator.ts';
import { groupKeySerde } from './topology-aggregate.ts';
import { internalSerde } from '../formats/internal.ts';
import type { FormatEnvironment } from '../formats/row-serde.ts';
import type { DistinctStep, OverStep, RankStep } from '../plan/plan.ts';
import type { Row } from '../values/value.ts';
import type { RowKey, RowStream, StepContext } from './flow.ts';

type Partitioned = DistinctStep | OverStep | RankStep;

export interface Partitions {
  /** Its rows are never null. */
  readonly stream: RowStream;
  /** The values of PARTITION BY. A row of which one is null is in no partition. */
  readonly of: (row: Row) => Row;
  readonly key: Serde<Row>;
}

export function partitionsOf(compiler: StepContext, step: Partitioned): Partitions {
  const { input, partitionBy, rekeys, context } = step;
  const evaluator = new Evaluator(compiler.env.functions, input.columns);
  const parts = partitionBy.map(({ expression }) =>
    compiler.guarded(evaluator.evaluate(expression), 'PARTITION BY', input),
  );
  const of = (row: Row): Row => parts.map((evaluate) => evaluate(row));
  const keyOf = (row: Row): RowKey => {
    const partition = of(row);
    return partition.includes(null) ? null : partition;
  };
  const key = partitionSerde(compiler.env, step);
  const stream = compiler.stream(input).filter((_key, row) => row !== null, { reads: 'value' });
  if (!rekeys) return { stream, of, key };
  const placed = stream
    .selectKey((_key, row) => keyOf(row!), { reads: 'value' })
    .repartition({
      key: key as Serde<NonNullable<RowKey>>,
      value: internalSerde(input.columns) as Serde<Row>,
      name: `${context}-PartitionBy`,
    });
  return { stream: placed, of, key };
}

/** How partitions are written, in their store and in the topic that brings their rows together: as the key that they are behind it. */
export function partitionSerde(env: FormatEnvironment, step: Partitioned): Serde<Row> {
  if (step.kind === 'distinct' || (step.kind === 'rank' && step.most === 1))
    return groupKeySerde(env, step) as Serde<Row>;
  const columns = step.partitionBy.map(({ name, expression: { type } }) => ({ name, type: type! }));
  return internalSerde(columns) as Serde<Row>;
}
