// DELETE and UPDATE: what becomes of a table's rows is written to its topic. A table that a statement may write to is kept by
// no query, so its rows are read from there, too (`latest-rows.ts`); where DELETE says nothing but keys, none are.
import { serialize } from '../../serde/index.ts';
import { place, Scope } from '../analysis/scope.ts';
import { withTimeLiterals } from '../analysis/time-literals.ts';
import { columnsIn, replaceColumns } from '../analysis/walk.ts';
import type { DataSource } from '../catalog.ts';
import { headerColumns, headersOf } from '../compile/headers.ts';
import { refuse } from '../errors.ts';
import { holdsBare } from '../formats/row-serde.ts';
import { Evaluator } from '../expressions/evaluation/evaluator.ts';
import type { DeleteRows, Expression, Query, SelectItem, UpdateRows } from '../parser/ast.ts';
import { quoteName } from '../parser/print.ts';
import { binderFor, type PlanEnvironment } from '../plan/environment.ts';
import { type Step, stepsOf, stretchSource } from '../plan/plan.ts';
import { type Column, isSystemColumn } from '../schema.ts';
import { settingValues } from '../settings.ts';
import type { EngineContext, RecordWriter, Settings, WrittenRecord } from '../statements/context.ts';
import { conversionTo, recordSerdes } from '../statements/insert-values.ts';
import { planTransient } from '../statements/transient-query.ts';
import { typeNodeOf } from '../types.ts';
import type { Caster } from '../values/cast.ts';
import type { Row, SqlValue } from '../values/value.ts';
import { orNull } from './materialization.ts';
import type { KafkaExecutor } from './persistent.ts';
import { lookupOf } from './pull-where.ts';

export interface ChangeOptions {
  readonly executor: KafkaExecutor;
  readonly queryId: string;
  readonly text: string;
  readonly setting: Settings;
}

/** Resolves with what was done, when it is stored. */
export async function changeRows(
  engine: EngineContext,
  statement: DeleteRows | UpdateRows,
  options: ChangeOptions,
): Promise<string> {
  const { catalog, functions, writer } = engine;
  const { setting } = options;
  const source = writableTable(engine, statement, setting);
  if (writer === undefined) return refuse('This engine has no way to write records.');
  const change: Change = { engine, writer, source, planning: { catalog, functions, setting }, options };
  return statement.kind === 'deleteRows' ? deleteRows(change, statement) : updateRows(change, statement);
}

interface Change {
  readonly engine: EngineContext;
  readonly writer: RecordWriter;
  readonly source: DataSource;
  readonly planning: PlanEnvironment;
  readonly options: ChangeOptions;
}

function writableTable(
  { catalog, queries }: EngineContext,
  { kind, target }: DeleteRows | UpdateRows,
  setting: Settings,
) {
  const what = kind === 'deleteRows' ? 'delete rows from' : 'update rows of';
  const name = quoteName(target);
  const source = catalog.source(target);
  if (source === undefined) return refuse(`Cannot ${what} an unknown table: ${name}`);
  if (source.kind === 'STREAM') refuse(`Cannot ${what} a stream: ${name}. Its records are what happened, and stay.`);
  if (source.isSource) refuse(`Cannot ${what} a read-only table: ${name}`);
  if (setting('ksql.insert.into.values.enabled') === 'false')
    refuse(`Cannot ${what} ${name}: statements may not write records here (ksql.insert.into.values.enabled).`);
  if (source.window !== undefined) refuse(`Cannot ${what} a windowed table: ${name}`);
  const writers = [...queries.values()].filter(({ plan }) => plan.sink?.name === target);
  if (source.createdBy !== undefined || writers.length > 0)
    refuse(
      `Cannot ${what} ${name}: its rows are those of ${writers[0]?.queryId ?? 'a query'}, which would write them again. Change what that reads.`,
    );
  return source;
}

// ── DELETE ────────────────────────────────────────────────────────────────────────────────────────────────────────

async function deleteRows(change: Change, { where }: DeleteRows): Promise<string> {
  const { source, writer, engine } = change;
  const { topic } = source;
  const { root } = planned(change, [{ kind: 'item', expression: keyColumnOf(source) }], where);
  const keys = keysIn(change, where);
  if (keys !== undefined) {
    const { keySerde } = await recordSerdes(engine, source);
    await keySerde.prepare?.();
    await writer.write(keys.map((key) => ({ topic, key: serialize(keySerde, key), value: null, headers: [] })));
    return `Wrote tombstones for ${counted(keys.length, 'key')}.`;
  }
  const records = (await latest(change, root)).map(
    ([partition, key]): WrittenRecord => ({
      topic,
      partition: partition as number,
      key: key as Buffer,
      value: null,
      headers: [],
    }),
  );
  await writer.write(records);
  return `Deleted ${counted(records.length, 'row')}.`;
}

function keyColumnOf({ schema }: DataSource): Expression {
  return { kind: 'column', name: schema.key[0]!.name };
}

/** The keys of the rows, where a condition says nothing else of them. */
function keysIn({ source, planning }: Change, where: Expression): Row[] | undefined {
  const { key } = source.schema;
  if (!saysOnly(where, key)) return undefined;
  const { keys } = lookupOf(planning, where, source, true);
  const bare = replaceColumns(where, ({ name }) => ({ kind: 'column', name }));
  const test = new Evaluator(planning.functions, key).evaluate(binderFor(planning, key).bind(bare));
  return keys?.filter((row) => orNull(test, row) === true);
}

