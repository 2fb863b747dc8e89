// What a pull query makes of the rows that it finds, all of them before the first is given (`plan/arrange.ts`): each row once
// (DISTINCT), an order, and a stretch of it (LIMIT, OFFSET). ksqlDB has none of these.
import { refuse } from '../errors.ts';
import type { ArrangeStep, OrderTerm } from '../plan/plan.ts';
import type { Settings } from '../statements/context.ts';
import { comparing } from '../values/ordering.ts';
import { identityOf, type Row } from '../values/value.ts';

export const ROWS_PER_SLICE = 500;
/** So many rows are merged in one go. */
const ROWS_PER_TURN = 10_000;

/** Slices are small, and some are empty: whoever takes the last of them (`written` in `pull.ts`) gives others their turn in between. */
export type Slices = AsyncIterable<readonly Row[]>;

/** Is told how many rows a part of a query keeps now, and throws where the query keeps too many. */
export type Room = (rows: number) => void;

/** How many rows a pull query may keep until it can give the first, all of its parts together. */
export class KeptRows {
  readonly #most: number;
  #kept = 0;

  constructor(setting: Settings) {
    this.#most = Number(setting(SETTING));
  }

  /** The room of one part. */
  part(): Room {
    let own = 0;
    return (rows) => {
      this.#kept += rows - own;
      own = rows;
      if (this.#kept > this.#most)
        refuse(
          `The query has to keep more than ${this.#most} rows to order, group, compare or join them (${SETTING}): select fewer.`,
        );
    };
  }
}

const SETTING = 'ksql.query.pull.kept.rows.max';

/** The rows of a step, made of those of its input. */
export async function* arrangedRows(step: ArrangeStep, found: Slices, kept: KeptRows): AsyncGenerator<readonly Row[]> {
  const { distinct, order, offset, limit = Number.POSITIVE_INFINITY, columns } = step;
  let slices = found;
  if (distinct) slices = once(slices, kept.part());
  if (order.length > 0) slices = inOrder(slices, ordering(order), offset + limit, kept.part());
  for await (const rows of stretch(slices, offset, limit))
    yield columns.length === step.input.columns.length ? rows : rows.map((row) => row.slice(0, columns.length));
}

// ── DISTINCT ──────────────────────────────────────────────────────────────────────────────────────────────────────

async function* once(slices: Slices, room: Room): AsyncGenerator<Row[]> {
  const seen = new Set<unknown>();
  for await (const rows of slices) {
    yield rows.filter((row) => {
      const identity = identityOf(row);
      if (seen.has(identity)) return false;
      seen.add(identity);
      return true;
    });
    room(seen.size);
  }
}

// ── ORDER BY ──────────────────────────────────────────────────────────────────────────────────────────────────────

type Order = (a: Row, b: Row) => number;

function ordering(order: readonly OrderTerm[]): Order {
  const terms = order.map(({ place, descending, nulls }): Order => {
    const compare = comparing({ descending, nulls });
    return (a, b) => compare(a[place]!, b[place]!);
  });
  return (a, b) => {
    for (const compare of terms) {
      const sign = compare(a, b);
      if (sign !== 0) return sign;
    }
    return 0;
  };
}

/** The first `wanted` rows in order, equal ones as they came; of each run no more are kept. */
async function* inOrder(slices: Slices, order: Order, wanted: number, room: Room): AsyncGenerator<Row[]> {
  // Runs in order, the longer ones first: two of about one length become one, so that a row is moved log n times.
  const runs: Row[][] = [];
  let kept = 0;
  for await (const rows of slices) {
    let run = rows.toSorted(order).slice(0, wanted);
    while (runs.length > 0 && runs.at(-1)!.length <= run.length) run = yield* merged(runs.pop()!, run, order, wanted);
    runs.push(run);
    kept = runs.reduce((sum, { length }) => sum + length, 0);
    room(kept);
    yield [];
  }
  let all: Row[] = [];
  for (const run of runs.toReversed()) all = yield* merged(run, all, order, wanted);
  for (let at = 0; at < all.length; at += ROWS_PER_SLICE) yield all.slice(at, at + ROWS_PER_SLICE);
}

/** The first `wanted` rows of two runs, those of the first before equal ones of the second; in between, nothing is yielded. */
function* merged(a: readonly Row[], b: readonly Row[], order: Order, wanted: number): Generator<Row[], Row[]> {
  const rows: Row[] = [];
  const length = Math.min(wanted, a.length + b.length);
  for (let i = 0, j = 0; rows.length < length; ) {
    const isFirst = j === b.length || (i < a.length && order(a[i]!, b[j]!) <= 0);
    rows.push(isFirst ? a[i++]! : b[j++]!);
    if (rows.length % ROWS_PER_TURN === 0) yield [];
  }
  return rows;
}

// ── LIMIT and OFFSET ──────────────────────────────────────────────────────────────────────────────────────────────

async function* stretch(slices: Slices, offset: number, limit: number): AsyncGenerator<readonly Row[]> {
  let toSkip = offset;
  let left = limit;
  if (left === 0) return;
  for await (const rows of slices) {
    const found = rows.slice(toSkip, toSkip + left);
    toSkip = Math.max(0, toSkip - rows.length);
    left -= found.length;
    yield found;
    if (left <= 0) return;
  }
}
