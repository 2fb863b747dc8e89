// Rows straight to the bytes of Avro records: compiled for the schema that is written and the columns that there are. A
// field without a column, and a null that its field does not allow, is the field's default.
import {
  type AvroEnum,
  type AvroField,
  type AvroFixed,
  type AvroNode,
  type AvroPrimitive,
  type AvroRecord,
  type AvroUnion,
  typeName,
  writeAvroDefault,
  writeAvroLong,
  writeAvroText,
} from '../../schemas/index.ts';
import { SerializationError } from '../../serde/index.ts';
import { ByteWriter, type Decimal, faultOf, signedBytes } from '../../util/index.ts';
import type { SqlType, StructType } from '../types.ts';
import type { Row, SqlValue } from '../values/value.ts';
import { branchName, decimalScaleOf, entryOf, onlyBranch, recordOf } from './avro-columns.ts';
import { findByName, unitOf } from './avro-reading.ts';
import type { CodecColumn } from './codec.ts';

type Write = (value: SqlValue, out: ByteWriter) => void;

export function avroWriter(
  root: AvroNode,
  columns: readonly CodecColumn[],
  bare: boolean,
): (row: Row, out: ByteWriter) => void {
  if (bare) {
    const write = writer(root, columns[0]!.type, columns[0]!.name);
    return (row, out) => write(row[0]!, out);
  }
  const record = recordOf(root);
  if (record === undefined) throw misfit(root, 'the value', 'a row of several columns');
  const write = recordWriter(record, columns, '');
  return root.kind === 'union' ? inBranch(root, record, write) : write;
}

function recordWriter(
  { fields }: AvroRecord,
  columns: readonly CodecColumn[],
  place: string,
): (values: Row, out: ByteWriter) => void {
  const steps = fields.map((field) => {
    const column = findByName(columns, field.name);
    const name = place + field.name;
    if (column === undefined) return { at: -1, write: withoutColumn(field, name) };
    return { at: columns.indexOf(column), write: fieldWriter(field, column.type, name) };
  });
  return (values, out) => {
    for (let i = 0; i < steps.length; i++) {
      const { at, write } = steps[i]!;
      write(at < 0 ? null : values[at]!, out);
    }
  };
}

function withoutColumn(field: AvroField, name: string): Write {
  return defaultWriter(field, name) ?? nullWriter(field.type, name);
}

/** A default is the same bytes whenever it is written. */
function defaultWriter({ type, defaultValue }: AvroField, name: string): Write | undefined {
  if (defaultValue === undefined) return undefined;
  const bytes = new ByteWriter();
  try {
    writeAvroDefault(type, defaultValue, bytes);
  } catch (error) {
    throw new SerializationError(
      `the default of ${name} is none of its type in the Avro schema: ${faultOf(error)}`,
      error,
    );
  }
  const written = bytes.copy();
  return (_value, out) => out.bytes(written);
}

function fieldWriter(field: AvroField, from: SqlType, name: string): Write {
  const write = writer(field.type, from, name);
  const writeDefault = isNullable(field.type) ? undefined : defaultWriter(field, name);
  if (writeDefault === undefined) return write;
  return (value, out) => {
    if (value === null) writeDefault(value, out);
    else write(value, out);
  };
}

function isNullable(node: AvroNode): boolean {
  return node.kind === 'null' || (node.kind === 'union' && node.branches.some(isNullable));
}

function nullWriter(node: AvroNode, name: string): Write {
  if (node.kind === 'null') return () => {};
  const at = node.kind === 'union' ? node.branches.findIndex(isNullable) : -1;
  if (at >= 0) return (_value, out) => writeAvroLong(at, out);
  return () => {
    throw new SerializationError(`the value does not fit the Avro schema: ${name} is null, not ${typeName(node)}`);
  };
}

function misfit(node: AvroNode, name: string, what: string): SerializationError {
  return new SerializationError(`the value does not fit the Avro schema: ${name} is ${what}, not ${typeName(node)}`);
}

function writer(node: AvroNode, from: SqlType, name: string): Write {
  const writeNull = nullWriter(node, name);
  if (node.kind === 'null') return writeNull;
  const write = node.kind === 'union' ? unionWriter(node, from, name) : nonNullWriter(node, from, name);
  return (value, out) => {
    if (value === null) writeNull(value, out);
    else write(value, out);
  };
}

function nonNullWriter(node: AvroNode, from: SqlType, name: string): Write {
  switch (from.kind) {
    case 'BOOLEAN':
      if (node.kind === 'boolean') return (value, out) => out.int8(value === true ? 1 : 0);
      break;
    case 'INTEGER':
    case 'BIGINT':
    case 'DATE':
    case 'TIME':
    case 'TIMESTAMP':
    case 'DOUBLE':
      return numberWriter(node, from, name);
    case 'DECIMAL':
      if (node.kind === 'bytes' || node.kind === 'fixed') {
        const scale = decimalScaleOf(node) ?? from.scale;
        return (value, out) => writeDecimal((value as Decimal).rescale(scale).unscaled, node, name, out);
      }
      break;
    case 'STRING':
      if (node.kind === 'string') return (value, out) => writeAvroText(value as string, out);
      if (node.kind === 'enum') return (value, out) => writeAvroLong(symbolOf(node, value as string, name), out);
      break;
    case 'BYTES':
      if (node.kind === 'bytes' || node.kind === 'fixed') {
        return (value, out) => writeBytes(value as Buffer, node, name, out);
      }
      break;
    case 'ARRAY':
      if (node.kind === 'array') {
        const item = writer(node.items, from.item, `${name}[]`);
        return (value, out) => writeItems(value as readonly SqlValue[], item, out);
      }
      break;
    case 'MAP':
      return mapWriter(node, from, name);
    case 'STRUCT':
      if (node.kind === 'record' || node.kind === 'error') {
        const write = recordWriter(node, from.fields, `${name}.`);
        return (value, out) => write(value as Row, out);
      }
      break;
  }
  throw misfit(node, name, from.kind);
}