/** Whether a condition is made of equalities between key columns and values. */
function saysOnly(e: Expression, key: readonly Column[]): boolean {
  const isKey = (side: Expression) => side.kind === 'column' && key.some(({ name }) => name === side.name);
  const isValue = (side: Expression) => columnsIn(side).length === 0;
  switch (e.kind) {
    case 'logical':
      return saysOnly(e.left, key) && saysOnly(e.right, key);
    case 'comparison':
      return e.op === '=' && ((isKey(e.left) && isValue(e.right)) || (isKey(e.right) && isValue(e.left)));
    case 'in':
      return isKey(e.operand) && e.items.every(isValue);
    default:
      return false;
  }
}

// ── UPDATE ────────────────────────────────────────────────────────────────────────────────────────────────────────

async function updateRows(change: Change, { set, where }: UpdateRows): Promise<string> {
  const { source, writer, engine } = change;
  const { topic } = source;
  const columns = source.schema.value;
  const headers = headerColumns(columns);
  const assigned = new Map(set.map((each) => [each.column, assignmentOf(change, each, set)]));
  const items = columns.map(({ name }): SelectItem => {
    const expression = assigned.get(name)?.expression ?? { kind: 'column', name };
    return { kind: 'item', expression, alias: name };
  });
  const { root } = planned(change, items, where);
  const { valueSerde } = await recordSerdes(engine, source);
  await valueSerde.prepare?.();
  const ofRow = (namespace: Column['namespace'], row: Row) =>
    row.filter((_value, i) => columns[i]!.namespace === namespace);
  const isBare = holdsBare(
    source.valueFormat,
    'value',
    columns.filter(({ namespace }) => namespace === 'VALUE'),
  );
  const records = (await latest(change, root)).map(([partition, key, ...found]): WrittenRecord => {
    const row = columns.map(({ name }, i): SqlValue => {
      const value = found[i]!;
      return value === null ? null : (assigned.get(name)?.convert(value) ?? value);
    });
    const values = ofRow('VALUE', row);
    if (isBare && values[0] === null)
      refuse(
        `The only value of a row of ${quoteName(source.name)} can't be null: written bare, that is a row that is deleted.`,
      );
    return {
      topic,
      partition: partition as number,
      key: key as Buffer,
      value: serialize(valueSerde, values),
      headers: headersOf(headers, ofRow('HEADERS', row), []),
    };
  });
  await writer.write(records);
  return `Updated ${counted(records.length, 'row')}.`;
}

interface Assignment {
  readonly expression: Expression;
  /** From the expression's values to the column's. */
  readonly convert: Caster;
}

function assignmentOf(
  { source, planning }: Change,
  { column: name, value, at }: UpdateRows['set'][number],
  all: UpdateRows['set'],
): Assignment {
  const { key, value: values } = source.schema;
  const where = place(at);
  const shown = quoteName(name);
  if (all.filter(({ column }) => column === name).length > 1) refuse(`${where}${shown} is set twice.`);
  if (key.some((column) => column.name === name))
    refuse(`${where}${shown} is of the key, which says which row it is: delete that one, and insert another.`);
  if (isSystemColumn(name)) refuse(`${where}${shown} is not a column that can be set.`);
  const column = values.find((candidate) => candidate.name === name);
  if (column === undefined) return refuse(`${where}Column name ${shown} does not exist.`);
  const scope = new Scope([{ aliased: { name: source.name, alias: source.name }, source }]);
  const expression = scope.qualify(value, 'SET');
  const bound = binderFor(planning, scope.sources[0]!.columns).bind(scope.internal(expression));
  if (bound.type !== null) {
    const convert = conversionTo(column, bound, value);
    // What can't be a value of the column is refused whether there are rows or not.
    if (bound.kind === 'literal') convert(bound.value);
    return { expression, convert };
  }
  const typed: Expression = { kind: 'cast', operand: expression, type: typeNodeOf(column.type) };
  return { expression: typed, convert: (nothing) => nothing };
}

// ── Both ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** What is made of the rows for which a condition is true. */
function planned({ source, planning, options }: Change, select: readonly SelectItem[], where: Expression) {
  const { name } = source;
  const used = [where, ...select.flatMap((item) => (item.kind === 'item' ? item.expression : []))].flatMap(columnsIn);
  const at = used.find((column) => column.name === 'ROWPARTITION' || column.name === 'ROWOFFSET');
  if (at !== undefined) refuse(`${place(at.at)}${quoteName(at.name)} is of records: it has no place in SET and WHERE.`);
  const query: Query = { select, from: { name, alias: name }, joins: [], where: withTimeLiterals(where) };
  const plan = planTransient(planning, query, options.text, true);
  if (stretchSource(plan.root) === undefined || stepsOf(plan.root).some(({ kind }) => kind === 'await'))
    refuse('SET and WHERE are of single rows: functions that aggregate, or are waited for, have no place there.');
  return plan;
}

/** Where the rows are (partition, bytes of the key), and what is made of them. */
async function latest({ source, options }: Change, root: Step): Promise<Row[]> {
  const { executor, queryId, setting } = options;
  const rows = await executor.openValues({
    queryId,
    from: { kind: 'latest', topic: source.topic },
    root,
    columns: [],
    format: 'json',
    limit: undefined,
    settings: settingValues(setting),
  });
  try {
    return (await Array.fromAsync(rows.batches)).flat();
  } finally {
    await rows.close();
  }
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;
