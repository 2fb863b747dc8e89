// Joins in a pull query: the rows of one side are kept by what they are joined on, those of the other pass by. Kept is the left
// side where it is small, which is known when so many of its rows have been read, and else the right one. Behind a small left
// side, a table on the right may be looked up instead of being read (`join-lookups.ts`).
import { Evaluator } from '../expressions/evaluation/evaluator.ts';
import type { Evaluate } from '../expressions/evaluation/evaluate.ts';
import type { TypedExpression } from '../expressions/typed.ts';
import type { PlanEnvironment } from '../plan/environment.ts';
import type { HashJoinStep } from '../plan/plan.ts';
import { Decimal } from '../../util/index.ts';
import { identityOf, type Row, type SqlValue } from '../values/value.ts';
import { joinLookup } from './join-lookups.ts';
import { type Lookup, orNull } from './materialization.ts';
import { type Room, ROWS_PER_SLICE, type Slices } from './pull-shape.ts';

/** A left side with no more rows than this is small. */
export const SMALL_SIDE_MAX = 1000;

export interface JoinSides {
  readonly left: Slices;
  /** The right side: all of it, or of a table the rows that are looked up. */
  right(lookup: Lookup | undefined): Slices;
}

export async function* joinedRows(
  environment: PlanEnvironment,
  step: HashJoinStep,
  sides: JoinSides,
  room: Room,
): AsyncGenerator<Row[]> {
  const { functions } = environment;
  const lookup = joinLookup(environment, step);
  const small: Row[] = [];
  const leftRows = sides.left[Symbol.asyncIterator]();
  try {
    let isSmall = false;
    while (small.length <= SMALL_SIDE_MAX && !isSmall) {
      const { done, value } = await leftRows.next();
      if (done === true) isSmall = true;
      else small.push(...value);
      room(small.length);
      yield [];
    }
    const isOfLeft = step.type === 'INNER' || step.type === 'LEFT';
    if (isSmall && small.length === 0 && isOfLeft) return;
    const kept = new KeptSide(functions, step, isSmall ? 'left' : 'right');
    if (isSmall) {
      kept.add(small);
      for await (const rows of sides.right(lookup?.of(small))) yield* kept.meet(rows);
    } else {
      for await (const rows of sides.right(undefined)) {
        kept.add(rows);
        room(small.length + kept.size);
        yield [];
      }
      yield* kept.meet(small);
      for await (const rows of { [Symbol.asyncIterator]: () => leftRows }) yield* kept.meet(rows);
    }
    yield* kept.unmet();
  } finally {
    await leftRows.return?.();
  }
}

type Side = 'left' | 'right';

interface KeptRow {
  readonly row: Row;
  hasMet: boolean;
}

/** The rows of one side, by what they are joined on. */
class KeptSide {
  readonly #step: HashJoinStep;
  readonly #side: Side;
  readonly #rows = new Map<SqlValue, KeptRow[]>();
  /** Rows that are joined on a null meet nobody. */
  readonly #alone: KeptRow[] = [];
  readonly #keptIdentity: (row: Row) => SqlValue;
  readonly #passingIdentity: (row: Row) => SqlValue;
  readonly #condition: Evaluate | undefined;
  size = 0;

  constructor(functions: PlanEnvironment['functions'], step: HashJoinStep, side: Side) {
    this.#step = step;
    this.#side = side;
    const other = otherThan(side);
    const identity = (of: Side) =>
      identityBy(
        new Evaluator(functions, step[of].columns),
        step.criteria.map((criterion) => criterion[of]),
      );
    this.#keptIdentity = identity(side);
    this.#passingIdentity = identity(other);
    this.#condition = step.condition && new Evaluator(functions, step.columns).evaluate(step.condition);
  }

  add(rows: readonly Row[]): void {
    for (const row of rows) {
      const identity = this.#keptIdentity(row);
      const kept = { row, hasMet: false };
      const equal = identity === null ? this.#alone : this.#rows.get(identity);
      if (equal === undefined) this.#rows.set(identity, [kept]);
      else equal.push(kept);
      this.size++;
    }
  }

  /** The joined rows of passing ones. */
  *meet(rows: readonly Row[]): Generator<Row[]> {
    const alone = this.#isPreserved(otherThan(this.#side)) ? this.#nulls(this.#side) : undefined;
    let found: Row[] = [];
    for (const row of rows) {
      const identity = this.#passingIdentity(row);
      let hasMet = false;
      for (const kept of (identity === null ? undefined : this.#rows.get(identity)) ?? []) {
        const joined = this.#pair(kept.row, row);
        if (this.#condition !== undefined && orNull(this.#condition, joined) !== true) continue;
        hasMet = true;
        kept.hasMet = true;
        found.push(joined);
        if (found.length < ROWS_PER_SLICE) continue;
        yield found;
        found = [];
      }
      if (!hasMet && alone !== undefined) found.push(this.#pair(alone, row));
    }
    yield found;
  }

  /** The kept rows that none has met, where the join has them in its result. */
  *unmet(): Generator<Row[]> {
    if (!this.#isPreserved(this.#side)) return;
    const nulls = this.#nulls(otherThan(this.#side));
    let found: Row[] = [];
    for (const rows of [this.#alone, ...this.#rows.values()]) {
      for (const { row, hasMet } of rows) {
        if (hasMet) continue;
        found.push(this.#pair(row, nulls));
        if (found.length < ROWS_PER_SLICE) continue;
        yield found;
        found = [];
      }
    }
    yield found;
  }

  #pair(kept: Row, passing: Row): Row {
    return this.#side === 'left' ? [...kept, ...passing] : [...passing, ...kept];
  }

  #nulls(side: Side): Row {
    return this.#step[side].columns.map(() => null);
  }

  #isPreserved(side: Side): boolean {
    const { type } = this.#step;
    return type === 'FULL' || type === side.toUpperCase();
  }
}

const otherThan = (side: Side): Side => (side === 'left' ? 'right' : 'left');

/** By what rows are joined that are equal in all of some values; null where one of them is equal to nothing. */
function identityBy(evaluator: Evaluator, expressions: readonly TypedExpression[]): (row: Row) => SqlValue {
  const parts = expressions.map((expression) => evaluator.evaluate(expression));
  const valueOf = (part: Evaluate, row: Row): SqlValue => {
    const value = orNull(part, row);
    if (value instanceof Decimal) return withoutZeros(value);
    return Number.isNaN(value) ? null : value;
  };
  const [only, ...others] = parts as [Evaluate, ...Evaluate[]];
  if (others.length === 0) return (row) => identityOf(valueOf(only, row));
  return (row) => {
    const values = parts.map((part) => valueOf(part, row));
    return values.includes(null) ? null : identityOf(values);
  };
}

/** Decimals of different scales are equal by their value: one form for each. */
function withoutZeros({ unscaled, scale }: Decimal): Decimal {
  let [digits, left] = [unscaled, scale];
  while (left > 0 && digits % 10n === 0n) [digits, left] = [digits / 10n, left - 1];
  return new Decimal(digits, left);
}
