// What a pull query makes of the rows that it finds, all of them before the first is given: groups (`pull-groups.ts`), each
// row once (DISTINCT), an order, and a stretch of it (LIMIT, OFFSET). ksqlDB has none of these.
//
// What is ordered by is a column of the result: one of those that are selected, or one more (`ORDER_PREFIX`), which is taken
// away in the end.
import { refuse } from '../errors.ts';
import type { Expression, Ordering, Query, SelectItem } from '../parser/ast.ts';
import { printExpression } from '../parser/print.ts';
import type { PlanEnvironment } from '../plan/environment.ts';
import type { Step } from '../plan/plan.ts';
import { isSystemColumn } from '../schema.ts';
import type { ResultColumn } from '../statements/entities.ts';
import type { Settings } from '../statements/context.ts';
import { typeText } from '../types.ts';
import { comparing } from '../values/ordering.ts';
import { identityOf, type Row } from '../values/value.ts';
import { groupsOf, type Shape, type Slices } from './pull-groups.ts';

const ORDER_PREFIX = 'KSQL_ORDER_';
const ROWS_PER_SLICE = 500;
/** So many rows are merged in one go. */
const ROWS_PER_TURN = 10_000;

/** A query whose result has the columns, too, that it is ordered by. */
export function withOrderColumns(query: Query): Query {
  if (query.orderBy === undefined) return query;
  const more = query.orderBy.flatMap(({ expression }, i): SelectItem[] =>
    isSelected(expression, query) ? [] : [{ kind: 'item', expression, alias: `${ORDER_PREFIX}${i}` }],
  );
  if (more.length > 0 && query.distinct === true)
    refuse('For SELECT DISTINCT, what is ordered by must be among what is selected.');
  return { ...query, select: [...query.select, ...more] };
}

/** The columns that a client sees. */
export function shownColumns<C extends ResultColumn>(columns: readonly C[]): C[] {
  return columns.filter(({ name }) => !name.startsWith(ORDER_PREFIX));
}

/** Undefined for queries whose rows are given as they are found. */
export function shapeOf(
  environment: PlanEnvironment,
  query: Query,
  { root, columns }: { readonly root: Step; readonly columns: readonly ResultColumn[] },
): Shape | undefined {
  const { distinct, orderBy = [], limit = Number.POSITIVE_INFINITY, offset = 0 } = query;
  const groups = groupsOf(environment, root, query.groupBy !== undefined);
  if (groups === undefined && distinct !== true && orderBy.length === 0 && offset === 0) return undefined;
  const order = orderOf(orderBy, query, columns);
  const shown = shownColumns(columns).map((column) => columns.indexOf(column));
  return {
    rows: groups?.rows ?? root,
    async *over(found, room) {
      let slices: Slices = groups?.over(found, room) ?? found;
      if (distinct === true) slices = once(slices, room);
      if (order !== undefined) slices = inOrder(slices, order, offset + limit, room);
      for await (const rows of stretch(slices, offset, limit)) yield rows.map((row) => shown.map((i) => row[i]!));
    },
  };
}

/** How many rows a pull query may keep until it can give the first. */
export function roomFor(setting: Settings): (rows: number) => void {
  const name = 'ksql.query.pull.kept.rows.max';
  const most = Number(setting(name));
  return (rows) => {
    if (rows > most)
      refuse(`The query has to keep more than ${most} rows to order, group or compare them (${name}): select fewer.`);
  };
}

// ── DISTINCT ──────────────────────────────────────────────────────────────────────────────────────────────────────

async function* once(slices: Slices, room: (rows: number) => void): AsyncGenerator<Row[]> {
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

/** Whether the result has what is ordered by without our doing: by place, by name, or as the same expression. */
function isSelected(expression: Expression, query: Query): boolean {
  if (expression.kind === 'integer' || itemOf(expression, query) !== undefined) return true;
  return expression.kind === 'column' && !isSystemColumn(expression.name) && starHas(expression.source, query);
}

/** The item that is called so, or that is the same expression. */
function itemOf(expression: Expression, { select }: Query): SelectItem | undefined {
  const name = expression.kind === 'column' && expression.source === undefined ? expression.name : undefined;
  const printed = printExpression(expression);
  return (
    select.find((item) => item.kind === 'item' && name !== undefined && item.alias === name) ??
    select.find((item) => item.kind === 'item' && printExpression(item.expression) === printed)
  );
}

function starHas(source: string | undefined, { select }: Query): boolean {
  return select.some(
    (item) => item.kind === 'all' && (item.source === undefined || source === undefined || item.source === source),
  );
}

function orderOf(orderBy: readonly Ordering[], query: Query, columns: readonly ResultColumn[]): Order | undefined {
  if (orderBy.length === 0) return undefined;
  const terms = orderBy.map(({ expression, descending, nulls }, i) => {
    const place = placeOf(expression, i, query, columns);
    const { type } = columns[place]!;
    if (type.kind === 'ARRAY' || type.kind === 'MAP' || type.kind === 'STRUCT')
      refuse(`ORDER BY ${printExpression(expression)}: values of type ${typeText(type)} have no order.`);
    const compare = comparing({ descending, nulls });
    return (a: Row, b: Row): number => compare(a[place]!, b[place]!);
  });
  return (a, b) => {
    for (const compare of terms) {
      const sign = compare(a, b);
      if (sign !== 0) return sign;
    }
    return 0;
  };
}

/** Which column of the result is ordered by. */
function placeOf(expression: Expression, nth: number, query: Query, columns: readonly ResultColumn[]): number {
  const named = (name: string) => columns.findIndex((column) => column.name === name);
  const shown = shownColumns(columns).length;
  if (expression.kind === 'integer') {
    const { value } = expression;
    if (value < 1 || value > shown)
      refuse(`ORDER BY ${value}: the result has ${shown} columns, which are counted from 1.`);
    return value - 1;
  }
  const own = named(`${ORDER_PREFIX}${nth}`);
  if (own >= 0) return own;
  const item = itemOf(expression, query);
  if (item !== undefined && query.select.every(({ kind }) => kind === 'item')) return query.select.indexOf(item);
  if (expression.kind === 'column') {
    const { source, name } = expression;
    const found = [source === undefined ? name : `${source}_${name}`, name].map(named).find((place) => place >= 0);
    if (found !== undefined) return found;
  }
  return refuse(`ORDER BY ${printExpression(expression)}: the result has no such column.`);
}

/** The first `wanted` rows in order, equal ones as they came; of each run no more are kept. */
async function* inOrder(
  slices: Slices,
  order: Order,
  wanted: number,
  room: (rows: number) => void,
): AsyncGenerator<Row[]> {
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
  for await (const rows of slices) {
    const found = rows.slice(toSkip, toSkip + left);
    toSkip = Math.max(0, toSkip - rows.length);
    left -= found.length;
    yield found;
    if (left <= 0) return;
  }
}
