// What was written with one schema, read by a serde that was given another one.
import avro from 'avsc';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseAvroSchema } from '../../src/schemas/avro/schema.ts';
import { avroIncompatibilities } from '../../src/schemas/avro/compatibility.ts';
import {
  type AvroSchema,
  avroSerde,
  DeserializationError,
  deserialize,
  deserializeLoading,
  jsonSchemaSerde,
  MemorySchemas,
  protobufSerde,
  type Serde,
  serialize,
} from '../../src/serde/index.ts';
import { expectBoundedOnHostileBytes } from './support.ts';

/** What `writer` writes, read with `reader`. */
async function reads(writer: AvroSchema, reader: AvroSchema): Promise<(value: unknown) => unknown> {
  const schemas = new MemorySchemas();
  const [from, to] = [writer, reader].map((schema) => avroSerde<unknown>({ schemas, topic: 't', schema })) as [
    Serde<unknown>,
    Serde<unknown>,
  ];
  await from.prepare?.();
  await to.prepare?.();
  return (value) => deserialize(to, serialize(from, value));
}

const record = (name: string, ...fields: object[]) => ({ type: 'record', name, fields });
const enumOf = (symbols: string[], more: object = {}) => ({ type: 'enum', name: 'E', symbols, ...more });
const big = 2n ** 62n + 1n;

