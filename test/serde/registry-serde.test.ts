import { describe, expect, test } from 'vitest';
import {
  avroSerde,
  deserialize,
  deserializeLoading,
  jsonSchemaSerde,
  MemorySchemas,
  protobufSerde,
  recordNameStrategy,
  SchemaNotLoaded,
  SerializationError,
  serialize,
  topicRecordNameStrategy,
} from '../../src/serde/index.ts';

const schema = { type: 'record', name: 'Flight', namespace: 'air', fields: [{ name: 'origin', type: 'string' }] };
const newer = {
  ...schema,
  fields: [...schema.fields, { name: 'delay', type: ['null', 'int'], default: null }],
};
const avro = (definition: object) => ({ schemaType: 'AVRO' as const, schema: JSON.stringify(definition) });

describe('which schema is written', () => {
  test('is registered under the subject that the strategy says', async () => {
    const cases = [
      [{}, 't-value'],
      [{ isKey: true }, 't-key'],
      [{ subject: 'mine' }, 'mine'],
      [{ subjectNameStrategy: recordNameStrategy }, 'air.Flight'],
      [{ subjectNameStrategy: topicRecordNameStrategy }, 't-air.Flight'],
    ] as const;
    for (const [options, subject] of cases) {
      const schemas = new MemorySchemas();
      await avroSerde({ schemas, topic: 't', schema, ...options }).prepare?.();
      expect(await schemas.latest(subject)).toMatchObject({ version: 1 });
    }
    const names = new MemorySchemas();
    const byName = { schemas: names, topic: 't', subjectNameStrategy: recordNameStrategy };
    await protobufSerde({ ...byName, schema: 'package a.b; message C { message D {} }', messageName: 'D' }).prepare?.();
    await jsonSchemaSerde({ ...byName, schema: { title: 'Person' } }).prepare?.();
    expect([names.newest('a.b.C.D')?.id, names.newest('Person')?.id]).toEqual([1, 2]);
    await expect(jsonSchemaSerde({ ...byName, schema: {} }).prepare?.()).rejects.toMatchObject({
      code: 'UNNAMED_SCHEMA',
    });
    await expect(avroSerde({ schemas: names, schema }).prepare?.()).rejects.toMatchObject({ code: 'NO_SUBJECT' });
  });

  test('is only looked up where it must not be registered', async () => {
    const schemas = new MemorySchemas();
    const serde = avroSerde<object>({ schemas, topic: 't', schema, autoRegisterSchemas: false });
    await expect(serde.prepare?.()).rejects.toMatchObject({ code: 'SCHEMA_NOT_FOUND' });
    expect(() => serialize(serde, {})).toThrow('has not been registered yet');
    schemas.add('t-value', avro(schema), 42);
    await serde.prepare?.();
    expect(serialize(serde, { origin: 'SFO' })!.readInt32BE(1)).toBe(42);
  });

  test("is the subject's newest, or the one with a given id", async () => {
    const schemas = new MemorySchemas();
    const latest = avroSerde<object>({ schemas, topic: 't', useLatestVersion: true });
    await expect(latest.prepare?.()).rejects.toMatchObject({ code: 'SCHEMA_NOT_FOUND' });
    const first = schemas.add('t-value', avro(schema));
    const second = schemas.add('t-value', avro(newer));
    await latest.prepare?.();
    expect(serialize(latest, { origin: 'SFO', delay: 3 })!.readInt32BE(1)).toBe(second);
    const given = avroSerde<object>({ schemas, topic: 't', useSchemaId: first, useLatestVersion: true });
    await given.prepare?.();
    expect(serialize(given, { origin: 'SFO' })!.readInt32BE(1)).toBe(first);
    const proto = schemas.add('p-value', { schemaType: 'PROTOBUF', schema: 'message A {}' });
    const missing = protobufSerde({ schemas, topic: 'p', useSchemaId: proto, messageName: 'B' });
    await expect(missing.prepare()).rejects.toThrow('has no message B');
    const other = protobufSerde({ schemas, topic: 't', useSchemaId: first });
    await expect(other.prepare?.()).rejects.toThrow('schema 1 is AVRO, not PROTOBUF');
  });

  test('without one a serde only reads', async () => {
    const schemas = new MemorySchemas();
    const serde = avroSerde<object>({ schemas, topic: 't' });
    await serde.prepare?.();
    expect(schemas.newest('t-value')).toBeUndefined();
    expect(() => serialize(serde, { origin: 'SFO' })).toThrow('was given no schema to write');
  });

  test('a broken one is refused before it is registered', async () => {
    const schemas = new MemorySchemas();
    const broken = [
      avroSerde({ schemas, topic: 't', schema: { type: 'record' } }),
      protobufSerde({ schemas, topic: 't', schema: 'message A { Unknown b = 1; }' }),
      protobufSerde({ schemas, topic: 't', schema: 'message A {}', messageName: 'B' }),
      jsonSchemaSerde({ schemas, topic: 't', schema: { $ref: '#/definitions/none' } }),
    ];
    for (const serde of broken) await expect(serde.prepare?.()).rejects.toThrow(SerializationError);
    expect(schemas.newest('t-value')).toBeUndefined();
  });
});

