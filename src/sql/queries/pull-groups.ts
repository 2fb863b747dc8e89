// Aggregates in a pull query: rows that were found are added up, by group. Without GROUP BY there is one row, made of all that
// are found; where none are, the aggregates are those of nothing.
import { aggregatorOf } from '../expressions/evaluation/call.ts';
import { Evaluator } from '../expressions/evaluation/evaluator.ts';
import { functionSettings, type PlanEnvironment } from '../plan/environment.ts';
import type { AggregateStep } from '../plan/plan.ts';
import { identityOf, type Row, type SqlValue } from '../values/value.ts';
import { orNull } from './materialization.ts';
import { type Room, ROWS_PER_SLICE, type Slices } from './pull-shape.ts';

/** The rows of a step, made of those of its input: results, then what they are grouped by. */
export async function* groupedRows(
  environment: PlanEnvironment,
  step: AggregateStep,
  found: Slices,
  room: Room,
): AsyncGenerator<Row[]> {
  const groups = new Groups(environment, step);
  if (step.isOneGroup) groups.of([]);
  for await (const rows of found) {
    for (const row of rows) groups.add(row);
    room(groups.size);
    yield [];
  }
  yield* groups.results();
}

interface Group {
  readonly keys: Row;
  readonly states: SqlValue[];
}

class Groups {
  readonly #groups = new Map<SqlValue, Group>();
  readonly #keys;
  readonly #aggregates;

  constructor(environment: PlanEnvironment, { input, groupBy, aggregates }: AggregateStep) {
    const { functions } = environment;
    const evaluator = new Evaluator(functions, input.columns);
    this.#keys = groupBy.map(({ expression }) => evaluator.evaluate(expression));
    this.#aggregates = aggregates.map(({ expression: call }) => ({
      aggregator: aggregatorOf(functions, call, functionSettings(environment, call.function)),
      args: call.args.map((arg) => evaluator.evaluate(arg)),
      filter: call.filter && evaluator.evaluate(call.filter),
    }));
  }

  get size(): number {
    return this.#groups.size;
  }

  of(row: Row): Group {
    const keys = this.#keys.map((key) => orNull(key, row));
    const identity = keys.length === 1 ? identityOf(keys[0]!) : identityOf(keys);
    let group = this.#groups.get(identity);
    if (group === undefined) {
      group = { keys, states: this.#aggregates.map(({ aggregator }) => aggregator.init()) };
      this.#groups.set(identity, group);
    }
    return group;
  }

  add(row: Row): void {
    const { states } = this.of(row);
    this.#aggregates.forEach(({ aggregator, args, filter }, i) => {
      if (filter !== undefined && orNull(filter, row) !== true) return;
      const values = args.map((arg) => orNull(arg, row));
      // As in persistent queries, a row that can't be added leaves the aggregate as it was.
      states[i] = orNull(() => aggregator.add(states[i]!, values), row) ?? states[i]!;
    });
  }

  *results(): Generator<Row[]> {
    let found: Row[] = [];
    for (const { keys, states } of this.#groups.values()) {
      found.push([...this.#aggregates.map(({ aggregator }, i) => aggregator.result(states[i]!)), ...keys]);
      if (found.length < ROWS_PER_SLICE) continue;
      yield found;
      found = [];
    }
    yield found;
  }
}
