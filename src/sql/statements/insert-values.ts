import { serialize } from '../../serde/index.ts';
import { messageOf } from '../../util/index.ts';
import { isPlain } from '../analysis/extensions.ts';
import { headerColumns, headersOf } from '../compile/headers.ts';
import { columnsIn } from '../analysis/walk.ts';
import { withRegisteredMessage } from '../formats/registered-message.ts';
import { rowSerde } from '../formats/row-serde.ts';
import { refuse, refuseName } from '../errors.ts';
import type { Expression, InsertValues } from '../parser/ast.ts';
import { printExpression, quoteName } from '../parser/print.ts';
import { allColumns, type Column } from '../schema.ts';
import { typeText } from '../types.ts';
import { type Caster, caster } from '../values/cast.ts';
import { coercer } from '../values/coercion.ts';
import { Evaluator } from '../expressions/evaluation/evaluator.ts';
import { bind } from '../expressions/binding/binder.ts';
import type { TypedExpression } from '../expressions/typed.ts';
import type { SqlValue } from '../values/value.ts';
import type { EngineContext, PreparedStatement, Settings } from './context.ts';
import type { DataSource } from '../catalog.ts';

/** INSERT INTO ... VALUES: one record into a source's topic. */
export async function insertValues(
  engine: EngineContext,
  statement: InsertValues,
  setting: Settings,
): Promise<PreparedStatement> {
  const source = engine.catalog.source(statement.target);
  if (source === undefined) return refuseTarget(engine, statement.target);
  if (source.isSource) refuse(`Cannot insert values into read-only ${source.kind.toLowerCase()}: ${source.name}`);
  if (setting('ksql.insert.into.values.enabled') === 'false')
    refuse(
      "The server has disabled INSERT INTO ... VALUES functionality. To enable it, restart your ksqlDB server with 'ksql.insert.into.values.enabled'=true",
    );
  if (source.window !== undefined) refuse('Cannot insert values into windowed stream or table!');
  const values = rowOf(engine, source, statement, isPlain(setting));
  const valueColumns = source.schema.value.filter((column) => column.namespace === 'VALUE');
  const key = source.schema.key.map((column) => values.get(column.name) ?? null);
  const value = valueColumns.map((column) => values.get(column.name) ?? null);
  if (source.kind === 'TABLE' && key.some((part) => part === null))
    refuse(
      `Failed to insert values into '${source.name}'. Value for primary key column(s) ${source.schema.key.map((column) => column.name).join(', ')} is required for tables`,
    );
  const { topic } = source;
  const { keySerde, valueSerde } = await recordSerdes(engine, source);
  const keyless = key.every((part) => part === null);
  if (!keyless) await keySerde.prepare?.();
  await valueSerde.prepare?.();
  const keyBytes = keyless ? null : serialize(keySerde, key);
  const valueBytes = serialize(valueSerde, value);
  const written = headerColumns(source.schema.value);
  const headers = headersOf(
    written,
    written.map(({ name }) => values.get(name) ?? null),
    [],
  );
  const { writer } = engine;
  if (writer === undefined) return refuse('This engine has no way to write records.');
  const rowtime = values.get('ROWTIME') ?? undefined;
  if (rowtime !== undefined && Number(rowtime) < 0)
    refuse(
      `Failed to insert values into '${source.name}'. ROWTIME ${String(rowtime)} is negative; a timestamp is not before 1970.`,
    );
  return {
    result: { kind: 'done', message: 'Inserted one row.' },
    carryOut: () =>
      writer.write([
        {
          topic,
          key: keyBytes,
          value: valueBytes,
          timestamp: rowtime === undefined ? undefined : Number(rowtime),
          headers,
        },
      ]),
  };
}

/** How the records of a source are written. The serdes have to be prepared before they are used. */
export async function recordSerdes(engine: EngineContext, { topic, keyFormat, valueFormat, schema }: DataSource) {
  const values = schema.value.filter((column) => column.namespace === 'VALUE');
  const keyed = await withRegisteredMessage(engine, keyFormat, schema.key, `${topic}-key`);
  const valued = await withRegisteredMessage(engine, valueFormat, values, `${topic}-value`);
  return {
    keySerde: rowSerde(engine, keyed, schema.key, { topic, part: 'key' }),
    valueSerde: rowSerde(engine, valued, values, { topic, part: 'value' }),
  };
}

