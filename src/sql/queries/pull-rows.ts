// The rows of a plan that is read at rest. What it does to the rows of one source goes to where these are (`host.ts`); what is
// made of several rows, or of several sources, is made here.
import { Evaluator } from '../expressions/evaluation/evaluator.ts';
import type { PlanEnvironment } from '../plan/environment.ts';
import {
  type DerivedStep,
  type FlatMapStep,
  type HashJoinStep,
  inputsOf,
  type Step,
  stretchSource,
} from '../plan/plan.ts';
import type { Row, SqlValue } from '../values/value.ts';
import type { OpenRows } from './host.ts';
import { type Lookup, orNull } from './materialization.ts';
import { groupedRows } from './pull-groups.ts';
import { joinedRows } from './pull-join.ts';
import { arrangedRows, type KeptRows, ROWS_PER_SLICE, type Slices } from './pull-shape.ts';

/** Which of the rows of a source are read. */
export interface Reading {
  /** Those of a table that are looked up; undefined: as its conditions say. */
  readonly lookup?: Lookup | undefined;
  /** At most so many; undefined: all. */
  readonly limit?: number | undefined;
}

export interface PullRowsOptions {
  readonly environment: PlanEnvironment;
  readonly kept: KeptRows;
  /** The rows of what a plan does to one source. */
  readonly open: (stretch: Step, reading: Reading) => Promise<OpenRows<Row>>;
}

/** The stretches over single sources that a plan is made of. */
export function stretchesOf(root: Step): Step[] {
  return stretchSource(root) === undefined ? inputsOf(root).flatMap(stretchesOf) : [root];
}

export class PullRows {
  readonly #options: PullRowsOptions;

  constructor(options: PullRowsOptions) {
    this.#options = options;
  }

  of(step: Step, reading: Reading = {}): Slices {
    const { environment, kept } = this.#options;
    if (stretchSource(step) !== undefined) return this.#stretch(step, reading);
    switch (step.kind) {
      case 'derived':
        return this.#derived(step);
      case 'hashJoin':
        return this.#joined(step);
      case 'aggregate':
        return groupedRows(environment, step, this.of(step.input), kept.part());
      case 'arrange': {
        const { input, distinct, order, limit, offset } = step;
        const isCut = !distinct && order.length === 0 && limit !== undefined;
        return arrangedRows(step, this.of(input, isCut ? { limit: offset + limit } : {}), kept);
      }
      case 'filter': {
        const test = new Evaluator(environment.functions, step.input.columns).evaluate(step.predicate.expression);
        return mapped(this.of(step.input), (rows) => rows.filter((row) => orNull(test, row) === true));
      }
      case 'project': {
        const evaluator = new Evaluator(environment.functions, step.input.columns);
        const items = step.items.map(({ expression }) => evaluator.evaluate(expression));
        return mapped(this.of(step.input), (rows) => rows.map((row) => items.map((item) => orNull(item, row))));
      }
      case 'flatMap':
        return this.#flatMapped(step);
      default:
        throw new Error(`${step.kind} is not of queries that are read at rest`);
    }
  }

  async *#stretch(step: Step, reading: Reading): AsyncGenerator<readonly Row[]> {
    const rows = await this.#options.open(step, reading);
    try {
      yield* rows.batches;
    } finally {
      await rows.close();
    }
  }

  async *#derived({ inputs, prefix, names, columns }: DerivedStep): AsyncGenerator<readonly Row[]> {
    const own = (name: string) => (prefix === undefined ? name : name.slice(prefix.length + 1));
    const places = columns.map(({ name }) => names.indexOf(own(name)));
    for (const input of inputs)
      yield* mapped(this.of(input), (rows) => rows.map((row) => places.map((at) => row[at]!)));
  }

  #joined(step: HashJoinStep): Slices {
    const { environment, kept } = this.#options;
    const sides = {
      left: this.of(step.left),
      right: (lookup: Lookup | undefined) => this.of(step.right, { lookup }),
    };
    return joinedRows(environment, step, sides, kept.part());
  }

  #flatMapped({ input, calls }: FlatMapStep): Slices {
    const evaluator = new Evaluator(this.#options.environment.functions, input.columns);
    const functions = calls.map(({ expression }) => evaluator.evaluateRows(expression));
    const expanded = (row: Row): Row[] => {
      const results = functions.map((rows) => (orNull(rows, row) ?? []) as readonly SqlValue[]);
      const count = Math.max(...results.map(({ length }) => length));
      return Array.from({ length: count }, (_, i) => [...row, ...results.map((result) => result[i] ?? null)]);
    };
    return mapped(this.of(input), (rows) => rows.flatMap(expanded));
  }
}

/** In slices that are small again, however many rows have become of each. */
async function* mapped(slices: Slices, map: (rows: readonly Row[]) => Row[]): AsyncGenerator<Row[]> {
  for await (const rows of slices) {
    const found = map(rows);
    for (let at = 0; at === 0 || at < found.length; at += ROWS_PER_SLICE) yield found.slice(at, at + ROWS_PER_SLICE);
  }
}
