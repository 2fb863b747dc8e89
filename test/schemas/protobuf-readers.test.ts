// Whatever Protobuf schema the registry takes, every reader reads: SQL has columns for each of its messages or says why not,
// and its rows hold what serde's codec wrote. No reader sees a byte behind the end of its record.
import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import {
  type DeclaredMessage,
  declaredMessages,
  type MessageField,
  type MessageType,
  parseSchema,
  SCALARS,
  type ScalarName,
} from '../../src/schemas/index.ts';
import { linkProtobuf } from '../../src/schemas/protobuf/schema.ts';
import { WELL_KNOWN_PATHS, wellKnownProto } from '../../src/schemas/protobuf/well-known-protos.ts';
import {
  DeserializationError,
  deserialize,
  ENVELOPE_BYTES,
  MemorySchemas,
  protobufSerde,
  SchemaNotLoaded,
  type Serde,
  serialize,
  writeMessageIndexes,
} from '../../src/serde/index.ts';
import type { CodecColumn } from '../../src/sql/formats/codec.ts';
import { protobufColumns } from '../../src/sql/formats/protobuf-schema.ts';
import { rowSerde } from '../../src/sql/formats/row-serde.ts';
import { StatementError } from '../../src/sql/errors.ts';
import { parseScript } from '../../src/sql/parser/parse.ts';
import { typeText } from '../../src/sql/types.ts';
import type { Row, SqlValue } from '../../src/sql/values/value.ts';
import { ByteWriter } from '../../src/util/index.ts';
import { randomProto } from '../schema-registry/protobuf-texts.ts';

const SEEDS = Array.from({ length: 250 }, (_, seed) => seed);

/** The columns of a message, or undefined where SQL says that it has none for it. */
function columnsOf(schema: string, message: DeclaredMessage['message']): readonly CodecColumn[] | undefined {
  try {
    return protobufColumns({ schema, references: [] }, message.name, (name) => name);
  } catch (error) {
    expect(error).toBeInstanceOf(StatementError);
    expect((error as Error).message).toMatch(/contains itself \(.+\)|has no fields to take columns from/);
    return undefined;
  }
}

function messagesIn(schema: string): readonly DeclaredMessage[] {
  return declaredMessages(linkProtobuf(schema, []));
}

describe('columns', () => {
  test.each([
    ['schemas at random', SEEDS.map(randomProto)],
    ['the well-known files', WELL_KNOWN_PATHS.map((path) => wellKnownProto(path)!)],
  ])('of %s: a column for each field, which a statement can list, or a sentence', (_what, texts) => {
    let answered = 0;
    for (const text of texts) {
      // What the registry stores, and what it was given.
      for (const schema of [text, parseSchema('PROTOBUF', text, []).canonical]) {
        for (const { message } of messagesIn(schema)) {
          const columns = columnsOf(schema, message);
          if (columns === undefined) continue;
          answered++;
          expect(columns.map(({ name }) => name)).toEqual(message.fields.map(({ name }) => name));
          const list = columns.map(({ name, type }) => `\`${name}\` ${typeText(type)}`).join(', ');
          expect(() =>
            parseScript(`CREATE STREAM s (${list}) WITH (kafka_topic='t', value_format='PROTOBUF');`),
          ).not.toThrow();
        }
      }
    }
    expect(answered).toBeGreaterThan(texts.length);
  });
});

// --- values ------------------------------------------------------------------------------------------------------------

type Value = Readonly<Record<string, unknown>>;

/** With the first of each oneof's fields only: no more than one can be set. */
function valuesOf(message: MessageType): fc.Arbitrary<Value> {
  const fields = message.fields.filter(
    (field) => field.oneof === undefined || message.fields.find(({ oneof }) => oneof === field.oneof) === field,
  );
  const required = fields.filter(({ presence }) => presence === 'required').map(({ name }) => name);
  return fc.record(Object.fromEntries(fields.map((field) => [field.name, fieldValues(field)])), {
    requiredKeys: required,
  }) as fc.Arbitrary<Value>;
}

