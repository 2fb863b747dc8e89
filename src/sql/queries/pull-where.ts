// What the WHERE of a pull query says about keys and windows. It is looked at as ksqlDB does: as a disjunction of
// conjunctions, each of which either binds every key column to a value, and is a look-up, or needs all rows to be read. Where
// that is not allowed (`ksql.query.pull.table.scan.enabled`), what stands in the way is said in ksqlDB's words.
import { columnsIn } from '../analysis/walk.ts';
import type { DataSource } from '../catalog.ts';
import { refuse } from '../errors.ts';
import { Evaluator } from '../expressions/evaluation/evaluator.ts';
import type { ComparisonOperator, Expression } from '../parser/ast.ts';
import { printExpression, quoteName } from '../parser/print.ts';
import { binderFor, type PlanEnvironment } from '../plan/environment.ts';
import { type Column, schemaText } from '../schema.ts';
import { isNumeric, isTemporal, type SqlType, typeText } from '../types.ts';
import { caster } from '../values/cast.ts';
import { compareValues, type Row, type SqlValue } from '../values/value.ts';
import { type IndexLookup, type IndexRange, type Lookup, orNull } from './materialization.ts';

/** A WHERE with more alternatives than this is not taken apart: all rows are read. */
const MOST_DISJUNCTS = 10_000;

const HELP =
  'See https://cnfl.io/queries for more info.\nAdd EMIT CHANGES if you intended to issue a push query.\nPull queries require a WHERE clause that:\n - includes a key equality expression, e.g. `SELECT * FROM X WHERE <key-column> = Y;`.\n - in the case of a multi-column key, is a conjunction of equality expressions that cover all key columns.\nIf more flexible queries are needed, table scans can be enabled by setting ksql.query.pull.table.scan.enabled=true.';

/** Which rows have to be read for what a WHERE wants; refuses what would need all of them where that is switched off. */
export function lookupOf(
  env: PlanEnvironment,
  where: Expression | undefined,
  source: DataSource,
  mayScan = env.setting('ksql.query.pull.table.scan.enabled') !== 'false',
): Lookup {
  if (where === undefined) return mayScan ? {} : refuse(`Missing WHERE clause. ${HELP}`);
  const disjuncts = disjunctsOf(where, false);
  if (disjuncts === undefined) return mayScan ? {} : refuse(`The WHERE clause has too many alternatives. ${HELP}`);
  const found = disjuncts.map((conditions) => new Conjunction(env, source, mayScan).read(conditions));
  if (!mayScan && found.some(({ hasRange }) => hasRange)) checkRange(env, source, found.length);
  const rows = found.map(({ key }) => key);
  const windows = found.map(({ windowStart }) => windowStart);
  return {
    ...(rows.every((row) => row !== undefined) ? { keys: distinct(rows) } : {}),
    ...(source.window === undefined
      ? {}
      : {
          windowStart: {
            from: Math.min(...windows.map(({ from }) => from)),
            to: Math.max(...windows.map(({ to }) => to)),
          },
        }),
  };
}

/** One range over the only key, if that is text, is no scan. */
function checkRange({ setting }: PlanEnvironment, { schema, window }: DataSource, disjuncts: number): void {
  const { key } = schema;
  const isRange = disjuncts === 1 && window === undefined && key.length === 1 && key[0]!.type.kind === 'STRING';
  if (!isRange || setting('ksql.query.pull.range.scan.enabled') === 'false') {
    refuse(
      'Query requires table scan to be enabled. Table scans can be enabled by setting ksql.query.pull.table.scan.enabled=true',
    );
  }
}