describe('Avro', () => {
  test('fields: added ones have their defaults, gone ones are gone, renamed ones are found, also twice', async () => {
    const read = await reads(
      record(
        'R',
        { name: 'gone', type: { type: 'array', items: { type: 'map', values: 'long' } } },
        { name: 'a', type: 'int' },
      ),
      record(
        'R',
        { name: 'b', type: 'long', aliases: ['a'] },
        { name: 'a', type: 'double' },
        { name: 'added', type: { type: 'array', items: 'int' }, default: [1] },
        { name: 'optional', type: ['null', 'int'], default: null },
        { name: 'state', type: enumOf(['A', 'B'], { default: 'B' }) },
      ),
    );
    const expected = { b: 5, a: 5, added: [1], optional: null, state: 'B' };
    expect(read({ gone: [{ x: 1 }, { y: big }], a: 5 })).toEqual(expected);
    const first = read({ gone: [], a: 5 }) as { added: number[] };
    first.added.push(2);
    expect(read({ gone: [], a: 5 })).toEqual(expected);
  });

  test.each<[AvroSchema, AvroSchema, unknown, unknown]>([
    ['int', 'long', 7, 7],
    ['int', 'float', 16_777_217, 16_777_216],
    ['int', 'double', 7, 7],
    ['long', 'long', big, big],
    ['long', 'double', big, Number(big)],
    ['long', 'float', big, 2 ** 62],
    ['float', 'double', 0.5, 0.5],
    ['string', 'bytes', 'é', Buffer.from('é')],
    ['bytes', 'string', Buffer.from('é'), 'é'],
    ['bytes', ['null', 'bytes'], Buffer.of(1), Buffer.of(1)],
    [{ type: 'array', items: 'int' }, { type: 'array', items: 'double' }, [1, 2], [1, 2]],
    [{ type: 'map', values: 'long' }, { type: 'map', values: ['null', 'long'] }, { a: big }, { a: big }],
    [enumOf(['A', 'B']), enumOf(['B', 'C'], { default: 'C' }), 'A', 'C'],
    // A branch of the value's own type goes before one that it could be promoted to.
    ['int', ['double', 'int', 'null'], 5, { int: 5 }],
    ['int', ['null', 'string', 'double'], 5, 5],
    ['long', ['int', 'long'], big, { long: big }],
    [['int', 'long'], ['null', 'long'], { long: big }, big],
    [['null', 'int'], 'int', 5, 5],
    [['null', 'string'], ['string', 'null'], null, null],
    [{ ...record('R'), namespace: 'a' }, [{ ...record('R'), namespace: 'b' }, 'null'], {}, {}],
    [{ ...record('Old'), namespace: 'a' }, { ...record('New'), aliases: ['a.Old'] }, {}, {}],
  ])('%j is read as %j', async (writer, reader, value, expected) => {
    expect((await reads(writer, reader))(value)).toEqual(expected);
  });

  test('a recursive schema', async () => {
    const list = (type: string, ...more: object[]) =>
      record('List', { name: 'value', type }, { name: 'next', type: ['null', 'List'] }, ...more);
    const read = await reads(list('long'), list('double', { name: 'depth', type: 'int', default: 0 }));
    expect(read({ value: 1, next: { value: big, next: null } })).toEqual({
      value: 1,
      next: { value: Number(big), next: null, depth: 0 },
      depth: 0,
    });
    // The union's only record is taken for readable before it turns out that it is not.
    const broken = await reads(
      record('Outer', { name: 'list', type: ['null', list('string')] }),
      record('Outer', { name: 'list', type: ['null', list('int')] }),
    );
    expect(broken({ list: null })).toEqual({ list: null });
    expect(() => broken({ list: { value: 'x', next: null } })).toThrow("List.value: string can't be read as int");
  });

  test.each<[AvroSchema, AvroSchema, unknown, string]>([
    ['string', 'int', 'x', "int: string can't be read as int"],
    [record('A'), record('B'), {}, "B: A can't be read as B"],
    [record('A'), record('A', { name: 'x', type: 'int' }), {}, 'A.x has no default, and A has no such field'],
    ['int', ['null', 'string'], 1, "[null, string]: int can't be read as [null, string]"],
    [
      { type: 'fixed', name: 'F', size: 2 },
      { type: 'fixed', name: 'F', size: 3 },
      Buffer.alloc(2),
      "F: 2 bytes can't be read as 3 (F)",
    ],
  ])('%j is not read as %j, which is said of each record', async (writer, reader, value, message) => {
    const read = await reads(writer, reader);
    for (let i = 0; i < 2; i++) {
      expect(() => read(value)).toThrow(DeserializationError);
      expect(() => read(value)).toThrow(`the schema 1 can't be used: ${message}`);
    }
  });

  test('what only some values lack is an error of these', async () => {
    const symbols = await reads(enumOf(['A', 'B']), enumOf(['B']));
    expect(symbols('B')).toBe('B');
    expect(() => symbols('A')).toThrow('E: E has no symbol A');
    const branches = await reads({ type: 'array', items: ['null', 'string'] }, { type: 'array', items: 'string' });
    expect(branches(['x'])).toEqual(['x']);
    expect(() => branches(['x', null])).toThrow(DeserializationError);
    expect(() => branches(['x', null])).toThrow("array[]: null can't be read as string");
  });

  test('hostile bytes are refused soon', async () => {
    const nested = { type: 'array', items: { type: 'map', values: ['null', 'string', 'long'] } };
    const schemas = new MemorySchemas();
    const writer = avroSerde<object>({
      schemas,
      topic: 't',
      schema: record('R', { name: 'gone', type: nested }, { name: 'kept', type: nested }, { name: 'n', type: 'int' }),
    });
    await writer.prepare();
    const other = avroSerde<object>({
      schemas,
      topic: 't',
      schema: record('R', { name: 'n', type: 'double' }, { name: 'kept', type: nested }),
    });
    await other.prepare();
    const maps = [{ a: null, b: 5 }, { c: 'x' }];
    const both = { ...other, encode: writer.encode.bind(writer), decode: other.decode.bind(other) };
    expectBoundedOnHostileBytes(both, { gone: maps, kept: maps, n: 1 });
  });

  test('whatever the registry calls compatible is read, as the reader’s values', async () => {
    let compatible = 0;
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        const g = generator(seed);
        const [writer, reader] = schemaPair(g);
        const found = avroIncompatibilities(...([reader, writer].map(parsed) as [Node, Node]));
        const value = valueOf(g, avro.Type.forSchema(writer as avro.Schema));
        const read = await reads(writer, reader);
        if (found.length > 0) {
          try {
            read(value);
          } catch (error) {
            expect(error).toBeInstanceOf(DeserializationError);
          }
          return;
        }
        compatible++;
        const result = read(value);
        // It fits, and nothing of it is lost.
        expect((await reads(reader, reader))(result)).toEqual(result);
      }),
      { numRuns: 500 },
    );
    expect(compatible).toBeGreaterThan(100);
  });
});

interface Generator {
  below(limit: number): number;
  oneOf<T>(...items: T[]): T;
}

