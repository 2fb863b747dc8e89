import type { Catalog } from '../catalog.ts';
import { refuse } from '../errors.ts';
import type { Expression, ParsedStatement } from '../parser/ast.ts';
import { allColumns } from '../schema.ts';
import { JsonNumber, type JsonValue } from '../../util/index.ts';
import { type SqlType, typeNodeOf } from '../types.ts';

/** One JSON object, its numbers as they are written, as INSERT VALUES: names in any case unless quoted, values as the columns' types read them. */
export function insertStatement(
  catalog: Catalog,
  target: string,
  row: Readonly<Record<string, JsonValue>>,
): ParsedStatement {
  const name = identifier(target);
  const source = catalog.source(name);
  if (source === undefined) return refuse(`Cannot insert values into an unknown stream: \`${name}\``);
  const columns: string[] = [];
  const values: Expression[] = [];
  for (const [key, value] of Object.entries(row)) {
    const column = allColumns(source.schema).find((candidate) => candidate.name === identifier(key));
    columns.push(identifier(key));
    values.push(column === undefined ? { kind: 'null' } : literal(value, column.type));
  }
  const statement = { kind: 'insertValues' as const, target: name, columns, values };
  return { statement, text: `INSERT INTO ${name} (${columns.join(', ')}) VALUES (…);` };
}

function identifier(text: string): string {
  const quoted = /^(["`])(.*)\1$/s.exec(text);
  return quoted === null ? text.toUpperCase() : quoted[2]!;
}

function literal(value: JsonValue | undefined, type: SqlType): Expression {
  if (value === null || value === undefined) return { kind: 'null' };
  if (typeof value === 'boolean') return { kind: 'boolean', value };
  if (typeof value === 'string') return { kind: 'string', value };
  if (value instanceof JsonNumber) return number(value, type);
  if (Array.isArray(value)) {
    const item = type.kind === 'ARRAY' ? type.item : type;
    return { kind: 'array', items: value.map((element) => part(element, item)), item: typeNodeOf(item) };
  }
  const entries = Object.entries(value);
  if (type.kind === 'MAP') {
    return {
      kind: 'map',
      entries: entries.map(([key, item]) => ({
        key: { kind: 'string', value: key },
        value: part(item, type.value),
      })),
      entry: { key: typeNodeOf(type.key), value: typeNodeOf(type.value) },
    };
  }
  const fields = type.kind === 'STRUCT' ? type.fields : [];
  return {
    kind: 'struct',
    fields: fields.map((field) => {
      const found = entries.find(([key]) => identifier(key) === field.name || key === field.name);
      return { name: field.name, value: part(found?.[1], field.type) };
    }),
  };
}

/** What stands in a collection is of its type: unlike a column's, a text there is not taken for what it says. */
function part(value: JsonValue | undefined, type: SqlType): Expression {
  const written = literal(value, type);
  const isSaid = written.kind === 'string' && type.kind !== 'STRING';
  return isSaid ? { kind: 'cast', operand: written, type: typeNodeOf(type) } : written;
}

/** More digits than a BIGINT has, with its sign. */
const LONG_DIGITS = 20;

/** A number with all its digits: what its column's type can't hold is refused with the row. */
function number({ text, isInteger }: JsonNumber, type: SqlType): Expression {
  if (type.kind === 'DECIMAL' || (isInteger && text.length > LONG_DIGITS)) return { kind: 'decimal', text };
  const double = Number(text);
  if (type.kind === 'DOUBLE' || (!isInteger && !Number.isSafeInteger(double))) return { kind: 'double', value: double };
  const value = isInteger ? BigInt(text) : BigInt(double);
  if (BigInt.asIntN(64, value) !== value) return { kind: 'decimal', text };
  return type.kind === 'BIGINT' || BigInt.asIntN(32, value) !== value
    ? { kind: 'bigint', value }
    : { kind: 'integer', value: Number(value) };
}