function fieldValues(field: MessageField): fc.Arbitrary<unknown> {
  const { type, isRepeated } = field;
  if (type.kind === 'message' && type.message.isMapEntry) {
    const [key, value] = type.message.fields as [MessageField, MessageField];
    return fc.dictionary(fieldValues(key).map(String), fieldValues(value), {
      maxKeys: 3,
      noNullPrototype: true,
    });
  }
  const one =
    type.kind === 'message'
      ? valuesOf(type.message)
      : type.kind === 'enum'
        ? fc.constantFrom(...type.enumeration.numbers.keys())
        : scalarValues(type.scalar);
  return isRepeated ? fc.array(one, { maxLength: 3 }) : one;
}

function scalarValues(name: ScalarName): fc.Arbitrary<unknown> {
  const row = SCALARS[name];
  if ('range' in row) {
    const [min, max] = [BigInt(row.range[0]), BigInt(row.range[1])];
    return fc.bigInt({ min, max }).map((value) => (Number.isSafeInteger(Number(value)) ? Number(value) : value));
  }
  if (name === 'double') return fc.double();
  if (name === 'float') return fc.float();
  if (name === 'bool') return fc.boolean();
  return name === 'string' ? fc.string() : fc.uint8Array().map((bytes) => Buffer.from(bytes));
}

/** Where a row does not hold what serde reads from the same record. Absent messages and the like, serde leaves out. */
function differences(message: MessageType, row: Row, value: Value, path: string): string[] {
  return message.fields.flatMap((field, i) =>
    Object.hasOwn(value, field.name)
      ? difference(field, row[i]!, value[field.name], `${path}.${field.name}`)
      : row[i] === null || field.byDefault !== undefined
        ? []
        : [`${path}.${field.name} is there`],
  );
}

function difference(field: MessageField, own: SqlValue, theirs: unknown, path: string): string[] {
  const { type, isRepeated } = field;
  if (type.kind === 'message' && type.message.isMapEntry) {
    const value = type.message.fields[1]!;
    const entries = Object.entries(theirs as Value);
    const map = own as ReadonlyMap<SqlValue, SqlValue>;
    if (map.size !== entries.length) return [`${path} has ${map.size} entries, not ${entries.length}`];
    return entries.flatMap(([key, item]) =>
      difference(value, map.get(signedText(key)) ?? null, item, `${path}[${key}]`),
    );
  }
  if (isRepeated) {
    const [items, others] = [own as readonly SqlValue[], theirs as readonly unknown[]];
    if (items.length !== others.length) return [`${path} has ${items.length} items, not ${others.length}`];
    return items.flatMap((item, i) => difference({ ...field, isRepeated: false }, item, others[i], `${path}[${i}]`));
  }
  if (type.kind === 'message') {
    if (!Array.isArray(own)) return [];
    return differences(type.message, own as Row, theirs as Value, path);
  }
  const same =
    type.kind === 'enum'
      ? type.enumeration.numbers.get(own as string) === (type.enumeration.numbers.get(theirs as string) ?? theirs)
      : Buffer.isBuffer(own)
        ? own.equals(theirs as Buffer)
        : typeof own === 'number' || typeof own === 'bigint'
          ? Object.is(own, theirs) || BigInt.asUintN(64, BigInt(own)) === BigInt.asUintN(64, BigInt(theirs as bigint))
          : own === theirs;
  return same ? [] : [`${path} is ${String(own)}, not ${String(theirs)}`];
}

/** Keys of unsigned 64-bit maps are signed in SQL. */
function signedText(key: string): string {
  return /^\d{19,20}$/.test(key) ? String(BigInt.asIntN(64, BigInt(key))) : key;
}

// --- records -----------------------------------------------------------------------------------------------------------

interface Readers {
  readonly message: MessageType;
  readonly values: fc.Arbitrary<Value>;
  readonly objects: Serde<Value>;
  readonly rows: Serde<Row>;
  /** How many bytes stand before the payloads. */
  readonly head: number;
}

/** A message of a schema in the eyes of serde and of SQL; undefined where SQL has no columns for it. */
async function readersOf(schema: string, { message, path }: DeclaredMessage): Promise<Readers | undefined> {
  const columns = columnsOf(schema, message);
  if (columns === undefined) return undefined;
  const schemas = new MemorySchemas();
  const objects = protobufSerde<Value>({ schemas, topic: 't', schema, messageName: message.name });
  await objects.prepare();
  const rows = rowSerde({ schemas }, { format: 'PROTOBUF', properties: {} }, columns, {
    topic: 't',
    part: 'value',
    readOnly: true,
  });
  const values = valuesOf(message);
  const [first] = fc.sample(values, { numRuns: 1, seed: 1 });
  try {
    deserialize(rows, serialize(objects, first!));
  } catch (error) {
    if (!(error instanceof SchemaNotLoaded)) throw error;
    await error.load();
  }
  const lead = new ByteWriter();
  writeMessageIndexes(path, lead);
  return { message, values, objects, rows, head: ENVELOPE_BYTES + lead.position };
}