describe('which schema is read', () => {
  test("is the writer's, and one that is not at hand is loaded", async () => {
    const schemas = new MemorySchemas();
    const writer = avroSerde<object>({ schemas, topic: 't', schema: newer });
    await writer.prepare?.();
    const bytes = serialize(writer, { origin: 'SFO', delay: 3 })!;
    const reader = avroSerde<object>({ schemas, topic: 't' });
    expect(() => deserialize(reader, bytes)).toThrow(SchemaNotLoaded);
    expect(await deserializeLoading(reader, bytes)).toEqual({ origin: 'SFO', delay: 3 });
    // From now on it is.
    expect(deserialize(reader, bytes)).toEqual({ origin: 'SFO', delay: 3 });
  });

  test("one that does not exist, or is another language's, is the record's fault, each time anew", async () => {
    const schemas = new MemorySchemas();
    schemas.add('t-value', { schemaType: 'JSON', schema: '{}' }, 5);
    const reader = avroSerde<object>({ schemas, topic: 't' });
    await expect(deserializeLoading(reader, Buffer.from('000000000500', 'hex'))).rejects.toThrow(
      'schema 5 is JSON, not AVRO',
    );
    const nine = Buffer.from('000000000900', 'hex');
    await expect(deserializeLoading(reader, nine)).rejects.toMatchObject({ code: 'DESERIALIZATION_FAILED' });
    schemas.add('t-value', { schemaType: 'AVRO', schema: '"string"' }, 9);
    expect(await deserializeLoading(reader, nine)).toBe('');
    await expect(deserializeLoading(reader, Buffer.from('abc'))).rejects.toThrow('too short for a schema id');
    await expect(deserializeLoading(reader, Buffer.from('abcdefg'))).rejects.toThrow('written without a registry');
  });

  test('a registry that does not answer is not', async () => {
    const schemas = new MemorySchemas();
    const unreachable = Object.assign(new Error('gone'), { code: 'REGISTRY_UNREACHABLE' });
    schemas.byId = () => Promise.reject(unreachable);
    await expect(
      deserializeLoading(avroSerde({ schemas, topic: 't' }), Buffer.from('000000000900', 'hex')),
    ).rejects.toBe(unreachable);
  });
});

describe('references', () => {
  const at = (name: string, subject: string) => ({ name, subject, version: 1 });

  test('of Avro are named types', async () => {
    const schemas = new MemorySchemas();
    schemas.add('cents', avro({ type: 'record', name: 'Cents', fields: [{ name: 'n', type: 'long' }] }));
    const money = { type: 'record', name: 'Money', fields: [{ name: 'cents', type: 'Cents' }] };
    schemas.add('money', { ...avro(money), references: [at('Cents', 'cents')] });
    const order = { type: 'record', name: 'Order', fields: [{ name: 'price', type: 'Money' }] };
    const references = [at('Money', 'money')];
    const serde = avroSerde<object>({ schemas, topic: 't', schema: order, references });
    await serde.prepare?.();
    // A bigint takes the exact type, which has to know the references, too.
    for (const n of [12, 2n ** 60n]) {
      const bytes = serialize(serde, { price: { cents: { n } } });
      expect(await deserializeLoading(avroSerde<object>({ schemas, topic: 'x' }), bytes)).toEqual({
        price: { cents: { n } },
      });
    }
  });

  test('of Protobuf are imported files', async () => {
    const schemas = new MemorySchemas();
    const cents =
      'syntax = "proto3"; package money; enum Currency { EUR = 0; USD = 1; } message Cents { int64 n = 1; }';
    const money = `syntax = "proto3"; package money; import "cents.proto"; import "google/protobuf/timestamp.proto";
      message Money { Cents cents = 1; Currency currency = 2; google.protobuf.Timestamp at = 3; }`;
    schemas.add('cents', { schemaType: 'PROTOBUF', schema: cents });
    schemas.add('money', { schemaType: 'PROTOBUF', schema: money, references: [at('cents.proto', 'cents')] });
    const serde = protobufSerde<object>({
      schemas,
      topic: 't',
      schema: 'syntax = "proto3"; import "money.proto"; message Order { money.Money price = 1; }',
      references: [at('money.proto', 'money')],
    });
    await serde.prepare?.();
    const value = { price: { cents: { n: 2n ** 60n }, currency: 'USD', at: { seconds: 5, nanos: 0 } } };
    expect(await deserializeLoading(protobufSerde<object>({ schemas, topic: 'x' }), serialize(serde, value))).toEqual(
      value,
    );
  });

  test('of JSON Schema are other documents, by name or relative to the document', async () => {
    const schemas = new MemorySchemas();
    const json = (schema: object) => ({ schemaType: 'JSON' as const, schema: JSON.stringify(schema) });
    schemas.add('cents', json({ definitions: { n: { type: 'integer' } } }));
    const money = { type: 'object', properties: { cents: { $ref: 'cents.json#/definitions/n' } } };
    schemas.add('money', { ...json(money), references: [at('cents.json', 'cents')] });
    for (const $id of [undefined, 'http://shop.example/order.json']) {
      const serde = jsonSchemaSerde<object>({
        schemas,
        topic: `t-${$id}`,
        schema: { ...($id === undefined ? {} : { $id }), properties: { price: { $ref: 'money.json' } } },
        references: [at('money.json', 'money')],
      });
      await serde.prepare?.();
      expect(await deserializeLoading(serde, serialize(serde, { price: { cents: 5 } }))).toEqual({
        price: { cents: 5 },
      });
      expect(() => serialize(serde, { price: { cents: 'five' } })).toThrow('/price/cents must be integer');
    }
  });
});