function refuseTarget({ catalog }: EngineContext, name: string): never {
  const unknown = `Cannot insert values into an unknown stream/table: ${quoteName(name)}`;
  const close = catalog
    .sources()
    .find((source) => source.name !== name && source.name.toUpperCase() === name.toUpperCase());
  if (close === undefined) return refuseName(unknown, name, catalog.sourceNames);
  const hint =
    close.name === close.name.toUpperCase()
      ? `\nDid you mean ${close.name}? Hint: try removing double quotes from the source name.`
      : `\nDid you mean "${close.name}"? Hint: wrap the source name in double quotes to make it case-sensitive.`;
  return refuse(`${unknown}${hint}`);
}

function rowOf(
  engine: EngineContext,
  source: DataSource,
  statement: InsertValues,
  isWithoutHeaders: boolean,
): Map<string, SqlValue> {
  const all: readonly Column[] = allColumns(source.schema);
  const names = statement.columns.length > 0 ? statement.columns : all.map((column) => column.name);
  const headers = all.filter((column) => column.namespace === 'HEADERS' && names.includes(column.name));
  if (isWithoutHeaders && headers.length > 0)
    refuse(`Cannot insert into HEADER columns: ${headers.map((column) => column.name).join(', ')}`);
  if (names.length !== statement.values.length) {
    const given = statement.values.map(printExpression).join(', ');
    refuse(
      statement.columns.length > 0
        ? `Failed to prepare statement: Expected number columns and values to match: ${names.length}, ${statement.values.length}`
        : `Failed to insert values into '${source.name}'. Expected a value for each column. Expected Columns: [${names.map(quoteName).join(', ')}]. Got [${given}]`,
    );
  }
  for (const value of statement.values) {
    const foreign = columnsIn(value).find((column) => column.source !== undefined);
    if (foreign !== undefined)
      refuse(`Failed to prepare statement: '${foreign.source}' is not a valid stream/table name or alias.`);
  }
  const values = new Map<string, SqlValue>();
  names.forEach((name, i) => {
    if (name === 'ROWPARTITION' || name === 'ROWOFFSET')
      refuse(`Inserting into column ${quoteName(name)} is not allowed.`);
    const column = name === 'ROWTIME' ? rowtimeColumn : all.find((candidate) => candidate.name === name);
    if (column === undefined)
      return refuseName(
        `Column name ${quoteName(name)} does not exist.`,
        name,
        all.map((each) => each.name),
      );
    values.set(name, valueFor(engine, column, statement.values[i]!));
    return undefined;
  });
  return values;
}

const rowtimeColumn: Column = { name: 'ROWTIME', type: { kind: 'BIGINT' }, namespace: 'VALUE' };

function valueFor({ functions, catalog }: EngineContext, column: Column, ast: Expression): SqlValue {
  const bound = bind(ast, [], { functions, resolveType: catalog.resolveType });
  const { type } = bound;
  const value = new Evaluator(functions, []).evaluate(bound)([]);
  if (value === null || type === null) return null;
  const cast = conversionTo(column, bound, ast);
  try {
    return cast(value);
  } catch (error) {
    return refuse(`Failed to insert value for ${quoteName(column.name)}: ${messageOf(error)}`);
  }
}

/** How the values of an expression become a column's: texts that are written down are taken for what they say. */
export function conversionTo(column: Column, bound: TypedExpression, ast: Expression): Caster {
  const { type } = bound;
  if (type === null) return (value) => value;
  const isLiteralText = bound.kind === 'literal' && type.kind === 'STRING' && column.type.kind !== 'BOOLEAN';
  return (
    (isLiteralText ? caster(type, column.type) : coercer(type, column.type)) ??
    refuse(
      `Expected type ${typeText(column.type)} for field ${quoteName(column.name)} but got ${typeText(type)} (${printExpression(ast)}).`,
    )
  );
}