/** How an index of a table may find what a WHERE wants; undefined where none can. */
export function indexLookupOf(env: PlanEnvironment, where: Expression, source: DataSource): IndexLookup | undefined {
  const disjuncts = disjunctsOf(where, false);
  if (disjuncts === undefined) return undefined;
  const said = disjuncts.map((conditions) => conditions.flatMap((condition) => comparisonIn(condition) ?? []));
  const { key, value } = source.schema;
  const columns = [...value, ...key];
  const found = env.catalog.indexes(source.name).flatMap(({ name, columns: names }): IndexLookup[] => {
    const indexed = names.map((each) => columns.find((column) => column.name === each)!);
    const places = indexed.map((column) => columns.indexOf(column));
    const values = said.map((comparisons) => indexed.map((column) => equalTo(env, column, comparisons)));
    if (values.every((row) => row.every((each) => each !== undefined)))
      return [{ name, places, values: distinct(values as Row[]), range: {} }];
    const [only] = indexed;
    const range = indexed.length === 1 && said.length === 1 ? rangeOf(env, only!, said[0]!) : {};
    return range.from === undefined && range.to === undefined ? [] : [{ name, places, values: undefined, range }];
  });
  // The more is said, the fewer rows there are.
  const rank = ({ values, places, range }: IndexLookup): number =>
    values === undefined ? (range.from === undefined ? 0 : 1) + (range.to === undefined ? 0 : 1) : 10 * places.length;
  return found.sort((a, b) => rank(b) - rank(a))[0];
}

/** What a column is compared with. */
interface ColumnComparison {
  readonly column: string;
  readonly op: ComparisonOperator;
  readonly other: Expression;
}

function comparisonIn(e: Expression): ColumnComparison | undefined {
  if (e.kind !== 'comparison') return undefined;
  const isTurned = e.left.kind !== 'column';
  const [column, other] = isTurned ? [e.right, e.left] : [e.left, e.right];
  if (column.kind !== 'column' || columnsIn(other).length > 0) return undefined;
  return { column: column.name, op: isTurned ? (TURNED[e.op] ?? e.op) : e.op, other };
}

function equalTo(env: PlanEnvironment, column: Column, comparisons: readonly ColumnComparison[]): SqlValue | undefined {
  const said = comparisons.find(({ column: name, op }) => name === column.name && op === '=');
  return said && indexedValue(env, column, said.other);
}

function rangeOf(env: PlanEnvironment, column: Column, comparisons: readonly ColumnComparison[]): IndexRange {
  let range: IndexRange = {};
  for (const { column: name, op, other } of comparisons) {
    const value = name === column.name && op in TURNED ? indexedValue(env, column, other) : undefined;
    if (value === undefined) continue;
    const bound = { value, isIncluded: op === '>=' || op === '<=' };
    // Of several the first: the rows are looked at again.
    range = op === '>' || op === '>=' ? { from: bound, ...range } : { to: bound, ...range };
  }
  return range;
}

/** A value by which rows are found that are compared with it; undefined where the column is not compared as what it is. */
function indexedValue(env: PlanEnvironment, column: Column, e: Expression): SqlValue | undefined {
  const { type } = constantOf(env, e);
  const { type: to } = column;
  const isCompared =
    type !== null &&
    (type.kind === to.kind || (isNumeric(type) && isNumeric(to)) || (type.kind === 'STRING' && isTemporal(to)));
  return isCompared ? valueAs(env, column, e) : undefined;
}

/** A value as a column has it; undefined where none is equal to it. */
function valueAs(env: PlanEnvironment, { type: to }: Column, e: Expression): SqlValue | undefined {
  const { value, type } = constantOf(env, e);
  const cast = type === null || (type.kind === 'STRING' && isNumeric(to)) ? undefined : caster(type, to);
  const converted = value === null || cast === undefined ? null : orNull(() => cast(value), []);
  return converted === null || !isSame(type!, value, to, converted) ? undefined : converted;
}

function constantOf(env: PlanEnvironment, e: Expression): { readonly value: SqlValue; readonly type: SqlType | null } {
  const bound = binderFor(env, []).bind(e);
  return { value: orNull(new Evaluator(env.functions, []).evaluate(bound), []), type: bound.type };
}

