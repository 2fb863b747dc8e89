// Aggregates in a pull query: rows that were found are added up, by group, and what HAVING lets through is projected.
// Without GROUP BY there is one row, made of all that are found; where none are, the aggregates are those of nothing.
import { aggregatorOf } from '../expressions/evaluation/call.ts';
import { Evaluator } from '../expressions/evaluation/evaluator.ts';
import { functionSettings, type PlanEnvironment } from '../plan/environment.ts';
import type { AggregateStep, FilterStep, ProjectStep, Step } from '../plan/plan.ts';
import { identityOf, type Row, type SqlValue } from '../values/value.ts';
import { orNull } from './materialization.ts';

const ROWS_PER_SLICE = 500;

export type Slices = AsyncIterable<readonly Row[]>;

export interface Shape {
  /** Finds the rows that are shaped. */
  readonly rows: Step;
  /**
   * `room` is told how many rows are kept, and throws where they are too many. Slices are small, and some are empty: whoever
   * takes them gives others their turn in between.
   */
  over(slices: Slices, room: (rows: number) => void): AsyncGenerator<readonly Row[]>;
}

interface Grouping {
  readonly aggregate: AggregateStep;
  readonly having: FilterStep | undefined;
  readonly project: ProjectStep;
}

/** Undefined for queries whose rows are those that they find. */
export function groupsOf(environment: PlanEnvironment, root: Step, isGrouped: boolean): Shape | undefined {
  if (root.kind !== 'project') return undefined;
  const having = root.input.kind === 'filter' && root.input.clause === 'HAVING' ? root.input : undefined;
  const aggregate = having === undefined ? root.input : having.input;
  if (aggregate.kind !== 'aggregate') return undefined;
  const grouping = { aggregate, having, project: root };
  return {
    rows: everything(aggregate.input),
    async *over(slices, room) {
      const groups = new Groups(environment, grouping);
      if (!isGrouped) groups.of([]);
      for await (const rows of slices) {
        for (const row of rows) groups.add(row);
        room(groups.size);
        yield [];
      }
      yield* groups.results();
    },
  };
}

interface Group {
  readonly keys: Row;
  readonly states: SqlValue[];
}

class Groups {
  readonly #groups = new Map<SqlValue, Group>();
  readonly #keys;
  readonly #aggregates;
  readonly #having;
  readonly #items;

  constructor(environment: PlanEnvironment, { aggregate, having, project }: Grouping) {
    const { functions } = environment;
    const before = new Evaluator(functions, aggregate.input.columns);
    this.#keys = aggregate.groupBy.map(({ expression }) => before.evaluate(expression));
    this.#aggregates = aggregate.aggregates.map(({ expression: call }) => ({
      aggregator: aggregatorOf(functions, call, functionSettings(environment, call.function)),
      args: call.args.map((arg) => before.evaluate(arg)),
      filter: call.filter && before.evaluate(call.filter),
    }));
    const behind = new Evaluator(functions, aggregate.columns);
    this.#having = having === undefined ? undefined : behind.evaluate(having.predicate.expression);
    this.#items = project.items.map(({ expression }) => behind.evaluate(expression));
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
      const row = [...this.#aggregates.map(({ aggregator }, i) => aggregator.result(states[i]!)), ...keys];
      if (this.#having !== undefined && orNull(this.#having, row) !== true) continue;
      found.push(this.#items.map((item) => orNull(item, row)));
      if (found.length < ROWS_PER_SLICE) continue;
      yield found;
      found = [];
    }
    yield found;
  }
}

/** All columns of a step, as a projection. */
function everything(input: Step): ProjectStep {
  return {
    kind: 'project',
    input,
    items: input.columns.map(({ name, type }) => ({ name, expression: { kind: 'column', name, type }, text: name })),
    columns: input.columns,
    key: input.key,
    table: input.table,
    window: input.window,
  };
}