/** What a record is read as in between foreign bytes; a refusal is its sentence. */
function readAmid(foreign: Buffer, record: Buffer, rows: Serde<Row>): Row | string {
  const buffer = Buffer.concat([foreign, record, foreign]);
  try {
    return rows.decode(buffer, foreign.length, foreign.length + record.length);
  } catch (error) {
    expect(error).toBeInstanceOf(DeserializationError);
    return (error as Error).message;
  }
}

const FOREIGN = ['7f', '00', '0a03616263', '0801'].map((hex) => Buffer.from(hex.repeat(20), 'hex'));

/** The schema in protobufjs, which is somebody else's; undefined where its parser does not take it. */
function outside(schema: string): protobuf.Root | undefined {
  const root = new protobuf.Root();
  const add = (text: string): void => {
    for (const path of protobuf.parse(text, root, { keepCase: true }).imports ?? []) {
      if (root.lookup(path.slice(0, path.lastIndexOf('/')).replaceAll('/', '.')) === null) add(wellKnownProto(path)!);
    }
  };
  try {
    add(schema);
    root.resolveAll();
    return root;
  } catch {
    return undefined;
  }
}

describe('records', () => {
  test('pass through protobufjs unchanged', { timeout: 60_000 }, async () => {
    let compared = 0;
    for (const seed of SEEDS) {
      const schema = randomProto(seed);
      const root = outside(schema);
      if (root === undefined) continue;
      for (const declared of messagesIn(schema)) {
        const readers = await readersOf(schema, declared);
        if (readers === undefined) continue;
        const { objects, values, head } = readers;
        const type = root.lookupType(declared.message.name);
        for (const value of fc.sample(values, { numRuns: 3, seed })) {
          const record = serialize(objects, value)!;
          const again = type.encode(type.decode(record.subarray(head))).finish();
          expect(deserialize(objects, Buffer.concat([record.subarray(0, head), again]))).toEqual(
            deserialize(objects, record),
          );
          compared++;
        }
      }
    }
    expect(compared).toBeGreaterThan(300);
  });

  test('written by serde’s codec are read by SQL as the same values', { timeout: 60_000 }, async () => {
    let compared = 0;
    for (const seed of SEEDS.slice(0, 80)) {
      const schema = randomProto(seed);
      for (const declared of messagesIn(schema)) {
        const readers = await readersOf(schema, declared);
        if (readers === undefined) continue;
        const { message, values, objects, rows } = readers;
        for (const value of fc.sample(values, { numRuns: 5, seed })) {
          const record = serialize(objects, value)!;
          expect(differences(message, deserialize(rows, record)!, deserialize(objects, record)!, '')).toEqual([]);
          compared++;
        }
      }
    }
    expect(compared).toBeGreaterThan(500);
  });

  test('cut or spoiled anywhere are refused or read without a byte from outside', { timeout: 60_000 }, async () => {
    let refused = 0;
    for (const seed of SEEDS.slice(80, 120)) {
      const schema = randomProto(seed);
      for (const declared of messagesIn(schema)) {
        const readers = await readersOf(schema, declared);
        if (readers === undefined) continue;
        const [value] = fc.sample(readers.values, { numRuns: 1, seed });
        const whole = serialize(readers.objects, value!)!;
        for (let at = readers.head; at < whole.length; at++) {
          const spoiled = Buffer.from(whole);
          spoiled[at] = (spoiled[at]! * 31 + seed + 1) & 0xff;
          for (const record of [whole.subarray(0, at), spoiled]) {
            const [alone, ...others] = [Buffer.alloc(0), ...FOREIGN].map((foreign) =>
              readAmid(foreign, record, readers.rows),
            );
            for (const other of others) expect(other).toEqual(alone);
            if (typeof alone === 'string') refused++;
          }
        }
      }
    }
    expect(refused).toBeGreaterThan(1000);
  });
});
