// Avro records straight from their bytes to rows: compiled for the schema that a record was written with and the columns
// that are wanted. A union's branch is the one that the bytes name.
import {
  type AvroArray,
  type AvroCursor,
  type AvroField,
  type AvroFixed,
  type AvroMap,
  type AvroNode,
  type AvroPrimitive,
  type AvroRecord,
  type AvroUnion,
  typeName,
} from '../../schemas/index.ts';
import { DeserializationError } from '../../serde/index.ts';
import { sameType, type SqlType, type StructType } from '../types.ts';
import { Decimal, signedInteger } from '../../util/index.ts';
import { type Row, type SqlValue, valueText } from '../values/value.ts';
import { branchName, decimalScaleOf, entryOf, logicalTypeOf, onlyBranch, recordOf } from './avro-columns.ts';
import type { CodecColumn } from './codec.ts';

type Read = (cursor: AvroCursor) => SqlValue;

/** Reads records of a schema as rows. Throws when they never are what the columns want. */
export function avroReader(
  root: AvroNode,
  columns: readonly CodecColumn[],
  bare: boolean,
): (cursor: AvroCursor) => Row | null {
  if (bare) {
    const read = reader(root, columns[0]!.type);
    return (cursor) => {
      const value = read(cursor);
      return value === null ? null : [value];
    };
  }
  const record = recordOf(root);
  if (record === undefined) throw new DeserializationError(`expected an Avro record, got ${typeName(root)}`);
  const read = recordReader(record, columns);
  return root.kind === 'union' ? (optional(root, read) as (cursor: AvroCursor) => Row | null) : read;
}

/** Avro's names keep their case, SQL's often don't: the exact name first, else one that differs in case only. */
export function findByName<T extends { readonly name: string }>(all: readonly T[], name: string): T | undefined {
  const folded = name.toUpperCase();
  return all.find((one) => one.name === name) ?? all.find((one) => one.name.toUpperCase() === folded);
}

/** A field that has got another name is still found by the one it had. */
function isNamed(name: string): (alias: string) => boolean {
  return (alias) => alias.toUpperCase() === name.toUpperCase();
}

function recordReader({ fields }: AvroRecord, columns: readonly CodecColumn[]): (cursor: AvroCursor) => SqlValue[] {
  const wanted = new Map<AvroField, { at: number; type: SqlType }[]>();
  for (const [at, { name, type }] of columns.entries()) {
    const field = findByName(fields, name) ?? fields.find(({ aliases }) => aliases.some(isNamed(name)));
    if (field !== undefined) wanted.set(field, [...(wanted.get(field) ?? []), { at, type }]);
  }
  const steps = fields.map((field) => {
    const [first, ...others] = wanted.get(field) ?? [];
    if (first === undefined) return { skipped: field.type, read: undefined, at: -1, copies: [] };
    if (others.some(({ type }) => !sameType(type, first.type))) {
      throw new DeserializationError(`the Avro field ${field.name} can't be read as columns of two types`);
    }
    const copies = others.map(({ at }) => at);
    return { skipped: field.type, read: reader(field.type, first.type), at: first.at, copies };
  });
  return (cursor) => {
    const row: SqlValue[] = columns.map(() => null);
    for (let i = 0; i < steps.length; i++) {
      const { skipped, read, at, copies } = steps[i]!;
      if (read === undefined) {
        cursor.skip(skipped);
        continue;
      }
      row[at] = read(cursor);
      for (const copy of copies) row[copy] = row[at];
    }
    return row;
  };
}

function mismatch(from: AvroNode | string, to: SqlType): never {
  const name = typeof from === 'string' ? from : typeName(from);
  throw new DeserializationError(`an Avro ${name} can't be read as ${to.kind}`);
}

function reader(node: AvroNode, to: SqlType): Read {
  switch (node.kind) {
    case 'null':
      return () => null;
    case 'union':
      return unionReader(node, to);
    case 'boolean':
      if (to.kind === 'BOOLEAN') return (cursor) => cursor.boolean();
      return to.kind === 'STRING' ? (cursor) => String(cursor.boolean()) : mismatch(node, to);
    case 'int':
    case 'long':
      return integerReader(node, to);
    case 'float':
      return doubleReader((cursor) => cursor.float(), node, to);
    case 'double':
      return doubleReader((cursor) => cursor.double(), node, to);
    case 'string':
      return to.kind === 'STRING' ? (cursor) => cursor.text() : mismatch(node, to);
    case 'enum': {
      const { symbols } = node;
      return to.kind === 'STRING' ? (cursor) => cursor.oneOf(symbols) : mismatch('enum', to);
    }
    case 'bytes':
    case 'fixed':
      return bytesReader(node, to);
    case 'array':
      return to.kind === 'MAP' ? entriesReader(node, to) : arrayReader(node, to);
    case 'map':
      return mapReader(node, to);
    case 'record':
    case 'error':
      return to.kind === 'STRUCT' ? recordReader(node, to.fields) : mismatch('record', to);
  }
}

