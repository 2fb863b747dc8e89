import { describe, expect, test } from 'vitest';
import {
  avroSerde,
  headersOf,
  type JsonSchema,
  jsonSchemaSerde,
  MemorySchemas,
  protobufSerde,
  type RegistryOptions,
  type Serde,
  serialize,
} from '../../src/serde/index.ts';
import { TopologyTestDriver } from '../../src/streams/index.ts';
import { plainEngine } from './support.ts';

interface Order {
  readonly price: { readonly cents: number };
}

const at = (name: string) => ({ name, subject: name, version: 1 });
const money = {
  AVRO: '{"type":"record","name":"Money","fields":[{"name":"cents","type":"long"}]}',
  PROTOBUF: 'syntax = "proto3"; message Money { int64 cents = 1; }',
  JSON: '{"type":"object","properties":{"cents":{"type":"integer"}}}',
};
const json: JsonSchema = {
  type: 'object',
  properties: { price: { type: 'object', properties: { cents: { type: 'integer' } } } },
};

/** An order whose schema refers to another one, where SQL can follow that. */
const writers: Record<string, (options: RegistryOptions) => Serde<Order>> = {
  AVRO: (options) =>
    avroSerde({
      ...options,
      schema: { type: 'record', name: 'Order', fields: [{ name: 'price', type: 'Money' }] },
      references: [at('Money')],
    }),
  PROTOBUF: (options) =>
    protobufSerde({
      ...options,
      schema: 'syntax = "proto3"; import "Money"; message Other {} message Order { Money price = 1; }',
      references: [at('Money')],
      messageName: 'Order',
    }),
  JSON_SR: (options) => jsonSchemaSerde({ ...options, schema: json }),
};

describe.each(Object.keys(writers))('%s', (format) => {
  test('columns come from a schema with references, and rows from either form', async () => {
    const schemas = new MemorySchemas();
    const schemaType = format === 'JSON_SR' ? 'JSON' : (format as 'AVRO' | 'PROTOBUF');
    schemas.add('Money', { schemaType, schema: money[schemaType] });
    const options = { schemas, topic: 'orders' };
    const forms = [writers[format]!(options), writers[format]!({ ...options, schemaIdIn: 'header' })] as const;
    for (const serde of forms) await serde.prepare?.();

    const { engine, queries } = plainEngine({}, schemas);
    const fullName = format === 'PROTOBUF' ? ", VALUE_SCHEMA_FULL_NAME='Order'" : '';
    await engine.execute(`
      CREATE STREAM orders WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='${format}', PARTITIONS=1${fullName});
      CREATE STREAM cents WITH (VALUE_FORMAT='${format}') AS SELECT price->cents AS c FROM orders;`);
    const [query] = queries.values();
    await query!.topology.prepare();
    const driver = new TopologyTestDriver(query!.topology);
    for (const [i, serde] of forms.entries()) {
      await driver.pipeLoading('orders', null, serialize(serde, { price: { cents: i + 5 } }), 0, headersOf(serde));
    }
    const records = driver.read('CENTS');
    const id = schemas.newest('CENTS-value')!.id;
    expect(records.map(({ value, headers }) => [value!.readInt32BE(1), headers.length])).toEqual([
      [id, 0],
      [id, 0],
    ]);
    const payloads = { AVRO: ['020a', '020c'], PROTOBUF: ['000805', '000806'], JSON_SR: ['{"C":5}', '{"C":6}'] };
    const encoding = format === 'JSON_SR' ? 'utf8' : 'hex';
    expect(records.map(({ value }) => value!.toString(encoding, 5))).toEqual(payloads[format as keyof typeof payloads]);
  });
});