interface Bounds {
  /** The value of every key column; undefined where they are not all bound. */
  readonly key: Row | undefined;
  readonly windowStart: { readonly from: number; readonly to: number };
  readonly hasRange: boolean;
}

/** Conditions that hold together. */
class Conjunction {
  readonly #env: PlanEnvironment;
  readonly #source: DataSource;
  readonly #mayScan: boolean;
  readonly #bound = new Map<string, Expression>();
  /** Key columns that something is said about. */
  readonly #seen = new Set<string>();
  #hasRange = false;
  #from = 0;
  #to = Number.MAX_SAFE_INTEGER;

  constructor(env: PlanEnvironment, source: DataSource, mayScan: boolean) {
    this.#env = env;
    this.#source = source;
    this.#mayScan = mayScan;
  }

  read(conditions: readonly Expression[]): Bounds {
    for (const condition of conditions) {
      if (condition.kind === 'comparison') this.#comparison(condition);
      else if (condition.kind === 'like' && columnsIn(condition).length === 0)
        this.#needsScan('Like condition must be between strings');
    }
    const { key } = this.#source.schema;
    if (this.#seen.size === 0) {
      const shown = conditions.map(printExpression).reduce((left, right) => `(${left} AND ${right})`);
      this.#needsScan(`WHERE clause missing key column for disjunct: ${shown}`);
    } else if (this.#seen.size < key.length) {
      const specified = key.filter(({ name }) => this.#seen.has(name)).map(({ name }) => quoteName(name));
      this.#needsScan(
        `Multi-column sources must specify every key in the WHERE clause. Specified: [${specified.join(', ')}] Expected: ${schemaText({ key, value: [] })}`,
      );
    }
    const isBound = key.length > 0 && key.every(({ name }) => this.#bound.has(name));
    return {
      key: isBound ? key.map((column) => this.#valueOf(column, this.#bound.get(column.name)!)) : undefined,
      windowStart: { from: this.#from, to: this.#to },
      hasRange: this.#hasRange,
    };
  }

  #comparison(condition: Expression & { kind: 'comparison' }): void {
    const isTurned = condition.left.kind !== 'column';
    const [column, other] = isTurned ? [condition.right, condition.left] : [condition.left, condition.right];
    if (column.kind !== 'column') return this.#needsScan('A comparison must directly reference a key column');
    const { name } = column;
    const op = isTurned ? (TURNED[condition.op] ?? condition.op) : condition.op;
    const { key } = this.#source.schema;
    const isKey = key.some((each) => each.name === name);
    const isBound = name === 'WINDOWSTART' || name === 'WINDOWEND';
    if (columnsIn(other).length > 0) {
      return this.#needsScan('A comparison must be between a key column and a resolvable expression');
    }
    if (isBound && name === 'WINDOWSTART') this.#window(op, other);
    if (!isKey) return;
    if (op !== '=' && !(op in TURNED))
      return this.#needsScan(`Bound on key columns '[${key.map(keyText).join(', ')}]' must currently be '='`);
    if (this.#seen.has(name)) {
      return this.#needsScan(
        'A comparison condition on the key column cannot be combined with other comparisons such as an IN predicate',
      );
    }
    this.#seen.add(name);
    if (op === '=') this.#bound.set(name, other);
    else this.#hasRange = true;
  }

  #window(op: ComparisonOperator, other: Expression): void {
    const { value } = constantOf(this.#env, other);
    if (value === null) return;
    const time = Number(value);
    if (op === '=') [this.#from, this.#to] = [Math.max(this.#from, time), Math.min(this.#to, time)];
    else if (op === '>=') this.#from = Math.max(this.#from, time);
    else if (op === '>') this.#from = Math.max(this.#from, Math.floor(time) + 1);
    else if (op === '<=') this.#to = Math.min(this.#to, time);
    else if (op === '<') this.#to = Math.min(this.#to, Math.ceil(time) - 1);
  }

  /** A value as the key has it, so that it is found. */
  #valueOf(column: Column, e: Expression): SqlValue {
    const { name, type } = column;
    if (constantOf(this.#env, e).value === null)
      return refuse(`Primary key columns can not be NULL: (${name} = ${printExpression(e)})`);
    return (
      valueAs(this.#env, column, e) ??
      refuse(`${printExpression(e)} can not be converted to the type of the key column: ${name} ${typeText(type)} KEY`)
    );
  }

  #needsScan(why: string): void {
    if (!this.#mayScan) refuse(`${why}. ${HELP}`);
  }
}

/** Operators that order, and what they are with their sides changed. */
const TURNED: Partial<Record<ComparisonOperator, ComparisonOperator>> = { '<': '>', '<=': '>=', '>': '<', '>=': '<=' };

function keyText({ name, type }: Column): string {
  return `${quoteName(name)} ${typeText(type)} KEY`;
}

/** Nothing was lost when a number was made one of another type. */
function isSame(type: SqlType, value: SqlValue, keyType: SqlType, converted: SqlValue): boolean {
  if (!isNumeric(type) || !isNumeric(keyType)) return true;
  const back = caster(keyType, type)!;
  const again = orNull(() => back(converted), []);
  return again !== null && compareValues(again, value) === 0;
}

/** The disjuncts of a condition, each as its conditions; IN and BETWEEN are what they stand for. Undefined: too many. */
function disjunctsOf(e: Expression, isNegated: boolean): Expression[][] | undefined {
  if (e.kind === 'not') return disjunctsOf(e.operand, !isNegated);
  if (e.kind === 'in') {
    const equalities = e.items.map(
      (item): Expression => ({ kind: 'comparison', op: '=', left: e.operand, right: item }),
    );
    return combined(equalities, isNegated ? 'AND' : 'OR', isNegated);
  }
  if (e.kind === 'between') {
    const { operand, low, high } = e;
    const sides: Expression[] = [
      { kind: 'comparison', op: '>=', left: operand, right: low },
      { kind: 'comparison', op: '<=', left: operand, right: high },
    ];
    return combined(sides, isNegated ? 'OR' : 'AND', isNegated);
  }
  if (e.kind === 'logical') {
    const isOr = (e.op === 'OR') !== isNegated;
    return combined([e.left, e.right], isOr ? 'OR' : 'AND', isNegated);
  }
  if (isNegated && e.kind === 'comparison') return [[{ ...e, op: NEGATED[e.op] }]];
  return [[isNegated ? { kind: 'not', operand: e } : e]];
}

const NEGATED: Record<ComparisonOperator, ComparisonOperator> = {
  '=': '<>',
  '<>': '=',
  '<': '>=',
  '<=': '>',
  '>': '<=',
  '>=': '<',
  'IS DISTINCT FROM': 'IS NOT DISTINCT FROM',
  'IS NOT DISTINCT FROM': 'IS DISTINCT FROM',
};

function combined(parts: readonly Expression[], op: 'AND' | 'OR', isNegated: boolean): Expression[][] | undefined {
  const found: Expression[][][] = [];
  for (const part of parts) {
    const disjuncts = disjunctsOf(part, isNegated);
    if (disjuncts === undefined) return undefined;
    found.push(disjuncts);
  }
  if (op === 'OR') return limited(found.flat());
  let all: Expression[][] = [[]];
  for (const disjuncts of found) {
    if (all.length * disjuncts.length > MOST_DISJUNCTS) return undefined;
    all = all.flatMap((before) => disjuncts.map((disjunct) => [...before, ...disjunct]));
  }
  return all;
}

function limited<T>(disjuncts: T[]): T[] | undefined {
  return disjuncts.length > MOST_DISJUNCTS ? undefined : disjuncts;
}

function distinct(keys: readonly Row[]): Row[] {
  const write = (value: unknown) => (typeof value === 'bigint' ? `${value}n` : value);
  return [...new Map(keys.map((key) => [JSON.stringify(key, (_name, value) => write(value)), key])).values()];
}