/** Times are counted in milliseconds; in Avro also in finer units. */
function integerReader(node: AvroPrimitive, to: SqlType): Read {
  const integer: (cursor: AvroCursor) => number | bigint =
    node.kind === 'int' ? (cursor) => cursor.int() : (cursor) => cursor.long();
  const unit = unitOf(node);
  switch (to.kind) {
    case 'INTEGER':
    case 'DATE':
      return (cursor) => Number(integer(cursor)) | 0;
    case 'TIME':
      return (cursor) => millis(integer(cursor), unit) | 0;
    case 'TIMESTAMP':
      return (cursor) => millis(integer(cursor), unit);
    case 'BIGINT':
      return integer;
    case 'DOUBLE':
      return (cursor) => Number(integer(cursor));
    case 'DECIMAL':
      return (cursor) => Decimal.ofInteger(integer(cursor)).fit(to.precision, to.scale);
    case 'STRING':
      return (cursor) => String(integer(cursor));
    default:
      return mismatch(node, to);
  }
}

/** How many of a logical type's units are one millisecond. */
export function unitOf(node: AvroNode): number {
  const [, unit] = /^(?:time|timestamp|local-timestamp)-(micros|nanos)$/.exec(logicalTypeOf(node) ?? '') ?? [];
  return unit === undefined ? 1 : unit === 'micros' ? 1000 : 1_000_000;
}

function millis(value: number | bigint, unit: number): number {
  if (unit === 1) return Number(value);
  if (typeof value === 'number') return Math.floor(value / unit);
  const rounded = value < 0n ? value - BigInt(unit - 1) : value;
  return Number(rounded / BigInt(unit));
}

function doubleReader(double: (cursor: AvroCursor) => number, node: AvroNode, to: SqlType): Read {
  if (to.kind === 'DOUBLE') return double;
  return to.kind === 'STRING' ? (cursor) => valueText({ kind: 'DOUBLE' }, double(cursor)) : mismatch(node, to);
}

function bytesReader(node: AvroPrimitive | AvroFixed, to: SqlType): Read {
  const bytes: (cursor: AvroCursor) => Buffer =
    'size' in node ? (cursor) => cursor.fixed(node.size) : (cursor) => cursor.bytes();
  const scale = decimalScaleOf(node);
  if (scale === undefined) return to.kind === 'BYTES' ? bytes : mismatch(node.kind, to);
  const decimal = (cursor: AvroCursor) => new Decimal(signedInteger(bytes(cursor)), scale);
  if (to.kind === 'DECIMAL') return (cursor) => decimal(cursor).fit(to.precision, to.scale);
  if (to.kind === 'DOUBLE') return (cursor) => decimal(cursor).toNumber();
  return to.kind === 'STRING' ? (cursor) => decimal(cursor).toString() : mismatch('decimal', to);
}

function arrayReader(node: AvroArray, to: SqlType): Read {
  if (to.kind !== 'ARRAY') return mismatch(node, to);
  const item = reader(node.items, to.item);
  return (cursor) => {
    const items: SqlValue[] = [];
    cursor.items(() => items.push(item(cursor)));
    return items;
  };
}

function entriesReader(node: AvroNode, to: SqlType & { kind: 'MAP' }): Read {
  const entry = entryOf(node);
  if (entry === undefined) return mismatch(node, to);
  const read = recordReader(entry, [
    { name: 'key', type: to.key },
    { name: 'value', type: to.value },
  ]);
  return (cursor) => {
    const map = new Map<SqlValue, SqlValue>();
    cursor.items(() => {
      const [key, value] = read(cursor);
      map.set(key!, value!);
    });
    return map;
  };
}

function mapReader(node: AvroMap, to: SqlType): Read {
  if (to.kind !== 'MAP') return mismatch(node, to);
  const value = reader(node.values, to.value);
  return (cursor) => {
    const map = new Map<SqlValue, SqlValue>();
    cursor.items(() => void map.set(cursor.text(), value(cursor)));
    return map;
  };
}

/** What may be null is what it is otherwise; a union of several branches is a STRUCT with a field for each, of which one is set. */
function unionReader(node: AvroUnion, to: SqlType): Read {
  const only = onlyBranch(node);
  if (only !== undefined) return optional(node, reader(only, to));
  if (to.kind !== 'STRUCT') return mismatch(node, to);
  const branches = node.branches.map((branch) => branchReader(branch, to));
  return (cursor) => cursor.oneOf(branches)(cursor);
}

function optional({ branches }: AvroUnion, read: Read): Read {
  const reads = branches.map((branch): Read => (branch.kind === 'null' ? () => null : read));
  return (cursor) => cursor.oneOf(reads)(cursor);
}

function branchReader(branch: AvroNode, { fields }: StructType): Read {
  if (branch.kind === 'null') return () => null;
  const field = findByName(fields, branchName(branch));
  const read = field && reader(branch, field.type);
  return (cursor) => {
    if (read !== undefined) {
      const value = read(cursor);
      return fields.map((other) => (other === field ? value : null));
    }
    cursor.skip(branch);
    return fields.map(() => null);
  };
}