/** The same choices for the same seed. */
function generator(seed: number): Generator {
  let state = seed;
  const below = (limit: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  return { below, oneOf: (...items) => items[below(items.length)]! };
}

type Node = ReturnType<typeof parseAvroSchema>;
const parsed = (schema: AvroSchema): Node => parseAvroSchema(JSON.stringify(schema));

const PRIMITIVES = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'];
const WIDER: Readonly<Record<string, string[]>> = {
  int: ['long', 'float', 'double'],
  long: ['float', 'double'],
  float: ['double'],
  string: ['bytes'],
  bytes: ['string'],
};

/** A schema, and what a later version might look like: mostly, but not always, in compatible ways. */
function schemaPair(g: Generator): [AvroSchema, AvroSchema] {
  let names = 0;
  const chance = (percent: number) => g.below(100) < percent;
  const primitives = (): [AvroSchema, AvroSchema] => {
    const written = g.oneOf(...PRIMITIVES);
    if (chance(3)) return [written, g.oneOf(...PRIMITIVES)];
    const wider = WIDER[written] ?? [];
    return [written, wider.length > 0 && chance(40) ? g.oneOf(...wider) : written];
  };
  const named = (more: (name: string) => [object, object]): [AvroSchema, AvroSchema] => {
    const name = `N${names++}`;
    const [a, b] = more(name);
    const renamed = chance(20) ? { name: `${name}x`, aliases: [`a.${name}`] } : { name };
    return [
      { name, namespace: 'a', ...a },
      { ...renamed, namespace: chance(20) ? 'b' : 'a', ...b },
    ];
  };
  const recordPair = (depth: number): [AvroSchema, AvroSchema] =>
    named((name) => {
      const written: object[] = [];
      const read: object[] = [];
      for (let i = g.below(4); i >= 0; i--) {
        const field = `f${i}`;
        const [a, b] = pair(depth - 1);
        if (chance(15)) read.push({ name: field, type: 'long', ...(chance(95) ? { default: 5 } : {}) });
        else if (chance(18)) written.push({ name: field, type: a });
        else {
          written.push({ name: field, type: a });
          read.push(chance(20) ? { name: `${field}x`, aliases: [field], type: b } : { name: field, type: b });
        }
      }
      if (chance(30)) written.push({ name: 'next', type: ['null', `a.${name}`] });
      return [
        { type: 'record', fields: written },
        { type: 'record', fields: read.toReversed() },
      ];
    });
  const enumPair = (): [AvroSchema, AvroSchema] =>
    named(() => [
      { type: 'enum', symbols: ['A', 'B'] },
      g.oneOf({ type: 'enum', symbols: ['B', 'C', 'A'] }, { type: 'enum', symbols: ['B'], default: 'B' }),
    ]);
  const fixedPair = (): [AvroSchema, AvroSchema] =>
    named(() => [
      { type: 'fixed', size: 2 },
      { type: 'fixed', size: chance(95) ? 2 : 3 },
    ]);
  const single = (depth: number): [AvroSchema, AvroSchema] => {
    if (depth <= 0) return primitives();
    switch (g.below(6)) {
      case 0: {
        const [items, others] = pair(depth - 1);
        return [
          { type: 'array', items },
          { type: 'array', items: others },
        ];
      }
      case 1: {
        const [values, others] = pair(depth - 1);
        return [
          { type: 'map', values },
          { type: 'map', values: others },
        ];
      }
      case 2:
        return enumPair();
      case 3:
        return fixedPair();
      default:
        return recordPair(depth);
    }
  };
  const kindOf = (schema: AvroSchema) =>
    typeof schema === 'string'
      ? schema
      : JSON.stringify((schema as { name?: string; type: string }).name ?? (schema as { type: string }).type);
  const pair = (depth: number): [AvroSchema, AvroSchema] => {
    if (!chance(40)) return single(depth);
    const pairs = Array.from({ length: 1 + g.below(4) }, () => single(depth));
    const distinct = (branches: AvroSchema[]) => [
      ...new Map(branches.map((branch) => [kindOf(branch), branch])).values(),
    ];
    const [a, b] = [distinct(pairs.map(([one]) => one)), distinct(pairs.map(([, other]) => other).toReversed())];
    const plain = (branches: AvroSchema[]) => (branches.length === 1 && chance(50) ? branches[0]! : branches);
    return [plain(a), plain(b)];
  };
  return pair(3);
}

function valueOf(g: Generator, type: avro.Type, depth = 0): unknown {
  switch (type.typeName) {
    case 'null':
      return null;
    case 'boolean':
      return g.below(2) === 1;
    case 'int':
      return g.below(2 ** 32) - 2 ** 31;
    case 'long':
      return g.below(2) === 1 ? g.below(2 ** 32) : 2n ** 62n + BigInt(g.below(2 ** 32));
    case 'float':
    case 'double':
      return g.below(1000) / 4;
    case 'string':
      return 'é'.repeat(g.below(4));
    case 'bytes':
      return Buffer.alloc(g.below(4), 'ab');
    case 'fixed':
      return Buffer.alloc((type as avro.types.FixedType).size, 1);
    case 'enum':
      return g.oneOf(...(type as avro.types.EnumType).symbols);
    case 'array':
      return g.below(3) === 0 ? [] : [valueOf(g, (type as avro.types.ArrayType).itemsType, depth + 1)];
    case 'map':
      return { k: valueOf(g, (type as avro.types.MapType).valuesType as avro.Type, depth + 1) };
    case 'record': {
      const { fields } = type as avro.types.RecordType;
      return Object.fromEntries(fields.map((field) => [field.name, valueOf(g, field.type, depth + 1)]));
    }
    default: {
      const { types } = type as avro.types.UnwrappedUnionType;
      const [first] = types;
      const branch = depth > 6 && first!.typeName === 'null' ? first! : g.oneOf(...types);
      const value = valueOf(g, branch, depth + 1);
      return type.typeName === 'union:wrapped' && value !== null ? { [branch.branchName!]: value } : value;
    }
  }
}

describe('Protobuf', () => {
  const proto = (text: string) => `syntax = "proto3"; package shop; ${text}`;

  test('fields by their numbers, as the message that was given', async () => {
    const schemas = new MemorySchemas();
    const writer = protobufSerde<object>({
      schemas,
      topic: 'w',
      schema: proto(
        `message Head { string name = 1; } message Order { int32 id = 1; string gone = 2; Head head = 3; }`,
      ),
      messageName: 'Order',
    });
    await writer.prepare();
    const schema = proto(`message Bill { int64 number = 1; Top top = 3; repeated string added = 4; }
      message Top { string title = 1; } message Head { string named = 1; }`);
    const reader = protobufSerde<object>({ schemas, topic: 'r', schema });
    const bytes = serialize(writer, { id: 5, gone: 'x', head: { name: 'n' } });
    // Not prepared: what reads only need not register anything.
    expect(await deserializeLoading(reader, bytes)).toEqual({ number: 5, top: { title: 'n' }, added: [] });
    expect(schemas.newest('r-value')).toBeUndefined();
    // A message that the reader's file has, too, is read as that one.
    const heads = protobufSerde<object>({ schemas, topic: 'w', useLatestVersion: true, messageName: 'Head' });
    await heads.prepare();
    expect(deserialize(reader, serialize(heads, { name: 'n' }))).toEqual({ named: 'n' });
  });
});

describe('JSON Schema', () => {
  test('checked as it was written', async () => {
    const schemas = new MemorySchemas();
    const serdes = [{ required: ['a'] }, { required: ['b'] }].map((schema) =>
      jsonSchemaSerde<object>({ schemas, topic: 't', schema }),
    );
    for (const serde of serdes) await serde.prepare();
    expect(deserialize(serdes[1]!, serialize(serdes[0]!, { a: 1 }))).toEqual({ a: 1 });
  });
});

describe('the schema that is read into', () => {
  const v1 = record('R', { name: 'a', type: 'int' });
  const v2 = record('R', { name: 'a', type: 'long' }, { name: 'b', type: 'int', default: 7 });
  const registered = (schema: object, more: object = {}) => ({
    schemaType: 'AVRO' as const,
    schema: JSON.stringify(schema),
    ...more,
  });

  test('may be chosen from the registry', async () => {
    const schemas = new MemorySchemas();
    const writer = avroSerde<object>({ schemas, topic: 't', schema: v1 });
    await writer.prepare();
    const stable = { metadata: { properties: { stage: 'stable', owner: 'us' } } };
    const second = schemas.add('t-value', registered(v2, stable));
    schemas.add('t-value', registered(record('R')));
    const bytes = serialize(writer, { a: 1 });
    const read = (options: object) => deserializeLoading(avroSerde({ schemas, topic: 't', ...options }), bytes);
    expect(await read({})).toEqual({ a: 1 });
    expect(await read({ useSchemaId: second })).toEqual({ a: 1, b: 7 });
    expect(await read({ useLatestVersion: true })).toEqual({});
    expect(await read({ useLatestWithMetadata: { stage: 'stable' } })).toEqual({ a: 1, b: 7 });
    // What the application has not got right is not the record's fault.
    await expect(read({ useLatestWithMetadata: { stage: 'old' } })).rejects.toMatchObject({
      code: 'SCHEMA_NOT_FOUND',
      message: 'the subject t-value has no schema with the metadata {"stage":"old"}: register one first',
    });
    await expect(read({ schema: { type: 'record' } })).rejects.toThrow('invalid Avro schema');
  });
});
