// COUNT(DISTINCT …) over a stream, without windows: which values a group has seen is kept value by value, in a step of its own in front
// of the aggregation, so that a group may have any number of them. Windows, whose groups end, have them in their states.
import { bindAggregate } from '../expressions/binding/aggregate.ts';
import type { AggregateCall } from '../expressions/typed.ts';
import type { FormatInfo } from '../formats/traits.ts';
import { BOOLEAN } from '../types.ts';
import { binderFor, type PlanEnvironment } from './environment.ts';
import { isPlaced } from './over.ts';
import type { DistinctStep, NamedExpression, Step } from './plan.ts';
import type { KeyExpression } from './query-context.ts';

interface Grouped {
  readonly input: Step;
  readonly groupKeys: readonly KeyExpression[];
  readonly rekeys: boolean;
  readonly context: string;
  readonly keyFormat: FormatInfo;
}

type Aggregates = readonly NamedExpression<AggregateCall>[];

/** The step, and the aggregates that count what it lets through; undefined where none counts distinct values. */
export function planDistinct(
  env: PlanEnvironment,
  { input, groupKeys, rekeys, context, keyFormat }: Grouped,
  aggregates: Aggregates,
): { readonly step: DistinctStep; readonly aggregates: Aggregates } | undefined {
  const counted = aggregates.filter(({ expression }) => expression.isDistinct);
  if (counted.length === 0) return undefined;
  const names = new Map(counted.map(({ name }, i) => [name, `KSQL_DISTINCT_${i}`]));
  const columns = [...input.columns, ...[...names.values()].map((name) => ({ name, type: BOOLEAN }))];
  const step: DistinctStep = {
    kind: 'distinct',
    context,
    input,
    partitionBy: groupKeys.map(({ name, expression, text }) => ({ name, expression, text })),
    rekeys: rekeys || !isPlaced(input),
    calls: counted.map(({ name, expression, text }) => ({ name: names.get(name)!, expression, text })),
    keyFormat,
    columns,
    key: groupKeys.map(({ name, type }) => ({ name, type })),
    table: false,
    window: undefined,
  };
  const binder = binderFor(env, columns);
  return {
    step,
    aggregates: aggregates.map((aggregate) => {
      const name = names.get(aggregate.name);
      if (name === undefined) return aggregate;
      const call = { kind: 'call', name: 'COUNT', args: [{ kind: 'column', name }] } as const;
      return { ...aggregate, expression: bindAggregate(binder, call, () => undefined, false) };
    }),
  };
}