/** Times are counted in milliseconds; in Avro also in finer units. */
function numberWriter(node: AvroNode, from: SqlType, name: string): Write {
  const unit = from.kind === 'TIME' || from.kind === 'TIMESTAMP' ? unitOf(node) : 1;
  switch (node.kind) {
    case 'int':
    case 'long': {
      const bits = node.kind === 'int' ? 32 : 64;
      return (value, out) => {
        const count = unit === 1 ? (value as number | bigint) : BigInt(value as number) * BigInt(unit);
        const isInteger = typeof count === 'bigint' || Number.isInteger(count);
        if (!isInteger || BigInt.asIntN(bits, BigInt(count)) !== BigInt(count)) throw misfit(node, name, String(value));
        writeAvroLong(count, out);
      };
    }
    case 'float':
      return (value, out) => {
        out.reserve(4);
        out.position = out.buffer.writeFloatLE(Number(value), out.position);
      };
    case 'double':
      return (value, out) => {
        out.reserve(8);
        out.position = out.buffer.writeDoubleLE(Number(value), out.position);
      };
    default:
      throw misfit(node, name, from.kind);
  }
}

function symbolOf(node: AvroEnum, text: string, name: string): number {
  const at = node.symbols.indexOf(text);
  if (at < 0) throw misfit(node, name, JSON.stringify(text));
  return at;
}

type Binary = AvroPrimitive | AvroFixed;

function writeBytes(bytes: Buffer, node: Binary, name: string, out: ByteWriter): void {
  if (!('size' in node)) writeAvroLong(bytes.length, out);
  else if (bytes.length !== node.size) throw misfit(node, name, `${bytes.length} bytes`);
  out.bytes(bytes);
}

/** A big-endian two's complement integer, in a fixed as long as that is. */
function writeDecimal(unscaled: bigint, node: Binary, name: string, out: ByteWriter): void {
  const size = 'size' in node ? node.size : undefined;
  const bytes = signedBytes(unscaled, size);
  if (bytes === undefined) throw misfit(node, name, `a decimal of more than ${size} bytes`);
  writeBytes(bytes, node, name, out);
}

function writeItems(items: readonly SqlValue[], write: Write, out: ByteWriter): void {
  if (items.length > 0) writeAvroLong(items.length, out);
  for (const item of items) write(item, out);
  out.int8(0);
}

function mapWriter(node: AvroNode, from: SqlType & { kind: 'MAP' }, name: string): Write {
  const entry = entryOf(node);
  if (entry !== undefined) {
    const fields = [
      { name: 'key', type: from.key },
      { name: 'value', type: from.value },
    ];
    const write = recordWriter(entry, fields, `${name}{}.`);
    const inBranchOf = node.kind === 'array' && node.items.kind === 'union' ? node.items : undefined;
    const writeEntry = inBranchOf === undefined ? write : inBranch(inBranchOf, entry, write);
    return (value, out) =>
      writeItems([...(value as Map<SqlValue, SqlValue>)], (row, to) => writeEntry(row as Row, to), out);
  }
  if (node.kind !== 'map') throw misfit(node, name, from.kind);
  const item = writer(node.values, from.value, `${name}{}`);
  return (value, out) => {
    const entries = [...(value as ReadonlyMap<SqlValue, SqlValue>)];
    writeItems(
      entries,
      (pair, to) => {
        const [key, element] = pair as Row;
        writeAvroText(String(key), to);
        item(element!, to);
      },
      out,
    );
  };
}

/** Of several branches the STRUCT's field that is set; any other type goes to the first branch that takes it. */
function unionWriter(node: AvroUnion, from: SqlType, name: string): Write {
  if (from.kind === 'STRUCT' && onlyBranch(node) === undefined && isUnionOf(node, from)) {
    return branchWriter(node, from, name);
  }
  let reason: SerializationError | undefined;
  for (const branch of node.branches) {
    if (branch.kind === 'null') continue;
    try {
      return inBranch(node, branch, nonNullWriter(branch, from, name));
    } catch (error) {
      if (!(error instanceof SerializationError)) throw error;
      reason ??= error;
    }
  }
  throw reason ?? misfit(node, name, from.kind);
}

function isUnionOf({ branches }: AvroUnion, { fields }: StructType): boolean {
  const named = branches.map((branch) => ({ name: branchName(branch) }));
  return fields.every(({ name }) => findByName(named, name) !== undefined);
}

function branchWriter(node: AvroUnion, { fields }: StructType, name: string): Write {
  const named = node.branches.map((branch) => ({ name: branchName(branch), branch }));
  const writes = fields.map((field) => {
    const { branch } = findByName(named, field.name)!;
    return inBranch(node, branch, nonNullWriter(branch, field.type, `${name}.${field.name}`));
  });
  const writeNull = nullWriter(node, name);
  return (value, out) => {
    const values = value as Row;
    const at = values.findIndex((one) => one !== null);
    if (at < 0) writeNull(null, out);
    else writes[at]!(values[at]!, out);
  };
}

function inBranch<T>(
  { branches }: AvroUnion,
  branch: AvroNode,
  write: (value: T, out: ByteWriter) => void,
): (value: T, out: ByteWriter) => void {
  const at = branches.indexOf(branch);
  return (value, out) => {
    writeAvroLong(at, out);
    write(value, out);
  };
}
