// SQL with values in it: sql`SELECT * FROM orders WHERE id = ${id}`. A value becomes a literal of its own type, whatever it
// holds, so it can't become a part of the statement.
import { MillraceError } from '../util/index.ts';

/** A text of SQL whose values are bound: the only thing that goes into another such text as it is. */
export class SqlText {
  /** The statement, with literals where values were. */
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** The same as `text`. */
  toString(): string {
    return this.text;
  }
}

/**
 * What can be bound: null, boolean, number, bigint, text, bytes, `Date` (a TIMESTAMP), arrays, `Map`s, objects (as STRUCTs),
 * and texts that were bound themselves.
 */
export type SqlParameter =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Date
  | SqlText
  | readonly SqlParameter[]
  | ReadonlyMap<string, SqlParameter>
  | { readonly [field: string]: SqlParameter };

/** Binds the values of a template. Throws `SQL_VALUE` for one that has no literal. */
function bind(strings: TemplateStringsArray, ...values: readonly SqlParameter[]): SqlText {
  return new SqlText(strings.map((text, i) => (i === 0 ? text : literalOf(values[i - 1]) + text)).join(''));
}

/** Several values with commas in between: `IN (${sql.list(ids)})`. */
function list(values: Iterable<SqlParameter>): SqlText {
  const literals = [...values].map(literalOf);
  return literals.length === 0
    ? refused('a list without values', 'SQL has no empty lists')
    : new SqlText(literals.join(', '));
}

/** The name of a stream, a table, a column or a field, spelled as it is here: unquoted names are in upper case. */
function id(text: string): SqlText {
  return new SqlText(quotedName(text));
}

/** A DECIMAL, of its digits: `sql.decimal('12.50')`. */
function decimal(text: string): SqlText {
  if (!/^[-+]?\d+(\.\d+)?$/.test(text)) return refused(`"${text}"`, 'a DECIMAL is written in digits');
  return new SqlText(text.startsWith('-') ? `(${text})` : text.replace('+', ''));
}

/** A text that is SQL already. Nothing of it is bound: never make it of what somebody else has written. */
function raw(text: string): SqlText {
  return new SqlText(text);
}

export const sql = Object.assign(bind, { list, id, decimal, raw });

function literalOf(value: SqlParameter | undefined): string {
  if (value instanceof SqlText) return value.text;
  if (value === null) return 'NULL';
  switch (typeof value) {
    case 'boolean':
      return value ? 'TRUE' : 'FALSE';
    case 'string':
      return quoted(value);
    case 'number':
      return numberLiteral(value);
    case 'bigint':
      return bigintLiteral(value);
    case 'object':
      return objectLiteral(value);
    default:
      return refused(String(value), `it is of the type ${typeof value}`);
  }
}

/** Behind a minus of the statement's own, another one would begin a comment. */
function bigintLiteral(value: bigint): string {
  if (value !== BigInt.asIntN(64, value)) return refused(String(value), 'BIGINT has 64 bits');
  // The digits alone, without the minus, are no BIGINT any more.
  if (value === -(2n ** 63n)) return `CAST('${value}' AS BIGINT)`;
  return value < 0n ? `(${value})` : String(value);
}

function numberLiteral(value: number): string {
  if (!Number.isFinite(value)) return refused(String(value), 'SQL has no literal for it');
  const isWhole = Number.isSafeInteger(value) && !Object.is(value, -0);
  const text = isWhole ? String(value) : value.toExponential().toUpperCase().replace('E+', 'E');
  return text.startsWith('-') ? `(${text})` : text;
}

function objectLiteral(value: object): string {
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) return refused('a Date', 'it is no time');
    return quoted(value.toISOString().replace('Z', ''));
  }
  if (value instanceof Uint8Array) return `TO_BYTES('${Buffer.from(value).toString('base64')}', 'base64')`;
  if (Array.isArray(value)) return `ARRAY[${(value as SqlParameter[]).map(literalOf).join(', ')}]`;
  if (value instanceof Map) {
    const entries = [...(value as ReadonlyMap<string, SqlParameter>)];
    return `MAP(${entries.map(([key, item]) => `${quoted(key)} := ${literalOf(item)}`).join(', ')})`;
  }
  const fields = Object.entries(value as Record<string, SqlParameter>);
  return `STRUCT(${fields.map(([field, item]) => `${quotedName(field)} := ${literalOf(item)}`).join(', ')})`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function quotedName(text: string): string {
  return `\`${text.replaceAll('`', '``')}\``;
}

function refused(value: string, why: string): never {
  throw new MillraceError('SQL_VALUE', `${value} can't be bound: ${why}`);
}
