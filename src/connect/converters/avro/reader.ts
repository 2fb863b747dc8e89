// Avro bytes to Connect's values: a schema is compiled once into a function that reads its values.
import type { AvroCursor, AvroNode, AvroRecord } from '../../../schemas/index.ts';
import { dateOfDays, decimalOfBytes } from '../../data/logical.ts';
import { LOGICAL, type Schema } from '../../data/schema.ts';
import { entryOf, onlyBranch, unionField } from './from-avro.ts';
import type { AvroMapping } from './names.ts';

/** Reads a value where a cursor stands. */
export type AvroReader = (cursor: AvroCursor) => unknown;

/** What reads the values of an Avro schema as those of the Connect schema that `connectSchemaOf` has made of it. */
export function avroReader(node: AvroNode, schema: Schema, mapping: AvroMapping): AvroReader {
  const read = (inner: AvroNode, of: Schema): AvroReader => avroReader(inner, of, mapping);
  switch (node.kind) {
    case 'null':
      return () => null;
    case 'boolean':
      return (cursor) => cursor.boolean();
    case 'int':
      return intReader(schema);
    case 'long':
      if (schema.name === LOGICAL.timestamp) return (cursor) => new Date(Number(cursor.long()));
      return (cursor) => BigInt(cursor.long());
    case 'float':
      return (cursor) => cursor.float();
    case 'double':
      return (cursor) => cursor.double();
    case 'string':
      return (cursor) => cursor.text();
    case 'enum':
      return (cursor) => cursor.oneOf(node.symbols);
    case 'bytes':
      if (schema.name === LOGICAL.decimal) return (cursor) => decimalOfBytes(schema, cursor.bytes());
      return (cursor) => cursor.bytes();
    case 'fixed':
      if (schema.name === LOGICAL.decimal) return (cursor) => decimalOfBytes(schema, cursor.fixed(node.size));
      return (cursor) => cursor.fixed(node.size);
    case 'array': {
      const entry = entryOf(node.items);
      return entry === undefined
        ? arrayReader(read(node.items, schema.valueSchema))
        : entriesReader(read(entry.fields[0]!.type, schema.keySchema), read(entry.fields[1]!.type, schema.valueSchema));
    }
    case 'map':
      return mapReader(read(node.values, schema.valueSchema));
    case 'union':
      return unionReader(node.branches, schema, mapping);
    default:
      return recordReader(node, schema, mapping);
  }
}

function intReader({ name }: Schema): AvroReader {
  if (name === LOGICAL.date) return (cursor) => dateOfDays(cursor.int());
  if (name === LOGICAL.time) return (cursor) => new Date(cursor.int());
  return (cursor) => cursor.int();
}

function arrayReader(element: AvroReader): AvroReader {
  return (cursor) => {
    const list: unknown[] = [];
    cursor.items(() => list.push(element(cursor)));
    return list;
  };
}

function entriesReader(key: AvroReader, value: AvroReader): AvroReader {
  return (cursor) => {
    const map = new Map<unknown, unknown>();
    cursor.items(() => map.set(key(cursor), value(cursor)));
    return map;
  };
}

function mapReader(value: AvroReader): AvroReader {
  return entriesReader((cursor) => cursor.text(), value);
}

function unionReader(branches: readonly AvroNode[], schema: Schema, mapping: AvroMapping): AvroReader {
  if (onlyBranch(branches) !== undefined) {
    const readers = branches.map((branch) => avroReader(branch, schema, mapping));
    return (cursor) => cursor.oneOf(readers)(cursor);
  }
  let place = 0;
  const readers = branches.map((branch): AvroReader => {
    if (branch.kind === 'null') return () => null;
    const name = unionField(branch, place++, mapping);
    const read = avroReader(branch, schema.field(name)!.schema, mapping);
    return (cursor) => ({ [name]: read(cursor) });
  });
  return (cursor) => cursor.oneOf(readers)(cursor);
}

function recordReader(node: AvroRecord, schema: Schema, mapping: AvroMapping): AvroReader {
  const fields = node.fields.map(({ name, type }, i) => ({
    name,
    read: avroReader(type, schema.fields[i]!.schema, mapping),
  }));
  return (cursor) => {
    const struct: Record<string, unknown> = {};
    for (const { name, read } of fields) struct[name] = read(cursor);
    return struct;
  };
}
